"""Nodes with their roles; balancers; the history of placements and assignments."""

from typing import Any, cast

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import models
from django.forms import BaseFormSet
from django.http import HttpRequest

from inventory.access import visible
from inventory.admin.access import ReadOnlyAdmin
from inventory.admin.base import OperationAdmin, OperationForm, PartInline, kept
from inventory.edits import node_edits
from inventory.models import (
    AvailabilityGroup,
    Balancer,
    Cluster,
    Container,
    Node,
    Placement,
    RoleAssignment,
)
from inventory.operations import (
    AddNode,
    ChangeError,
    RemoveBalancer,
    RemoveNode,
    RoleChoice,
    SetBalancer,
)
from inventory.topology import BalancerView


class RoleForm(OperationForm):
    """A role of a node, in an availability group where the role has them."""

    group = forms.CharField(required=False, max_length=50, label="availability group")

    class Meta:
        model = RoleAssignment
        fields = ("role",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and self.instance.availability_group:
            self.initial["group"] = self.instance.availability_group.name


class RoleInline(PartInline):
    """The roles that a node has now."""

    model = RoleAssignment
    form = RoleForm
    fields = ("role", "group", "state")
    readonly_fields = ("state",)
    min_num = 1

    def get_queryset(self, request: HttpRequest) -> Any:
        """Leave the past to its own page."""
        rows = super().get_queryset(request).filter(valid_to=None)
        return rows.select_related("role__platform", "availability_group")


class NodeForm(OperationForm):
    """A node and the container that it runs on."""

    container = forms.ModelChoiceField(
        Container.objects.filter(cluster__isnull=False).select_related("cluster"),
        help_text="A container of the same cluster.",
    )

    class Meta:
        model = Node
        fields = ("cluster", "name", "auto_replace")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "container" not in self.fields:  # The form of somebody who may only look.
            return
        field = cast("forms.ModelChoiceField", self.fields["container"])
        field.queryset = visible(cast("Any", field.queryset), self.user)
        if self.instance.pk:
            field.queryset = Container.objects.filter(cluster=self.instance.cluster)
            placement = self.instance.placements.filter(valid_to=None).first()
            self.initial["container"] = placement.container_id if placement else None

    def clean(self) -> dict[str, Any]:
        """Refuse a container of another cluster."""
        data = super().clean() or self.cleaned_data
        cluster = data.get("cluster") or (self.instance.cluster if self.instance.pk else None)
        container = data.get("container")
        if cluster and container and container.cluster_id != cluster.pk:
            self.add_error("container", f"{cluster} has no container {container.name}.")
        return data


@admin.register(Node)
class NodeAdmin(OperationAdmin):
    """Nodes; removing one keeps its past."""

    form = NodeForm
    list_display = ("name", "cluster", "created_at", "removed_at")
    list_filter = ("cluster", ("removed_at", admin.EmptyFieldListFilter))
    list_select_related = ("cluster",)
    search_fields = ("name",)
    fields = ("cluster", "name", "container", "auto_replace")
    inlines = (RoleInline,)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show no choice of a container to whoever may not choose."""
        may = self.has_change_permission(request, obj)
        return (
            self.fields if may or obj is None else ("cluster", "name", "auto_replace", "removed_at")
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Keep the cluster."""
        return ("cluster", "removed_at") if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Leave a removed node as it was."""
        return super().has_change_permission(request, obj) and not (obj and obj.removed_at)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Remove a node once."""
        return super().has_delete_permission(request, obj) and not (obj and obj.removed_at)

    def write(
        self, request: HttpRequest, row: Any, form: Any, formsets: list[BaseFormSet], change: bool
    ) -> models.Model:
        """Add a node, or change name, container and roles as far as they differ."""
        data = form.cleaned_data
        cluster: Cluster = row.cluster if change else data["cluster"]
        roles = _choices(cluster, formsets)
        if not change:
            operation = AddNode(
                data["name"], data["container"].name, roles, auto_replace=data["auto_replace"]
            )
            return self.carry_out(request, operation, cluster).row
        stored = Node.objects.get(pk=row.pk)
        edits = node_edits(
            stored,
            name=data["name"],
            container=data["container"].name,
            roles=roles,
            auto_replace=data["auto_replace"],
        )
        for edit in list(edits):
            self.carry_out(request, edit, cluster)
        return stored

    def remove(self, request: HttpRequest, row: Node) -> None:
        """Take a node out of its cluster."""
        if row.removed_at:
            raise ChangeError(f"Node {row.name} was removed on {row.removed_at:%Y-%m-%d}.")
        self.carry_out(request, RemoveNode(row.name), row.cluster)


def _choices(cluster: Cluster, formsets: list[BaseFormSet]) -> tuple[RoleChoice, ...]:
    """Return the roles that the inline names; raises ValidationError for another platform's."""
    values = [value for formset in formsets for value in kept(formset)]
    for value in values:
        if value["role"].platform_id != cluster.platform_id:
            raise ValidationError(f"{cluster.platform} has no role {value['role'].key}.")
    return tuple(RoleChoice(value["role"].key, value["group"] or None) for value in values)


class BalancerForm(OperationForm):
    """A balancer; whether its address is free, the rules say."""

    left_to_rules = frozenset({"ip"})


@admin.register(Balancer)
class BalancerAdmin(OperationAdmin):
    """Load balancers and virtual addresses."""

    form = BalancerForm
    list_display = ("name", "cluster", "role", "ip", "network", "health_based", "instances")
    list_filter = ("cluster",)
    list_select_related = ("cluster", "role", "network")
    search_fields = ("name", "ip", "dns_name")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Keep what identifies it."""
        return ("cluster", "name") if obj else ()

    def write(
        self, request: HttpRequest, row: Any, form: Any, formsets: list[BaseFormSet], change: bool
    ) -> models.Model:
        """Set the balancer."""
        if row.role.platform_id != row.cluster.platform_id:
            message = f"{row.cluster.platform} has no role {row.role.key}."
            raise ValidationError({"role": message})
        view = BalancerView(
            pk=row.pk,
            name=row.name,
            role=row.role.key,
            network=row.network.name,
            ip=form.cleaned_data["ip"],
            dns_name=row.dns_name,
            health_based=row.health_based,
            instances=row.instances,
        )
        return self.carry_out(request, SetBalancer(view), row.cluster).row

    def remove(self, request: HttpRequest, row: Balancer) -> None:
        """Remove the balancer."""
        self.carry_out(request, RemoveBalancer(row.name), row.cluster)


@admin.register(AvailabilityGroup)
class AvailabilityGroupAdmin(ReadOnlyAdmin):
    """Groups; they are made when a node joins one."""

    list_display = ("name", "role", "cluster")
    list_filter = ("cluster",)
    list_select_related = ("role", "cluster")


@admin.register(Placement)
class PlacementAdmin(ReadOnlyAdmin):
    """Where nodes run and ran."""

    list_display = ("node", "container", "valid_from", "valid_to")
    list_filter = ("node__cluster", ("valid_to", admin.EmptyFieldListFilter))
    list_select_related = ("node", "container")
    search_fields = ("node__name", "container__name")


@admin.register(RoleAssignment)
class RoleAssignmentAdmin(ReadOnlyAdmin):
    """Which roles nodes have and had."""

    list_display = ("node", "role", "availability_group", "state", "valid_from", "valid_to")
    list_filter = ("node__cluster", "state", ("valid_to", admin.EmptyFieldListFilter))
    list_select_related = ("node", "role", "availability_group")
    search_fields = ("node__name", "role__key")
