"""REST for monitoring: metrics, samples and states of hosts, all to read."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, viewsets
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from inventory.access import may_somewhere, visible
from inventory.models import Container, Node
from monitoring.metrics import LAYOUTS, Layout, layout_with
from monitoring.models import HostState, Sample
from monitoring.series import RANGES, Range, points

MOST_SAMPLES = 20_000


class MayLook(BasePermission):
    """Whoever may look at containers may see what those do."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Ask for inventory.view_container."""
        return may_somewhere(request.user, "inventory.view_container")


class MetricSerializer(serializers.Serializer):
    """What is measured."""

    key = serializers.CharField()
    title = serializers.CharField()
    unit = serializers.CharField()
    resolution = serializers.FloatField()
    minimum = serializers.FloatField(allow_null=True)
    maximum = serializers.FloatField(allow_null=True)
    labels = serializers.DictField()
    note = serializers.CharField()
    subject = serializers.CharField()


class PointSerializer(serializers.Serializer):
    """A value at a time; of an hour or a day the median, `p95` beside it."""

    at = serializers.DateTimeField()
    value = serializers.FloatField(allow_null=True)
    p95 = serializers.FloatField(allow_null=True, required=False)


class SamplesSerializer(serializers.Serializer):
    """One metric of one subject."""

    container = serializers.IntegerField(allow_null=True)
    node = serializers.IntegerField(allow_null=True)
    metric = serializers.CharField()
    unit = serializers.CharField()
    range = serializers.CharField(allow_null=True)
    resolution = serializers.ChoiceField(("raw", "hour", "day"))
    origin = serializers.CharField()
    samples = PointSerializer(many=True)


class VisibleField(serializers.PrimaryKeyRelatedField):
    """A row by its key, if the user may see it."""

    def get_queryset(self) -> Any:
        """Leave out what the user may not see."""
        rows: Any = super().get_queryset()
        return visible(rows, self.context["request"].user)


class SampleQuery(serializers.Serializer):
    """What samples are asked for; reports every fault at once, by field."""

    container = VisibleField(queryset=Container.objects.all(), required=False)
    node = VisibleField(queryset=Node.objects.all(), required=False)
    metric = serializers.CharField()
    range = serializers.ChoiceField(list(RANGES), required=False)
    start = serializers.DateTimeField(required=False)
    end = serializers.DateTimeField(required=False)

    def to_internal_value(self, data: Any) -> Any:
        """Add to the fields' faults those of the parameters together."""
        errors: dict[str, Any] = {
            name: ["There is no such parameter."]
            for name in sorted(set(data) - set(self.fields) - {"format"})
        }
        values: dict[str, Any] = {}
        try:
            values = super().to_internal_value(data)
        except serializers.ValidationError as error:
            errors |= error.detail  # type: ignore[arg-type]
        for name, message in self._faults(data, values):
            errors.setdefault(name, []).append(message)
        if errors:
            raise serializers.ValidationError(errors)
        return values

    def _faults(self, data: Any, values: dict[str, Any]) -> list[tuple[str, str]]:
        """List what does not go together."""
        faults = []
        layout = _layout(str(data.get("metric", "")))
        if data.get("metric") and layout is None:
            faults.append(("metric", "There is no such metric; see /api/v1/metrics/."))
        if layout and layout.subject not in data:
            faults.append((layout.subject.value, f"This metric is measured of a {layout.subject}."))
        if "container" in data and "node" in data:
            faults.append(("node", "Give a container or a node, not both."))
        if "range" in data and ("start" in data or "end" in data):
            faults.append(("range", "Give a range or start and end, not both."))
        if "end" in data and "start" not in data:
            faults.append(("start", "An end needs a start."))
        start, end = values.get("start"), values.get("end")
        if start and end and end <= start:
            faults.append(("end", "The end comes after the start."))
        return faults


class MetricViewSet(viewsets.ViewSet):
    """Metrics: what is measured, in which unit, at which resolution."""

    permission_classes = (MayLook,)

    @extend_schema(responses=MetricSerializer(many=True))
    def list(self, request: Request) -> Response:
        """List every metric."""
        found = [
            {**asdict(metric), "subject": layout.subject.value}
            for layout in LAYOUTS.values()
            for metric in layout.metrics
        ]
        return Response(MetricSerializer(found, many=True).data)


