"""Nodes with their roles, and the history of both; groups and balancers."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from rest_framework import serializers

from inventory.changes import RoleChoice
from inventory.models import (
    AvailabilityGroup,
    Balancer,
    Cluster,
    Container,
    Node,
    Placement,
    RoleAssignment,
)
from inventory.serializers.fields import cluster_field, network_field, shown
from inventory.topology import BalancerView
from voipadmin.serializers import AddressField, StrictModelSerializer, StrictSerializer


class NodeRoleSerializer(StrictSerializer):
    """A role by its key, in an availability group where the role has them."""

    role = serializers.CharField(source="role.key", max_length=50)
    group = serializers.CharField(
        source="availability_group.name",
        max_length=50,
        required=False,
        allow_null=True,
        default=None,
    )
    state = serializers.CharField(read_only=True)

    def _unexpected(self, data: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
        """Let a state pass that the node has, so that what was read can be sent back."""
        node = self.root.instance
        held = CurrentNode(node).roles if isinstance(node, Node) else []
        states = {assignment.role.key: assignment.state for assignment in held}
        for name, faults in super()._unexpected(data):
            if name != "state" or states.get(str(data.get("role"))) != data["state"]:
                yield name, faults


class NodeSerializer(StrictModelSerializer):
    """A node, the name of the container it runs on, and its roles."""

    cluster = cluster_field()
    container = serializers.CharField(help_text="Name of a container of the same cluster.")
    roles = NodeRoleSerializer(many=True, allow_empty=False)
    settled = frozenset({"cluster", "removed_at"})

    class Meta:
        model = Node
        fields = (
            "id",
            "cluster",
            "name",
            "container",
            "roles",
            "auto_replace",
            "created_at",
            "removed_at",
        )

    def to_representation(self, instance: Node) -> dict[str, Any]:
        """Show what holds now."""
        return super().to_representation(CurrentNode(instance))

    def row_faults(self, values: dict[str, Any], faulty: set[str]) -> Iterator[tuple[str, str]]:
        """Name containers and roles that are not there, and a cluster that a node cannot change."""
        yield from super().row_faults(values, faulty)
        instance = self.instance if isinstance(self.instance, Node) else None
        cluster = values.get("cluster") or (instance and instance.cluster)
        if not isinstance(cluster, Cluster):
            return
        if instance and instance.cluster_id != cluster.pk:
            yield "cluster", "A node stays in its cluster."
        name = values.get("container")
        if name and not Container.objects.filter(cluster=cluster, name=name).exists():
            yield "container", f"{cluster} has no container {name}."
        wanted = [role["role"]["key"] for role in values.get("roles", ())]
        known = set(cluster.platform.roles.values_list("key", flat=True)) if wanted else set()
        if unknown := sorted(set(wanted) - known):
            yield "roles", f"{cluster.platform} has no role {', '.join(unknown)}."
        if len(set(wanted)) < len(wanted):
            yield "roles", "A node has each role once."

    def choices(self) -> tuple[RoleChoice, ...]:
        """Return the roles as an operation takes them."""
        return tuple(
            RoleChoice(role["role"]["key"], role["availability_group"]["name"] or None)
            for role in self.validated_data["roles"]
        )


class CurrentNode:
    """A node's row with what it runs on and has now; its past is left out."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def __getattr__(self, name: str) -> Any:
        """Show the row's columns."""
        return getattr(self._node, name)

    @property
    def container(self) -> str | None:
        """Return the name of the machine."""
        placements = self._node.placements.all()
        return next((p.container.name for p in placements if p.valid_to is None), None)

    @property
    def roles(self) -> list[RoleAssignment]:
        """Return the assignments that hold."""
        return [a for a in self._node.assignments.all() if a.valid_to is None]


class MoveSerializer(StrictSerializer):
    """Where a node moves to."""

    container = serializers.CharField(help_text="Name of a container of the same cluster.")


class PlacementSerializer(serializers.ModelSerializer):
    """A node ran, or runs, on a container."""

    cluster = serializers.SlugField(source="node.cluster.slug", read_only=True)
    node_name = serializers.CharField(source="node.name", read_only=True)
    container_name = serializers.CharField(source="container.name", read_only=True)

    class Meta:
        model = Placement
        fields = (
            "id",
            "cluster",
            "node",
            "node_name",
            "container",
            "container_name",
            "valid_from",
            "valid_to",
        )


class RoleAssignmentSerializer(serializers.ModelSerializer):
    """A node has, or had, a role."""

    cluster = serializers.SlugField(source="node.cluster.slug", read_only=True)
    node_name = serializers.CharField(source="node.name", read_only=True)
    role = shown("key")
    group = shown(source="availability_group", allow_null=True)

    class Meta:
        model = RoleAssignment
        fields = (
            "id",
            "cluster",
            "node",
            "node_name",
            "role",
            "group",
            "state",
            "valid_from",
            "valid_to",
        )


class AvailabilityGroupSerializer(serializers.ModelSerializer):
    """A group of a role's nodes; it is made when a node joins it."""

    cluster = shown("slug")
    role = shown("key")

    class Meta:
        model = AvailabilityGroup
        fields = ("id", "cluster", "role", "name")


class BalancerSerializer(StrictModelSerializer):
    """A load balancer or virtual address in front of a role."""

    cluster = cluster_field()
    role = serializers.CharField(source="role.key", max_length=50)
    network = network_field()
    ip = AddressField()
    settled = frozenset({"cluster"})

    class Meta:
        model = Balancer
        fields = (
            "id",
            "cluster",
            "name",
            "role",
            "network",
            "ip",
            "dns_name",
            "health_based",
            "instances",
        )

    def row_faults(self, values: dict[str, Any], faulty: set[str]) -> Iterator[tuple[str, str]]:
        """Check what the operation takes by name; the address is the rules' business."""
        rest = {name: value for name, value in values.items() if name != "role"}
        yield from super().row_faults(rest, faulty | {"ip", "role"})
        instance = self.instance if isinstance(self.instance, Balancer) else None
        cluster = values.get("cluster") or (instance and instance.cluster)
        if instance and cluster != instance.cluster:
            yield "cluster", "A balancer stays in its cluster."
        if instance and values.get("name", instance.name) != instance.name:
            yield "name", "A balancer keeps its name: add another one and remove this."
        role = values.get("role")
        if cluster and role and not cluster.platform.roles.filter(key=role["key"]).exists():
            yield "role", f"{cluster.platform} has no role {role['key']}."

    def view(self) -> BalancerView:
        """Return the balancer as it would be."""
        plain = {k: v for k, v in self.validated_data.items() if k != "role"}
        row = cast("Balancer", self._row(plain))
        role = self.validated_data.get("role")
        return BalancerView(
            pk=row.pk,
            name=row.name,
            role=role["key"] if role else row.role.key,
            network=row.network.name,
            ip=row.ip,
            dns_name=row.dns_name,
            health_based=row.health_based,
            instances=row.instances,
        )
