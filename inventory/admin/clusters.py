"""Clusters."""

from typing import Any

from django.contrib import admin
from django.db import models
from django.forms import BaseFormSet
from django.http import HttpRequest

from inventory.admin.base import OperationAdmin, OperationForm, actor
from inventory.edits import cluster_edits, network_edits
from inventory.history import lock_clusters
from inventory.models import Cluster
from inventory.parameters import parameter_faults
from inventory.platform_sync import effective_platform
from inventory.services import create_cluster, delete_row

COLUMNS = (
    "slug",
    "name",
    "release",
    "kind",
    "state",
    "infrastructure",
    "time_zone",
    "country",
    "availability_guarantee",
    "credential",
    "bastion",
    "parameters",
)


class ClusterForm(OperationForm):
    """A cluster's columns and networks."""

    class Meta:
        model = Cluster
        fields = (*COLUMNS, "platform", "networks")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if field := self.fields.get("credential"):
            field.queryset = field.queryset.filter(user=None)  # type: ignore[attr-defined]

    def clean_parameters(self) -> dict[str, Any]:
        """Take an object only."""
        value = self.cleaned_data["parameters"]
        if value and not isinstance(value, dict):
            self.add_error("parameters", "Write an object of parameters.")
        return value or {}

    def clean(self) -> dict[str, Any]:
        """Refuse a release of another platform."""
        data = super().clean() or self.cleaned_data
        platform = data.get("platform") or (self.instance.pk and self.instance.platform)
        release = data.get("release")
        if platform and release and release.platform_id != platform.pk:
            self.add_error("release", f"{platform.name} has no release {release.key}.")
        if platform and data.get("parameters"):
            revision = self.instance.revision if self.instance.pk else platform.revisions.latest()
            for fault in parameter_faults(effective_platform(revision), data["parameters"]):
                self.add_error("parameters", fault)
        return data


@admin.register(Cluster)
class ClusterAdmin(OperationAdmin):
    """Distributed telephony systems."""

    form = ClusterForm
    list_display = ("name", "slug", "platform", "release", "kind", "state", "is_example")
    list_filter = ("platform", "state", "kind")
    list_select_related = ("platform", "release")
    search_fields = ("name", "slug")
    filter_horizontal = ("networks",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Keep the platform; revision and birth are not typed in."""
        return ("platform", "revision", "created_at") if obj else ()

    def write(
        self, request: HttpRequest, row: Any, form: Any, formsets: list[BaseFormSet], change: bool
    ) -> models.Model:
        """Start a cluster, or change what differs."""
        data = form.cleaned_data
        wanted = {name: data[name] for name in COLUMNS}
        if change:
            cluster = lock_clusters([row.pk])[row.pk]
            edits = list(cluster_edits(cluster, wanted))
        else:
            cluster = create_cluster(actor=actor(request), platform=data["platform"], **wanted)
            edits = []
        for operation in (*edits, *network_edits(cluster, data["networks"])):
            self.carry_out(request, operation, cluster)
        return cluster

    def remove(self, request: HttpRequest, row: Cluster) -> None:
        """Remove a cluster that never had a node or a machine."""
        lock_clusters([row.pk])
        delete_row(row, actor=actor(request), cluster=row)