class SampleViewSet(viewsets.ViewSet):
    """Samples of one metric of a container or a node."""

    permission_classes = (MayLook,)

    @extend_schema(
        parameters=[
            OpenApiParameter("container", int, description="Key of the container."),
            OpenApiParameter("node", int, description="Key of the node."),
            OpenApiParameter("metric", str, required=True, description="Such as cpu_percent."),
            OpenApiParameter("range", str, enum=list(RANGES), description="A span up to now."),
            OpenApiParameter("start", datetime, description="Instead of a range: raw samples from"),
            OpenApiParameter("end", datetime, description="up to this time; now if left out."),
        ],
        responses=SamplesSerializer,
    )
    def list(self, request: Request) -> Response:
        """Return the samples of a range (an hour, unless given) or between two times."""
        query = SampleQuery(data=request.query_params.dict(), context={"request": request})
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        layout = layout_with(asked["metric"])
        subject = asked[layout.subject.value]
        span = RANGES[asked.get("range", "1h")]
        if start := asked.get("start"):
            span = Range("", "", timedelta(), "raw")
            found = _between(layout, subject.pk, asked, start)
        else:
            found = _of_range(layout, subject.pk, asked["metric"], span)
        answer = {
            "container": asked["container"].pk if "container" in asked else None,
            "node": asked["node"].pk if "node" in asked else None,
            "metric": asked["metric"],
            "unit": layout.metrics[layout.index(asked["metric"])].unit,
            "range": span.key or None,
            "resolution": span.resolution,
            "origin": "measured",
            "samples": found,
        }
        return Response(SamplesSerializer(answer).data)


class HostStateSerializer(serializers.ModelSerializer):
    """How a host was found last; `shown` is what may be said of it now."""

    container_name = serializers.CharField(source="container.name", read_only=True)
    cluster = serializers.CharField(source="container.cluster.slug", read_only=True)
    shown = serializers.SerializerMethodField()

    class Meta:
        """Name the fields."""

        model = HostState
        fields = (
            "container",
            "container_name",
            "cluster",
            "status",
            "shown",
            "changed_at",
            "last_attempt_at",
            "last_seen_at",
            "failures",
            "error",
            "probe_errors",
            "clock_skew_s",
            "round_trip_ms",
            "boot_id",
            "measured_in",
            "collector",
        )
        read_only_fields = fields

    def get_shown(self, state: HostState) -> str:
        """Return up, stale, down, refused or never."""
        return state.shown().value


class HostStateViewSet(viewsets.ReadOnlyModelViewSet):
    """States of the monitored hosts."""

    queryset = HostState.objects.select_related("container__cluster").order_by("container_id")
    serializer_class = HostStateSerializer
    permission_classes = (MayLook,)
    filterset_fields = ("status", "container", "container__cluster__slug")
    ordering_fields = ("container", "status", "last_seen_at")

    def get_queryset(self) -> Any:
        """Leave out what the user may not see."""
        return visible(super().get_queryset(), self.request.user)


def _layout(key: str) -> Layout | None:
    """Return the layout with a metric, if there is one."""
    try:
        return layout_with(key)
    except KeyError:
        return None


def _of_range(layout: Layout, subject: int, key: str, span: Range) -> list[dict[str, Any]]:
    """Return the points of a range."""
    found = points(layout, subject, span, now=timezone.now())
    place = layout.index(key)
    rows: list[dict[str, Any]] = [
        {"at": at, "value": value} for at, value in zip(found.at, found.columns[place], strict=True)
    ]
    if found.peaks:
        for row, peak in zip(rows, found.peaks[place], strict=True):
            row["p95"] = peak
    return [row for row in rows if row["value"] is not None]


def _between(
    layout: Layout, subject: int, asked: dict[str, Any], start: datetime
) -> list[dict[str, Any]]:
    """Return raw samples between two times, refusing more than a page can hold."""
    end = asked.get("end") or timezone.now()
    place = layout.index(asked["metric"])
    rows = Sample.objects.filter(
        layout=layout.number, subject_id=subject, at__gte=start, at__lt=end
    ).order_by("at")[: MOST_SAMPLES + 1]
    found = list(rows.values_list("at", "values"))
    if len(found) > MOST_SAMPLES:
        text = f"More than {MOST_SAMPLES} samples: ask for a shorter time."
        raise serializers.ValidationError({"end": [text]})
    metric = layout.metrics[place]
    return [
        {"at": at, "value": metric.value(values[place])}
        for at, values in found
        if place < len(values) and values[place] is not None
    ]


routes = [
    ("metrics", MetricViewSet, "metric"),
    ("samples", SampleViewSet, "sample"),
    ("host-states", HostStateViewSet, "host-state"),
]
