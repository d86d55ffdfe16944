"""Pages and fragments of monitoring; one address serves both, htmx gets the fragment."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from inventory.access import visible
from inventory.models import Cluster, Container, Node
from inventory.permits import anywhere, on, on_cluster, portal_wide
from monitoring.current import cluster_headroom
from monitoring.hosts import role_layouts
from monitoring.metrics import HOST, LAYOUTS, Layout, Subject
from monitoring.models import Collector, HostState
from monitoring.series import RANGES, as_json, latest_sample, points
from monitoring.states import Shown
from monitoring.vitals import SILENT_AFTER

COLOURS = {
    Shown.UP: "success",
    Shown.STALE: "warning",
    Shown.DOWN: "danger",
    Shown.REFUSED: "danger",
    Shown.NEVER: "info",
}
WORST_FIRST = [Shown.DOWN, Shown.REFUSED, Shown.STALE, Shown.NEVER, Shown.UP]
DEFAULT_RANGE = "1h"


@dataclass(frozen=True)
class HostView:
    """A host as a page shows it."""

    container: Container
    state: HostState | None
    shown: Shown
    monitored: bool
    colour: str


@require_safe
@on(Container, "inventory.view_container")
def container_metrics(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a machine's state and charts."""
    container = get_object_or_404(Container.objects.select_related("cluster"), pk=pk)
    context = {
        "host": host_view(container, timezone.now()),
        "charts": [(HOST, container.pk)],
        "subject": container,
        "cluster": container.cluster,
    }
    return _charts(request, context)


@require_safe
@portal_wide("provisioning.view_operations")
def collectors(request: HttpRequest) -> HttpResponse:
    """List the collectors with their last signs of life, for the operations page."""
    silent_before = timezone.now() - SILENT_AFTER
    rows = [(row, row.heartbeat_at < silent_before) for row in Collector.objects.all()]
    return render(request, "monitoring/_collectors.html", {"collectors": rows})


@require_safe
@on(Node, "inventory.view_node")
def node_metrics(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the charts of a node's roles, then those of the machine it runs on."""
    node = get_object_or_404(Node.objects.select_related("cluster"), pk=pk)
    placement = node.placements.filter(valid_to=None).select_related("container__cluster").first()
    container = placement.container if placement else None
    charts: list[tuple[Layout, int]] = [(layout, node.pk) for layout in _role_layouts(node)]
    if container:
        charts.append((HOST, container.pk))
    context = {
        "host": host_view(container, timezone.now()) if container else None,
        "charts": charts,
        "subject": node,
        "cluster": node.cluster,
    }
    return _charts(request, context)


@require_safe
@on(Container, "inventory.view_container")
def host_state(request: HttpRequest, pk: int) -> HttpResponse:
    """Show how a machine was found last; the fragment asks for itself again and again."""
    container = get_object_or_404(Container.objects.select_related("cluster"), pk=pk)
    context = {"host": host_view(container, timezone.now()), "poll_s": poll_s()}
    return render(request, "monitoring/_host_state.html", context)


@require_safe
@on_cluster("inventory.view_cluster")
def cluster_health(request: HttpRequest, slug: str) -> HttpResponse:
    """Show every machine of a cluster, the worst first."""
    cluster = get_object_or_404(Cluster, slug=slug)
    now = timezone.now()
    containers = cluster.containers.select_related("host_state", "cluster").order_by("name")
    monitored = set(
        Container.objects.monitored().filter(cluster=cluster).values_list("pk", flat=True)
    )
    hosts = [host_view(c, now, monitored=c.pk in monitored) for c in containers]
    hosts.sort(key=lambda host: (not host.monitored, WORST_FIRST.index(host.shown)))
    context = {"cluster": cluster, "hosts": hosts, "poll_s": poll_s()}
    return _page(request, "health", context)


@require_safe
@on_cluster("inventory.view_cluster")
def headroom(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what is used of each role's usable capacity, its reserve kept."""
    cluster = get_object_or_404(Cluster, slug=slug)
    roles = cluster_headroom(cluster, now=timezone.now())
    context = {"cluster": cluster, "roles": roles, "poll_s": poll_s()}
    return _page(request, "headroom", context)


@require_safe
@anywhere("inventory.view_node")
def series(request: HttpRequest, layout: int, pk: int) -> HttpResponse:
    """Answer a subject's series of one layout as JSON, for the charts."""
    span = RANGES.get(request.GET.get("range", DEFAULT_RANGE))
    known = LAYOUTS.get(layout)
    if span is None or known is None:
        return JsonResponse({"error": "There is no such range or layout."}, status=400)
    model = Container if known.subject is Subject.CONTAINER else Node
    get_object_or_404(visible(model._default_manager.all(), request.user), pk=pk)
    now = timezone.now()
    answer: dict[str, Any] = as_json(
        known, pk, points(known, pk, span, now=now), latest=latest_sample(known, pk)
    )
    answer |= {
        "range": span.key,
        "resolution": span.resolution,
        "from": round((now - span.span).timestamp()),
        "now": round(now.timestamp()),
        "stale_after_s": 2 * settings.COLLECT_INTERVAL_S + 10,
        "origin": "measured",
    }
    return JsonResponse(answer)


def host_view(container: Container, now: datetime, *, monitored: bool | None = None) -> HostView:
    """Judge what may be said of a machine now."""
    state: HostState | None = getattr(container, "host_state", None)
    shown = state.shown(now) if state else Shown.NEVER
    if monitored is None:
        monitored = Container.objects.monitored().filter(pk=container.pk).exists()
    return HostView(container, state, shown, monitored, COLOURS[shown])


def poll_s() -> int:
    """Return how often a fragment asks again: a few times an interval."""
    return int(min(15, max(2, settings.COLLECT_INTERVAL_S / 2)))


def _role_layouts(node: Node) -> list[Layout]:
    """Return the layouts that a node's current roles have."""
    roles = node.assignments.filter(valid_to=None).values_list("role__key", flat=True)
    return list(dict.fromkeys(layout for role in roles for layout in role_layouts(role)))


def _charts(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Render charts with what all of them need."""
    common = {
        "ranges": RANGES.values(),
        "default_range": DEFAULT_RANGE,
        "poll_s": poll_s(),
        "refresh_s": max(2, int(settings.COLLECT_INTERVAL_S / 2)),
    }
    return _page(request, "metrics", {**context, **common})


def _page(request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
    """Render the fragment for htmx, the page around it for everybody else."""
    template = f"_{name}" if getattr(request, "htmx", False) else name
    response = render(request, f"monitoring/{template}.html", context)
    response["Vary"] = "HX-Request"
    return response
