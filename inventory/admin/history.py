"""Facts, events and changes; only a typed fact is written here."""

from typing import Any

from django.contrib import admin
from django.db import models
from django.forms import BaseFormSet
from django.http import HttpRequest

from inventory.admin.access import ReadOnlyAdmin
from inventory.admin.base import OperationAdmin, OperationForm, actor
from inventory.models import Change, Event, Fact, Waiver
from inventory.services import type_fact


class FactForm(OperationForm):
    """A value that somebody types in."""

    class Meta:
        model = Fact
        fields = ("cluster", "container", "node", "key", "value")

    def clean(self) -> dict[str, Any] | None:
        """Refuse a subject of another cluster."""
        data = super().clean() or self.cleaned_data
        for name in ("container", "node"):
            subject, cluster = data.get(name), data.get("cluster")
            if subject and cluster and subject.cluster_id != cluster.pk:
                self.add_error(name, f"It is no {name} of this cluster.")
        return data


@admin.register(Fact)
class FactAdmin(OperationAdmin):
    """What is known; adding a fact takes the place of the one typed before."""

    form = FactForm
    autocomplete_fields = ("container", "node")
    list_display = ("key", "value", "cluster", "container", "node", "origin", "at")
    list_filter = ("cluster", "origin")
    list_select_related = ("cluster", "container", "node")
    search_fields = ("key",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let nobody change what was measured; a typed value is added anew."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let nobody delete."""
        return False

    def write(
        self, request: HttpRequest, row: Any, form: Any, formsets: list[BaseFormSet], change: bool
    ) -> models.Model:
        """Type a value in."""
        return type_fact(actor=actor(request), **form.cleaned_data)


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    """What happened."""

    list_display = ("at", "kind", "message", "cluster", "container", "node")
    list_filter = ("kind", "cluster")
    list_select_related = ("cluster", "container", "node")
    search_fields = ("message",)
    date_hierarchy = "at"


@admin.register(Change)
class ChangeAdmin(ReadOnlyAdmin):
    """Who changed what."""

    list_display = ("at", "actor_name", "operation", "summary", "cluster")
    list_filter = ("operation", "cluster")
    list_select_related = ("cluster",)
    search_fields = ("summary", "actor_name", "request_id")
    date_hierarchy = "at"


@admin.register(Waiver)
class WaiverAdmin(ReadOnlyAdmin):
    """Who answers for which finding; granted and ended on the cluster's pages."""

    list_display = ("rule", "subject", "cluster", "created_by_name", "expires_at", "revoked_at")
    list_filter = ("cluster", "rule")
    list_select_related = ("cluster",)
    search_fields = ("rule", "subject", "reason")
