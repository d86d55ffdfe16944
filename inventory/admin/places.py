"""Locations, hypervisors, networks and maintenance windows."""

from typing import Any

from django.contrib import admin
from django.db import models
from django.forms import BaseFormSet
from django.http import HttpRequest

from inventory.admin.base import OperationForm, RowAdmin, actor
from inventory.models import (
    Hypervisor,
    Location,
    MaintenanceWindow,
    Network,
)
from inventory.services import save_network


@admin.register(Location)
class LocationAdmin(RowAdmin):
    """Places where machines fail together."""

    list_display = ("name",)
    search_fields = ("name",)


@admin.register(Hypervisor)
class HypervisorAdmin(RowAdmin):
    """Physical hosts."""

    list_display = ("name", "location", "technology")
    list_filter = ("location",)
    list_select_related = ("location",)
    search_fields = ("name",)


@admin.register(Network)
class NetworkAdmin(RowAdmin):
    """Private and public networks."""

    list_display = ("name", "kind", "cidr", "gateway", "location")
    list_filter = ("kind", "location")
    list_select_related = ("location",)
    search_fields = ("name",)

    def write(
        self, request: HttpRequest, row: Any, form: Any, formsets: list[BaseFormSet], change: bool
    ) -> models.Model:
        """Write a network; the clusters that use it are checked."""
        return save_network(row, actor=actor(request))


class MaintenanceWindowForm(OperationForm):
    """A window of a cluster, or of one of its containers."""

    class Meta:
        model = MaintenanceWindow
        fields = ("cluster", "container", "starts_at", "ends_at", "reason")

    def clean(self) -> dict[str, Any]:
        """Refuse a container of another cluster."""
        data = super().clean() or self.cleaned_data
        cluster, container = data.get("cluster"), data.get("container")
        if cluster and container and container.cluster_id != cluster.pk:
            self.add_error("container", "It is no container of this cluster.")
        return data


@admin.register(MaintenanceWindow)
class MaintenanceWindowAdmin(RowAdmin):
    """Times in which alerts are held."""

    form = MaintenanceWindowForm
    autocomplete_fields = ("container",)
    list_display = ("cluster", "container", "starts_at", "ends_at", "reason", "opened_by")
    list_filter = ("cluster",)
    list_select_related = ("cluster", "container", "opened_by")

    def write(
        self, request: HttpRequest, row: Any, form: Any, formsets: list[BaseFormSet], change: bool
    ) -> models.Model:
        """Write a window; it keeps who opened it."""
        if not change:
            row.opened_by = actor(request)
        return super().write(request, row, form, formsets, change)
