"""Clusters, what rules say about them, and their picture."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import django_filters
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from inventory.api import certificates
from inventory.api.addresses import growth_of, plan_json
from inventory.api.base import WritableViewSet
from inventory.api.certificates import CertificateActions
from inventory.api.findings import FILTERS, found
from inventory.api.impact import impact_json, matrix_json
from inventory.api.interchange import InterchangeActions
from inventory.board import finding_json
from inventory.edits import cluster_edits, network_edits
from inventory.history import lock_clusters
from inventory.locks import decisions
from inventory.models import Cluster
from inventory.operations import AttachNetwork, ChangeRevision, perform
from inventory.platform_sync import effective_platform
from inventory.rules import propose
from inventory.serializers.clusters import ClusterDetailSerializer, ClusterSerializer
from inventory.serializers.findings import (
    DecisionSerializer,
    FindingSerializer,
    FixSerializer,
    RevisionSerializer,
)
from inventory.services import create_cluster, delete_row
from inventory.snapshot import load_topology, network_view
from inventory.states import ClusterKind, ClusterState
from inventory.topology import Topology
from inventory.waivers import finding_of
from voipadmin.problems import problem


class ClusterFilter(django_filters.FilterSet):
    """Choose by platform, release, state, kind and network."""

    platform = django_filters.CharFilter("platform__key", label="Key of the platform.")
    release = django_filters.CharFilter("release__key", label="Key of the release.")
    state = django_filters.ChoiceFilter(choices=ClusterState.choices)
    kind = django_filters.ChoiceFilter(choices=ClusterKind.choices)
    network = django_filters.CharFilter("networks__name", label="Name of a network.")
    is_example = django_filters.BooleanFilter()


class ClusterViewSet(CertificateActions, InterchangeActions, WritableViewSet):
    """Distributed telephony systems, by slug."""

    queryset = Cluster.objects.select_related(
        "platform", "release", "revision", "credential", "bastion"
    ).prefetch_related("networks")
    serializer_class = ClusterSerializer
    filterset_class = ClusterFilter
    ordering_fields = ("name", "slug", "state", "created_at")
    lookup_field = "slug"
    verbs = {
        "findings": "view",
        "fixes": "change",
        "revision": "change",
        "decisions": "view",
        "impact": "view",
        "addresses": "view",
        "topology": "view",
        "export": "view",
        "import_file": "view",  # What it changes takes the permissions for that.
        "import_new": "add",
        **certificates.VERBS,
    }

    def get_serializer_class(self) -> Any:
        """Tell more of a cluster by itself than of each in a list."""
        return ClusterSerializer if self.action == "list" else ClusterDetailSerializer

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

    @extend_schema(
        responses=FindingSerializer(many=True),
        parameters=[OpenApiParameter(name, str) for name in FILTERS],
    )
    @action(detail=True, filterset_class=None, pagination_class=None)
    def findings(self, request: Request, slug: str) -> Response:
        """Return what every rule says about the cluster as it is, worst first.

        The first 50 come with the change that would end them, where one is known.
        """
        unknown = sorted(set(request.query_params) - {*FILTERS, "format"})
        if unknown:
            raise ValidationError({name: ["There is no such filter."] for name in unknown})
        return Response(found(load_topology(self.get_object()), request.query_params))

    @extend_schema(request=FixSerializer, responses=FindingSerializer(many=True))
    @action(detail=True, methods=["post"], filterset_class=None)
    def fixes(self, request: Request, slug: str) -> Response:
        """Carry out the change that ends a finding; returns what it brought."""
        cluster = self.get_object()
        serializer = FixSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        wanted = serializer.validated_data
        topology = load_topology(cluster)
        finding = finding_of(topology, **wanted)
        fix = propose(topology, finding) if finding else None
        if finding is None or fix is None:
            return problem(404, "There is no such finding, or no fix is known for it.")
        result = perform(fix, cluster=cluster, actor=self.actor, reason=f"Fix of {finding.rule}")
        return Response([finding_json(brought) for brought in result.findings])

    @extend_schema(request=RevisionSerializer, responses=FindingSerializer(many=True))
    @action(detail=True, methods=["post"], filterset_class=None)
    def revision(self, request: Request, slug: str) -> Response:
        """Go by another revision of the platform's facts; returns what it finds besides."""
        cluster = self.get_object()
        serializer = RevisionSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        number = serializer.validated_data["number"]
        row = cluster.platform.revisions.filter(number=number).first()
        if row is None:
            raise ValidationError({"number": [f"{cluster.platform} has no revision {number}."]})
        result = self.carry_out(ChangeRevision(number, effective_platform(row)), cluster)
        return Response([finding_json(brought) for brought in result.findings])

    @extend_schema(responses=DecisionSerializer(many=True))
    @action(detail=True, filterset_class=None, pagination_class=None)
    def decisions(self, request: Request, slug: str) -> Response:
        """Return what cannot be changed later, and whether it is locked already."""
        return Response(
            [
                DecisionSerializer(decision).data
                | {"waiver": decision.waiver.as_json() if decision.waiver else None}
                for decision in decisions(load_topology(self.get_object()))
            ]
        )

    @extend_schema(
        responses={200: {"type": "object", "additionalProperties": {}}},
        parameters=[OpenApiParameter("lost", str, many=True, description="Such as node:sip-01.")],
    )
    @action(detail=True, filterset_class=None)
    def impact(self, request: Request, slug: str) -> Response:
        """Return what losing units does; without ?lost=, every single and double failure."""
        topology = load_topology(self.get_object())
        lost = request.query_params.getlist("lost")
        try:
            return Response(impact_json(topology, lost) if lost else matrix_json(topology))
        except ValueError as fault:
            raise ValidationError({"lost": [str(fault)]}) from fault

    @extend_schema(responses={200: {"type": "object", "additionalProperties": {}}})
    @action(detail=True, filterset_class=None)
    def addresses(self, request: Request, slug: str) -> Response:
        """Return the IP plan; `?telephony=20` plans so many more nodes of a role, by its key."""
        cluster = self.get_object()
        topology = load_topology(cluster)
        growth = growth_of(topology, request.query_params)
        return Response(plan_json(topology, cluster, growth, self.actor))

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
