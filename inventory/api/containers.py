"""Containers: machines in clusters and in the free pool, and their host keys."""

from typing import Any

import django_filters
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from inventory.api.base import ClusterPartFilter, WritableViewSet
from inventory.api.host_keys import HostKeyActions
from inventory.edits import container_edits
from inventory.exposure import too_open
from inventory.firewall import SYNTAXES, firewall_text
from inventory.models import Container
from inventory.operations import AddContainer, RemoveContainer
from inventory.serializers.containers import (
    ContainerSerializer,
    FirewallSerializer,
)
from inventory.snapshot import load_topology
from inventory.states import ContainerState
from inventory.topology import ContainerView
from voipadmin.problems import problem


class ContainerFilter(ClusterPartFilter):
    """Choose by name, place, system, state, address, and the free pool."""

    name = django_filters.CharFilter()
    state = django_filters.ChoiceFilter(choices=ContainerState.choices)
    os_id = django_filters.CharFilter()
    location = django_filters.CharFilter("location__name", label="Name of the location.")
    hypervisor = django_filters.CharFilter("hypervisor__name", label="Name of the hypervisor.")
    network = django_filters.CharFilter("addresses__network__name", label="Name of a network.")
    is_free = django_filters.BooleanFilter("cluster", lookup_expr="isnull", label="In the pool.")


class ContainerViewSet(HostKeyActions, WritableViewSet):
    """Machines; a change of `cluster` returns one to the free pool or takes it in."""

    queryset = Container.objects.select_related(
        "cluster", "location", "hypervisor", "credential", "bastion"
    ).prefetch_related("addresses__network", "disks", "placements__node")
    serializer_class = ContainerSerializer
    filterset_class = ContainerFilter
    ordering_fields = ("name", "state", "vcpus", "memory_mib", "created_at")
    verbs = {**HostKeyActions.host_key_verbs, "firewall": "view"}

    def add(self, serializer: Any) -> Any:
        """Describe a new machine."""
        cluster = serializer.validated_data.get("cluster")
        return self.carry_out(AddContainer(serializer.view()), cluster).row

    def change(self, serializer: Any) -> Any:
        """Change a machine, and move it between pool and clusters."""
        row: Container = serializer.instance
        view: ContainerView = serializer.view()
        target = serializer.validated_data.get("cluster", row.cluster)
        for operation, cluster in container_edits(row, view, target):
            self.carry_out(operation, cluster)
        return row

    def remove(self, row: Container) -> None:
        """Take a machine out of the inventory."""
        self.carry_out(RemoveContainer(row.name, to_pool=False), row.cluster)

    @extend_schema(
        parameters=[OpenApiParameter("syntax", str, enum=sorted(SYNTAXES))],
        responses=FirewallSerializer,
    )
    @action(detail=True, filterset_class=None)
    def firewall(self, request: Request, pk: str) -> Response:
        """Return the machine's firewall as text, and what of it is too open, worst first."""
        container = self.get_object()
        syntax = request.query_params.get("syntax", "nftables")
        if syntax not in SYNTAXES:
            raise ValidationError({"syntax": [f"Choose one of {', '.join(sorted(SYNTAXES))}."]})
        if container.cluster is None:
            return problem(409, f"{container} is in no cluster: nobody is to reach it.")
        topology = load_topology(container.cluster)
        try:
            text = firewall_text(topology, container.name, syntax)
        except ValueError as error:
            return problem(409, f"The parameter ssh_sources is no list of addresses: {error}.")
        exposures = [exposure.as_json() for exposure in too_open(topology, container.name)]
        return Response({"syntax": syntax, "text": text, "exposures": exposures})
