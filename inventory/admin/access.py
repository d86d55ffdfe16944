"""What the admin shows and lets do: the rows of one's clusters, by the levels held there."""

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from inventory.access import cluster_path, may_somewhere, visible

VERBS = ("view", "add", "change", "delete")


class OwnChoices(admin.options.BaseModelAdmin):
    """Forms that offer the clusters, machines and networks that one sees."""

    # Its use is judged apart: a login that is held already must stay among the choices.
    offered_anyway = frozenset({"credential"})

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Leave out what the user may not see."""
        self._narrow(db_field, request, kwargs)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Leave out what the user may not see."""
        self._narrow(db_field, request, kwargs)
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def _narrow(self, db_field: Any, request: HttpRequest, options: dict[str, Any]) -> None:
        """Choose the rows that a field offers."""
        model: type[models.Model] = db_field.remote_field.model
        if cluster_path(model) and model._meta.model_name not in self.offered_anyway:
            options["queryset"] = visible(model._default_manager.all(), request.user)


class OwnRows(OwnChoices, admin.ModelAdmin):
    """A page of rows of one's clusters; Django's own permissions hold in all of them."""

    def get_queryset(self, request: HttpRequest) -> Any:
        """Leave out what the user may not see."""
        asked = (self._permission("view"), self._permission("change"))
        return visible(super().get_queryset(request), request.user, *asked)

    def get_list_filter(self, request: HttpRequest) -> Any:
        """Offer only what occurs in the rows that are shown: names of others are not for all."""
        return [
            (name, admin.RelatedOnlyFieldListFilter) if self._is_relation(name) else name
            for name in super().get_list_filter(request)
        ]

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Show the page to whoever may do something with such a row somewhere."""
        return any(may_somewhere(request.user, self._permission(verb)) for verb in VERBS)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Ask for the permission to look, or to change."""
        return self._may(request, "view", obj) or self._may(request, "change", obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Ask whether there is a cluster to add it to."""
        return self._may(request, "add", None)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Ask for the row's cluster."""
        return self._may(request, "change", obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Ask for the row's cluster."""
        return self._may(request, "delete", obj)

    def _may(self, request: HttpRequest, verb: str, row: Any) -> bool:
        """Tell whether the user has a permission on a row, or on any when None."""
        permission = self._permission(verb)
        if row is None:
            return may_somewhere(request.user, permission)
        return request.user.has_perm(permission, row)

    def _permission(self, verb: str) -> str:
        """Name a permission of the model."""
        return f"{self.opts.app_label}.{verb}_{self.opts.model_name}"

    def _is_relation(self, name: Any) -> bool:
        """Tell whether a filter, given by its name alone, lists rows of another table."""
        if not isinstance(name, str):
            return False
        field: Any = None
        model: Any = self.model
        for part in name.split("__"):
            field = model._meta.get_field(part)
            model = field.related_model
        return bool(field.is_relation)


class ReadOnlyAdmin(OwnRows):
    """Rows that the machinery writes."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Let nobody add."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let nobody change."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let nobody delete."""
        return False
