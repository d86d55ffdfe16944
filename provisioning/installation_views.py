"""The guided installation: the platform's order, to be followed step by step or run as a whole."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from inventory.operations import Refused
from provisioning import services
from provisioning.installation import GuideStep
from provisioning.installation_board import guide_step, installation
from provisioning.views import acting, cluster_or_404, may_run, may_see


@require_safe
@may_see
def installation_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the order with the state of each step; htmx gets the steps alone."""
    is_part = request.htmx  # type: ignore[attr-defined]
    template = "provisioning/_installation.html" if is_part else "provisioning/installation.html"
    return render(request, template, installation(cluster_or_404(slug)))


@require_POST
@may_run
def installation_run(request: HttpRequest, slug: str) -> HttpResponse:
    """Run one step, or all of them when none is named."""
    cluster, number = cluster_or_404(slug), request.POST.get("step", "")
    step = _step(slug, number) if number else None
    if step and not step.may_run:
        messages.error(request, _why_not(step))
        return redirect("provisioning:installation", slug=slug)
    try:
        run = services.request_run(
            cluster=cluster,
            actor=acting(request),
            roles=step.roles if step else None,
            proceed_reason=request.POST.get("proceed_reason", ""),
        )
        services.start_run(run=run, actor=acting(request))
    except Refused as refused:
        for finding in refused.findings:
            messages.error(request, f"{finding.rule}: {finding.message}")
        return redirect("provisioning:installation", slug=slug)
    return redirect(run)


def _step(slug: str, number: str) -> GuideStep:
    """Return a step or 404."""
    found = guide_step(cluster_or_404(slug), int(number)) if number.isdigit() else None
    if found is None:
        raise Http404
    return found


def _why_not(step: GuideStep) -> str:
    """Say why a step cannot be run now."""
    if step.waits_for:
        titles = " and ".join(f"{other.number} ({other.title})" for other in step.waits_for)
        return f"Step {step.number} builds upon step {titles}: run that first."
    if not step.planned:
        return f"Step {step.number} has nothing to do: it has no nodes, or no runbook."
    return f"Step {step.number} is on its way already."
