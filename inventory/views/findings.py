"""Pages of findings, and the buttons that end them."""

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from inventory.board import finding_rows
from inventory.changes import Operation
from inventory.models import Cluster
from inventory.permits import on_cluster
from inventory.rules import RULES, Finding, findings, propose
from inventory.snapshot import load_topology
from inventory.views.clusters import cluster_of
from inventory.views.writing import Attempt

PAGE_SIZE = 20  # each with a fix, which takes a check to find


@require_safe
@on_cluster("inventory.view_cluster")
def finding_list(request: HttpRequest, slug: str) -> HttpResponse:
    """Show everything that is found, or what one ?rule= finds."""
    cluster = cluster_of(slug)
    topology = load_topology(cluster)
    key = request.GET.get("rule", "")
    found = [finding for finding in findings(topology) if key in ("", finding.key)]
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "cluster": cluster,
        "page": page,
        "rows": finding_rows(page.object_list, topology.platform, topology),
        "rule": RULES.get(key),
    }
    return render(request, "inventory/finding_list.html", context)


@require_POST
@on_cluster("inventory.change_cluster")
def finding_fix(request: HttpRequest, slug: str) -> HttpResponse:
    """Carry out the fix that a finding offers, if it still does."""
    cluster = cluster_of(slug)
    topology = load_topology(cluster)
    wanted = tuple(request.POST.get(name, "") for name in ("key", "subject", "role"))
    finding = next((f for f in findings(topology) if f.identity[:3] == wanted), None)
    fix = propose(topology, finding) if finding else None
    if finding is None or fix is None:
        messages.info(request, "This finding is gone, or has no fix any more.")
        return redirect(cluster)
    return _fixed(request, cluster, finding, fix)


def _fixed(
    request: HttpRequest, cluster: Cluster, finding: Finding, fix: Operation
) -> HttpResponse:
    """Perform a fix and say how it went."""
    attempt = Attempt(request, forms.Form({}), load_topology(cluster).platform)
    reason = f"Fix of {finding.rule}"
    if attempt.perform(fix, cluster=cluster, reason=reason):
        messages.success(request, f"{fix.summary}: done.")
    attempt.say()
    return redirect(cluster)
