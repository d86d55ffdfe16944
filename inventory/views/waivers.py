"""Pages of waivers: accepted warnings and overridden locks."""

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from inventory.board import finding_rows
from inventory.forms.waivers import WaiverForm
from inventory.models import Waiver
from inventory.permits import on_cluster
from inventory.rules import RULES
from inventory.snapshot import load_topology
from inventory.views.clusters import cluster_of
from inventory.views.writing import Attempt, actor, request_id
from inventory.waivers import (
    finding_of,
    grant_waiver,
    is_lock,
    permission_for,
    revoke_waiver,
    state_of,
)


@require_safe
@on_cluster("inventory.view_cluster")
def waiver_list(request: HttpRequest, slug: str) -> HttpResponse:
    """Show who answers for what, and who did."""
    cluster = cluster_of(slug)
    rows = [
        {
            "waiver": waiver,
            "state": state_of(waiver),
            "rule": RULES.get(waiver.rule),
            "may_end": request.user.has_perm(permission_for(waiver.rule), cluster),
        }
        for waiver in cluster.waivers.all()
    ]
    context = {"cluster": cluster, "rows": sorted(rows, key=lambda r: r["state"] != "in force")}
    return render(request, "inventory/waiver_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@on_cluster()
def waiver_create(request: HttpRequest, slug: str) -> HttpResponse:
    """Answer for a finding: ?key=, ?subject= and ?role= say for which."""
    about = {name: request.GET.get(name, "") for name in ("key", "subject", "role")}
    cluster = cluster_of(slug)
    if not request.user.has_perm(permission_for(about["key"]), cluster):
        raise PermissionDenied
    topology = load_topology(cluster)
    form = WaiverForm(request.POST or None, is_lock=is_lock(about["key"]))
    attempt = Attempt(request, form, topology.platform)
    if request.method == "POST" and form.is_valid():
        granted = attempt.write(
            lambda: grant_waiver(
                cluster=cluster,
                **about,
                reason=form.cleaned_data["reason"],
                expires_at=form.cleaned_data["expires_at"],
                confirm=form.cleaned_data.get("confirm", ""),
                actor=actor(request),
                request_id=request_id(request),
            )
        )
        if granted:
            until = form.cleaned_data["expires_at"]
            messages.success(request, f"You answer for it until {until:%Y-%m-%d %H:%M} UTC.")
            return redirect("inventory:waiver-list", slug=cluster.slug)
    finding = finding_of(topology, **about)
    context = {
        "cluster": cluster,
        "form": form,
        "refused": attempt.refused,
        "rule": RULES.get(about["key"]),
        "about": about,
        "is_lock": is_lock(about["key"]),
        "rows": finding_rows([finding], topology.platform) if finding else [],
    }
    return render(request, "inventory/waiver_form.html", context, status=attempt.status)


@require_POST
@on_cluster()
def waiver_revoke(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """End a waiver: the finding counts again."""
    waiver = get_object_or_404(
        Waiver.objects.select_related("cluster"), cluster__slug=slug, pk=pk, revoked_at=None
    )
    attempt = Attempt(request, forms.Form({}), None)
    if attempt.write(
        lambda: revoke_waiver(waiver=waiver, actor=actor(request), request_id=request_id(request))
    ):
        messages.success(request, f"{waiver.rule} of {waiver.subject} counts again.")
    attempt.say()
    return redirect("inventory:waiver-list", slug=slug)
