"""Pages of preflights: look, ask again, adopt, mend, take away as JSON."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from inventory.operations import Refused
from provisioning import services
from provisioning.models import Run
from provisioning.permits import on_run
from provisioning.preflight_board import as_json, preflight_context
from provisioning.services.holding import latest_preflight
from provisioning.views import acting, cluster_or_404, may_run, may_see


@require_safe
@may_see
def preflight_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what the machines answered; htmx gets the answers alone."""
    outcome, by = request.GET.get("outcome", ""), request.GET.get("by", "")
    context = preflight_context(cluster_or_404(slug), outcome=outcome, by=by)
    is_part = request.htmx  # type: ignore[attr-defined]
    template = "provisioning/_preflight.html" if is_part else "provisioning/preflight.html"
    return render(request, template, context)


@require_safe
@may_see
def preflight_json(request: HttpRequest, slug: str) -> HttpResponse:
    """Send the last preflight as JSON."""
    preflight = latest_preflight(cluster_or_404(slug))
    if preflight is None:
        raise Http404
    name = f"preflight-{slug}.json"
    return JsonResponse(
        as_json(preflight),
        json_dumps_params={"indent": 2},
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@require_POST
@may_run
def preflight_start(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask all machines everything, or some of them some of it."""
    cluster = cluster_or_404(slug)

    def start() -> None:
        services.request_preflight(
            cluster=cluster,
            actor=acting(request),
            checks=filter(None, request.POST.getlist("check")),
            containers=filter(None, request.POST.getlist("container")),
        )

    _try(request, start, "")
    return redirect("provisioning:preflight", slug=slug)


@require_POST
@on_run("inventory.provision_cluster", "inventory.change_container")
def preflight_adopt(request: HttpRequest, slug: str) -> HttpResponse:
    """Write what was measured of a machine into the inventory, and ask it again."""
    cluster, name = cluster_or_404(slug), request.POST.get("container", "")

    def adopt() -> None:
        services.adopt_measured(cluster=cluster, actor=acting(request), container=name)
        checks = ("operating-system", "processors", "memory", "disk-size")
        services.request_preflight(
            cluster=cluster, actor=acting(request), checks=checks, containers=[name]
        )

    _try(request, adopt, f"The inventory says of {name} what was measured.")
    return redirect("provisioning:preflight", slug=slug)


@require_POST
@may_run
def preflight_mend(request: HttpRequest, slug: str) -> HttpResponse:
    """Run the component of the runbooks that mends what failed."""
    cluster, actor = cluster_or_404(slug), acting(request)
    component = request.POST.get("component", "")
    started: list[Run] = []

    def mend() -> None:
        run = services.request_run(cluster=cluster, actor=actor, components=[component])
        services.start_run(run=run, actor=actor)
        started.append(run)

    _try(request, mend, "")
    return redirect(started[0]) if started else redirect("provisioning:preflight", slug=slug)


def _try(request: HttpRequest, act: Callable[[], None], done: str) -> None:
    """Do it and say how it went."""
    try:
        act()
    except Refused as refused:
        for finding in refused.findings:
            messages.error(request, f"{finding.rule}: {finding.message}")
        return
    if done:
        messages.success(request, done)
