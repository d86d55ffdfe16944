"""What the admin pages share: writes through operations, and a no that comes back in the form."""

from collections.abc import Iterator
from typing import Any, ClassVar, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import ProtectedError, RestrictedError
from django.forms import BaseFormSet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from inventory.access import AnyUser, may_somewhere
from inventory.admin.access import OwnChoices, OwnRows
from inventory.models import Cluster
from inventory.operations import ChangeError, Operation, Refused, Result, perform
from inventory.rules import Finding
from inventory.services import delete_row, save_row
from voipadmin.problems import OTHER, django_errors, still_needed

# A no that a person can do something about; anything else is a bug and surfaces.
NO = (Refused, ChangeError, ValidationError, ProtectedError, RestrictedError)


class OperationForm(forms.ModelForm):
    """A form that shows why its operation was refused."""

    refusal: ClassVar[Exception | None] = None
    user: ClassVar[AnyUser] = AnonymousUser()
    # Fields whose uniqueness the rules judge, who know the whole cluster.
    left_to_rules: ClassVar[frozenset[str]] = frozenset()

    def _get_validation_exclusions(self) -> set[str]:
        """Leave to the rules what is theirs."""
        return super()._get_validation_exclusions() | self.left_to_rules  # type: ignore[misc, no-any-return]

    def _post_clean(self) -> None:
        """Add the faults that were found when the operation was carried out."""
        super()._post_clean()  # type: ignore[misc]
        if self.refusal is not None and not self.errors:
            for field, sentence in sentences(self.refusal):
                self.add_error(field if field in self.fields else None, sentence)


class OperationAdmin(OwnRows):
    """An admin page whose writes are operations, all or nothing."""

    form = OperationForm

    def write(
        self, request: HttpRequest, row: Any, form: Any, formsets: list[BaseFormSet], change: bool
    ) -> models.Model:
        """Write what the forms describe; returns the row."""
        raise NotImplementedError

    def remove(self, request: HttpRequest, row: Any) -> None:
        """Remove a row."""
        raise NotImplementedError

    def carry_out(
        self, request: HttpRequest, operation: Operation, cluster: Cluster | None
    ) -> Result:
        """Perform an operation as the user of the request."""
        request_id = request.headers.get("X-Request-ID", "")[:64]
        result = perform(operation, cluster=cluster, actor=actor(request), request_id=request_id)
        request.found = [*getattr(request, "found", ()), *result.findings]  # type: ignore[attr-defined]
        return result

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """Hand the form what was refused a moment ago."""
        form = super().get_form(request, obj, change=change, **kwargs)
        form.refusal = getattr(request, "refusal", None)  # type: ignore[attr-defined]
        form.user = request.user  # type: ignore[attr-defined]
        return form

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Save; what is refused undoes everything and shows the form again with the reasons."""
        try:
            with transaction.atomic():
                return super().changeform_view(request, object_id, form_url, extra_context)
        except NO as refusal:
            request.refusal = refusal  # type: ignore[attr-defined]
            return super().changeform_view(request, object_id, form_url, extra_context)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Wait for the formsets: an operation has all parts."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Write form and formsets as one."""
        row = self.write(request, form.instance, form, list(formsets), change)
        form.instance.pk = row.pk
        for finding in getattr(request, "found", ()):
            messages.warning(request, rule_sentence(finding))

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> Any:
        """Name the form's fields; the change log has the rest."""
        return super().construct_change_message(request, form, [], add)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Show what is removed; what stands in the way, the operation says."""
        return [str(row) for row in objs], {}, set(), []

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Remove one row."""
        self.remove(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        """Remove the chosen rows one by one, all or none."""
        for row in queryset:
            self.remove(request, row)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """Remove; what is refused leads back to the row with the reasons."""
        try:
            with transaction.atomic():
                return super().delete_view(request, object_id, extra_context)
        except NO as refusal:
            name = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
            return _back(request, refusal, reverse(name, args=[object_id]))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """Carry out actions; what is refused leads back to the list with the reasons."""
        try:
            with transaction.atomic():
                return super().changelist_view(request, extra_context)
        except NO as refusal:
            if request.method != "POST":
                raise
            return _back(request, refusal, request.get_full_path())


class RowAdmin(OperationAdmin):
    """Rows that no rule reads: written as they are, and logged."""

    def write(
        self, request: HttpRequest, row: Any, form: Any, formsets: list[BaseFormSet], change: bool
    ) -> models.Model:
        """Write the row."""
        return cast("models.Model", save_row(row, actor=actor(request), cluster=cluster_of(row)))

    def remove(self, request: HttpRequest, row: Any) -> None:
        """Delete the row."""
        delete_row(row, actor=actor(request), cluster=cluster_of(row))


class PartInline(OwnChoices, admin.TabularInline):
    """Parts of a row; who may change the row may change them."""

    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Ask for the row's permission."""
        return self._may(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Ask for the row's permission."""
        return self._may(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Ask for the row's permission."""
        return self._may(request, obj)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Show parts to whoever sees the row."""
        return True

    def _may(self, request: HttpRequest, row: Any) -> bool:
        """Tell whether the user may change the row, or add one."""
        meta = self.parent_model._meta
        if row is None:
            return may_somewhere(request.user, f"{meta.app_label}.add_{meta.model_name}")
        return request.user.has_perm(f"{meta.app_label}.change_{meta.model_name}", row)


def actor(request: HttpRequest) -> User:
    """Return who is signed in; the admin lets nobody else in."""
    return cast("User", request.user)


def cluster_of(row: Any) -> Cluster | None:
    """Return the cluster that a row belongs to."""
    return cast("Cluster | None", getattr(row, "cluster", None))


def kept(formset: BaseFormSet) -> Iterator[dict[str, Any]]:
    """Yield the values of a formset's rows that are filled in and not ticked for removal."""
    for form in formset.forms:
        values = getattr(form, "cleaned_data", {})
        if values and not values.get("DELETE"):
            yield values


def sentences(refusal: Exception) -> Iterator[tuple[str | None, str]]:
    """Yield field and sentence of a no; a rule's sentence with its number and source."""
    if isinstance(refusal, Refused):
        for finding in refusal.findings:
            yield None, rule_sentence(finding)
    elif isinstance(refusal, ValidationError):
        yield from _faults(refusal)
    elif isinstance(refusal, (ProtectedError, RestrictedError)):
        yield None, still_needed(refusal)
    else:
        yield None, str(refusal)


def rule_sentence(finding: Finding) -> str:
    """Return a finding's number and words, and the sentence that they rest on."""
    source = finding.source
    return f"{finding.rule}: {finding.message} ({source.document}: “{source.text}”)"


def _faults(error: ValidationError) -> Iterator[tuple[str | None, str]]:
    """Yield a row's faults by field."""
    for name, words in django_errors(error).items():
        for sentence in words:
            yield None if name == OTHER else name, sentence


def _back(request: HttpRequest, refusal: Exception, address: str) -> HttpResponse:
    """Lead back with the reasons."""
    for _, sentence in sentences(refusal):
        messages.error(request, sentence)
    return redirect(address)
