"""Clusters, what rules say about them, and their picture."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import django_filters
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from inventory.api.base import WritableViewSet
from inventory.edits import cluster_edits, network_edits
from inventory.history import lock_clusters
from inventory.models import Cluster
from inventory.operations import AttachNetwork
from inventory.rules import findings
from inventory.serializers.clusters import ClusterSerializer
from inventory.serializers.findings import FindingSerializer
from inventory.services import create_cluster, delete_row
from inventory.snapshot import load_topology, network_view
from inventory.states import ClusterKind, ClusterState
from inventory.topology import Topology


class ClusterFilter(django_filters.FilterSet):
    """Choose by platform, release, state, kind and network."""

    platform = django_filters.CharFilter("platform__key", label="Key of the platform.")
    release = django_filters.CharFilter("release__key", label="Key of the release.")
    state = django_filters.ChoiceFilter(choices=ClusterState.choices)
    kind = django_filters.ChoiceFilter(choices=ClusterKind.choices)
    network = django_filters.CharFilter("networks__name", label="Name of a network.")
    is_example = django_filters.BooleanFilter()


class ClusterViewSet(WritableViewSet):
    """Distributed telephony systems, by slug."""

    queryset = Cluster.objects.select_related("platform", "release", "revision").prefetch_related(
        "networks"
    )
    serializer_class = ClusterSerializer
    filterset_class = ClusterFilter
    ordering_fields = ("name", "slug", "state", "created_at")
    lookup_field = "slug"
    verbs = {"findings": "view", "topology": "view"}

    def add(self, serializer: Any) -> Cluster:
        """Start a cluster with its networks."""
        values = dict(serializer.validated_data)
        networks = values.pop("networks", [])
        cluster = create_cluster(actor=self.actor, **values)
        for network in networks:
            self.carry_out(AttachNetwork(network_view(network)), cluster)
        return cluster

    def change(self, serializer: Any) -> Cluster:
        """Change what differs."""
        cluster: Cluster = serializer.instance
        values = dict(serializer.validated_data)
        values.pop("platform", None)
        networks = values.pop("networks", None)
        edits = [*cluster_edits(cluster, values)]
        if networks is not None:
            edits += network_edits(cluster, networks)
        for operation in edits:
            self.carry_out(operation, cluster)
        return cluster

    def remove(self, row: Cluster) -> None:
        """Remove a cluster that never had a node or a machine."""
        lock_clusters([row.pk])
        delete_row(row, actor=self.actor, cluster=row)

    def cluster_of(self, row: Cluster) -> Cluster:
        """Return the cluster itself."""
        return row

    @extend_schema(responses=FindingSerializer(many=True))
    @action(detail=True, filterset_class=None, pagination_class=None)
    def findings(self, request: Request, slug: str) -> Response:
        """Return what every rule says about the cluster as it is, worst first."""
        topology = load_topology(self.get_object())
        return Response([finding.as_json() for finding in findings(topology)])

    @extend_schema(responses={200: {"type": "object", "additionalProperties": {}}})
    @action(detail=True, filterset_class=None)
    def topology(self, request: Request, slug: str) -> Response:
        """Return the picture of the cluster that rules and planner look at."""
        return Response(picture(load_topology(self.get_object())))


def picture(topology: Topology) -> dict[str, Any]:
    """Return a topology as JSON, its platform by key."""
    parts = {
        name: list(getattr(topology, name).values())
        for name in ("networks", "containers", "nodes", "balancers")
    }
    return {
        "cluster": _plain(asdict(topology.cluster)),
        "platform": topology.platform.key,
        "release": topology.release.key,
        "now": topology.now,
        **{name: [_plain(asdict(part)) for part in views] for name, views in parts.items()},
        "groups": [asdict(group) for group in topology.groups],
        "facts": [asdict(fact) for fact in topology.facts],
    }


def _plain(value: Any) -> Any:
    """Turn addresses and networks into text."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)
