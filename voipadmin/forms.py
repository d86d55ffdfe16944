"""How a form's fields look on all pages: Bootstrap's classes, set where a field meets its form."""

from typing import Any

from django import forms
from django.forms.boundfield import BoundField

FIELD_CLASSES: dict[type[forms.Widget], str] = {
    forms.Select: "form-select",
    forms.CheckboxInput: "form-check-input",
    forms.RadioSelect: "",
    forms.CheckboxSelectMultiple: "",
}


class PageBoundField(BoundField):
    """A field of a page; render it with its label, help and errors by `as_field_group`."""

    def build_widget_attrs(
        self, attrs: dict[str, Any], widget: forms.Widget | None = None
    ) -> dict[str, Any]:
        """Add the class of the widget's kind, and whether the field is wrong."""
        attrs = super().build_widget_attrs(attrs, widget)
        widget = widget or self.field.widget
        kind = next(
            (FIELD_CLASSES[base] for base in type(widget).__mro__ if base in FIELD_CLASSES),
            "form-control",
        )
        names = [kind, widget.attrs.get("class", ""), "is-invalid" if self.errors and kind else ""]
        if any(names):
            attrs["class"] = " ".join(filter(None, names))
        return attrs


class PageForm(forms.Form):
    """A form of a page."""

    bound_field_class = PageBoundField


class PageModelForm(forms.ModelForm):
    """A form of a page that mirrors a model."""

    bound_field_class = PageBoundField
