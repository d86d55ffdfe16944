"""REST for preflights: start one for all or some, read its answers, adopt what was measured."""

from typing import Any, cast

from django.contrib.auth.models import User
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from inventory.access import permit
from inventory.host_checks import HOST_CHECKS
from inventory.serializers.fields import cluster_field
from provisioning import services
from provisioning.api_access import RUN, OwnClusters
from provisioning.models import CheckResult, Preflight
from voipadmin.serializers import StrictSerializer


class CheckResultSerializer(serializers.ModelSerializer):
    """What a check said of a machine."""

    check = serializers.CharField(source="key")

    class Meta:
        """Name the fields."""

        model = CheckResult
        fields = (
            "check",
            "container_name",
            "about",
            "outcome",
            "sentence",
            "measured",
            "remedy",
            "fix",
            "source_document",
            "source_text",
            "at",
        )
        read_only_fields = fields


class PreflightSerializer(serializers.ModelSerializer):
    """A preflight, without its answers."""

    cluster: serializers.RelatedField = serializers.SlugRelatedField(
        slug_field="slug", read_only=True
    )

    class Meta:
        """Name the fields."""

        model = Preflight
        fields: tuple[str, ...] = (
            "id",
            "cluster",
            "status",
            "checks",
            "containers",
            "progress",
            "reason",
            "requested_by_name",
            "requested_at",
            "started_at",
            "finished_at",
        )
        read_only_fields = fields


class PreflightDetailSerializer(PreflightSerializer):
    """A preflight with what was measured and every answer, those taken over included."""

    results = CheckResultSerializer(many=True, read_only=True)

    class Meta(PreflightSerializer.Meta):
        """Add facts and answers."""

        fields = (*PreflightSerializer.Meta.fields, "facts", "results")
        read_only_fields = fields


class PreflightRequestSerializer(StrictSerializer):
    """What a preflight needs: the cluster's slug; without checks or containers, it asks all."""

    cluster = cluster_field()
    checks = serializers.ListField(
        child=serializers.ChoiceField(choices=[check.key for check in HOST_CHECKS]), default=list
    )
    containers = serializers.ListField(child=serializers.CharField(), default=list)


class AdoptSerializer(StrictSerializer):
    """Whose measured size and system the inventory takes over."""

    container = serializers.CharField()


class PreflightViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, OwnClusters):
    """Preflights; POST starts one, which a worker carries out: read it until it is done."""

    queryset = Preflight.objects.select_related("cluster")
    filterset_fields = {"cluster__slug": ["exact"], "status": ["exact", "in"]}
    ordering_fields = ("requested_at",)
    takes = {"adopt": "inventory.change_container"}

    def get_serializer_class(self) -> Any:
        """Tell more of one than of each in a list."""
        return PreflightSerializer if self.action == "list" else PreflightDetailSerializer

    @extend_schema(request=PreflightRequestSerializer, responses={201: PreflightSerializer})
    def create(self, request: Request) -> Response:
        """Start a preflight, or ask again for some checks or machines; 409 while it cannot be."""
        wanted = PreflightRequestSerializer(data=request.data, context={"request": request})
        wanted.is_valid(raise_exception=True)
        data, actor = wanted.validated_data, cast("User", request.user)
        permit(actor, RUN, data["cluster"])
        preflight = services.request_preflight(actor=actor, **data)
        return Response(PreflightSerializer(preflight).data, status=201)

    @extend_schema(request=AdoptSerializer, responses=PreflightDetailSerializer)
    @action(detail=True, methods=["post"])
    def adopt(self, request: Request, pk: str) -> Response:
        """Write into the inventory what the cluster's last preflight measured of a machine."""
        preflight = self.get_object()
        wanted = AdoptSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        services.adopt_measured(
            cluster=preflight.cluster,
            actor=cast("User", request.user),
            container=wanted.validated_data["container"],
        )
        return Response(PreflightDetailSerializer(preflight).data)
