"""Nodes, the history of where they ran and what they were, groups and balancers."""

from typing import Any

import django_filters
from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from inventory.api.base import ClusterPartFilter, ReadOnlyViewSet, WritableViewSet
from inventory.edits import held_roles, node_edits
from inventory.models import AvailabilityGroup, Balancer, Node, Placement, RoleAssignment
from inventory.operations import (
    AddNode,
    MoveNode,
    RemoveBalancer,
    RemoveNode,
    SetBalancer,
)
from inventory.serializers.nodes import (
    AvailabilityGroupSerializer,
    BalancerSerializer,
    MoveSerializer,
    NodeSerializer,
    PlacementSerializer,
    RoleAssignmentSerializer,
)
from inventory.states import AssignmentState


class NodeFilter(ClusterPartFilter):
    """Choose by name, role and container; removed nodes are shown when asked for."""

    name = django_filters.CharFilter()
    role = django_filters.CharFilter(method="with_role", label="Key of a role it has now.")
    container = django_filters.NumberFilter(method="on_container", label="Id of a container.")
    removed = django_filters.BooleanFilter(
        "removed_at", lookup_expr="isnull", exclude=True, label="Removed ones instead."
    )

    def with_role(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """Keep nodes that have the role."""
        held = RoleAssignment.objects.current().filter(role__key=value)
        return rows.filter(pk__in=held.values("node"))

    def on_container(self, rows: QuerySet, name: str, value: Any) -> QuerySet:
        """Keep nodes that run on the container."""
        held = Placement.objects.current().filter(container=value)
        return rows.filter(pk__in=held.values("node"))


class PastFilter(django_filters.FilterSet):
    """Choose by node and cluster, and what holds now."""

    cluster = django_filters.CharFilter("node__cluster__slug", label="Slug of the cluster.")
    node = django_filters.NumberFilter("node")
    is_current = django_filters.BooleanFilter("valid_to", lookup_expr="isnull")


class PlacementFilter(PastFilter):
    """Choose by container too."""

    container = django_filters.NumberFilter("container")


class RoleAssignmentFilter(PastFilter):
    """Choose by role and state too."""

    role = django_filters.CharFilter("role__key", label="Key of the role.")
    state = django_filters.ChoiceFilter(choices=AssignmentState.choices)


class RolePartFilter(ClusterPartFilter):
    """Choose by role and name."""

    role = django_filters.CharFilter("role__key", label="Key of the role.")
    name = django_filters.CharFilter()


class NodeViewSet(WritableViewSet):
    """Nodes; those removed are shown by `?removed=true` and in placements and assignments."""

    queryset = Node.objects.select_related("cluster__platform").prefetch_related(
        "placements__container", "assignments__role", "assignments__availability_group"
    )
    serializer_class = NodeSerializer
    filterset_class = NodeFilter
    ordering_fields = ("name", "created_at")
    verbs = {"move": "change"}

    def get_queryset(self) -> QuerySet[Node]:
        """Leave removed nodes out, unless one is looked at or they are asked for."""
        rows: QuerySet[Node] = super().get_queryset()
        looks = self.action == "retrieve" or "removed" in self.request.query_params
        return rows if looks else rows.filter(removed_at=None)

    def add(self, serializer: Any) -> Any:
        """Put a node on a container."""
        values = serializer.validated_data
        operation = AddNode(
            values["name"],
            values["container"],
            serializer.choices(),
            auto_replace=values.get("auto_replace", False),
        )
        return self.carry_out(operation, values["cluster"]).row

    def change(self, serializer: Any) -> Any:
        """Change name and roles, and move it when the container differs."""
        node, values = serializer.instance, serializer.validated_data
        edits = node_edits(
            node,
            name=values.get("name", node.name),
            container=values.get("container"),
            roles=serializer.choices() if "roles" in values else held_roles(node),
            auto_replace=values.get("auto_replace"),
        )
        for operation in list(edits):
            self.carry_out(operation, node.cluster)
        return node

    def remove(self, row: Node) -> None:
        """Take a node out of its cluster; its past stays."""
        self.carry_out(RemoveNode(row.name), row.cluster)

    @extend_schema(request=MoveSerializer, responses=NodeSerializer)
    @action(detail=True, methods=["post"], filterset_class=None)
    @transaction.atomic
    def move(self, request: Request, pk: str) -> Response:
        """Let a node run on another container; it keeps identity, roles and history."""
        node = self.get_object()
        serializer = MoveSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        self.carry_out(MoveNode(node.name, serializer.validated_data["container"]), node.cluster)
        return Response(self.shown(node))


class PlacementViewSet(ReadOnlyViewSet):
    """Where nodes run and ran."""

    queryset = Placement.objects.select_related("node__cluster", "container")
    serializer_class = PlacementSerializer
    filterset_class = PlacementFilter
    ordering_fields = ("valid_from", "valid_to")


class RoleAssignmentViewSet(ReadOnlyViewSet):
    """Which roles nodes have and had."""

    queryset = RoleAssignment.objects.select_related("node__cluster", "role", "availability_group")
    serializer_class = RoleAssignmentSerializer
    filterset_class = RoleAssignmentFilter
    ordering_fields = ("valid_from", "valid_to", "state")


class AvailabilityGroupViewSet(ReadOnlyViewSet):
    """Groups of nodes; they are made when a node joins one."""

    queryset = AvailabilityGroup.objects.select_related("cluster", "role")
    serializer_class = AvailabilityGroupSerializer
    filterset_class = RolePartFilter
    ordering_fields = ("name",)


class BalancerViewSet(WritableViewSet):
    """Load balancers and virtual addresses."""

    queryset = Balancer.objects.select_related("cluster__platform", "role", "network")
    serializer_class = BalancerSerializer
    filterset_class = RolePartFilter
    ordering_fields = ("name",)

    def add(self, serializer: Any) -> Any:
        """Add a balancer."""
        cluster = serializer.validated_data["cluster"]
        return self.carry_out(SetBalancer(serializer.view()), cluster).row

    def change(self, serializer: Any) -> Any:
        """Change a balancer."""
        return self.carry_out(SetBalancer(serializer.view()), serializer.instance.cluster).row

    def remove(self, row: Balancer) -> None:
        """Remove a balancer."""
        self.carry_out(RemoveBalancer(row.name), row.cluster)
