"""Pages of clusters."""

from collections import Counter
from dataclasses import dataclass

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from inventory import example
from inventory.access import visible
from inventory.board import finding_groups, finding_rows, layer_rows
from inventory.changes import sight
from inventory.forms.clusters import ClusterForm
from inventory.locks import decisions
from inventory.models import Cluster, Platform
from inventory.operations import (
    AttachNetwork,
    ChangeCluster,
    ChangeError,
    ChangeRevision,
    DetachNetwork,
    Operation,
    perform,
)
from inventory.permits import anywhere, on_cluster, portal_wide
from inventory.platform_sync import effective_platform
from inventory.rules import Severity, check, findings
from inventory.rules.single_points import is_highly_available
from inventory.services import create_cluster
from inventory.snapshot import load_topologies, load_topology, network_view
from inventory.topology import Topology
from inventory.views.writing import Attempt, actor, request_id

SHOWN = ("platform", "release", "revision__platform", "credential", "bastion")
PAGE_SIZE = 20
CHANGEABLE = (
    "name",
    "slug",
    "kind",
    "infrastructure",
    "time_zone",
    "country",
    "availability_guarantee",
)


@dataclass(frozen=True)
class ClusterSummary:
    """A cluster in the list."""

    cluster: Cluster
    nodes: int
    containers: int
    errors: int
    warnings: int
    highly_available: bool


@require_safe
@anywhere("inventory.view_cluster")
def cluster_list(request: HttpRequest) -> HttpResponse:
    """Show the clusters that one may see, or what to do first."""
    clusters = visible(Cluster.objects.select_related(*SHOWN), request.user)
    page = Paginator(clusters, PAGE_SIZE).get_page(request.GET.get("page"))
    topologies = load_topologies(page)
    context = {
        "page": page,
        "summaries": [_summary(cluster, topologies[cluster.pk]) for cluster in page],
        "has_platforms": Platform.objects.filter(retired_at=None).exists(),
        "has_example": Cluster.objects.filter(is_example=True).exists(),
    }
    return render(request, "inventory/cluster_list.html", context)


def _summary(cluster: Cluster, topology: Topology) -> ClusterSummary:
    """Count what the list shows; what somebody answers for is not counted."""
    found = findings(topology)
    severities = Counter(finding.severity for finding in found if not finding.waiver)
    return ClusterSummary(
        cluster=cluster,
        nodes=len(topology.nodes),
        containers=len(topology.containers),
        errors=severities[Severity.ERROR],
        warnings=severities[Severity.WARNING],
        highly_available=is_highly_available(topology, found),
    )


@require_safe
@on_cluster("inventory.view_cluster")
def cluster_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a cluster: layers, roles, nodes, what the rules find, what happened."""
    cluster = cluster_of(slug)
    topology = load_topology(cluster)
    found = findings(topology)
    context = {
        "cluster": cluster,
        "layers": layer_rows(topology, found),
        "groups": finding_groups(found, topology),
        "blocks_run": any(finding.refuses_run for finding in found),
        "decisions": decisions(topology),
        "highly_available": is_highly_available(topology, found),
        "networks": topology.networks.values(),
        "containers": sorted(topology.containers.values(), key=lambda c: c.name),
        "busy": {node.container for node in topology.nodes.values()},
        "changes": cluster.changes.all()[:10],
        "events": cluster.events.all()[:10],
    }
    return render(request, "inventory/cluster_detail.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@portal_wide("inventory.add_cluster")
def cluster_create(request: HttpRequest) -> HttpResponse:
    """Start a cluster."""
    form = ClusterForm(request.POST or None, user=actor(request))
    attempt = Attempt(request, form, None)
    is_valid = request.method == "POST" and form.is_valid()
    if is_valid and (cluster := attempt.write(lambda: _create(request, form))):
        messages.success(request, f"{cluster.name} is there. Next: describe its containers.")
        return redirect(cluster)
    context = {"form": form, "refused": attempt.refused, "cluster": None}
    return render(request, "inventory/cluster_form.html", context, status=attempt.status)


def _create(request: HttpRequest, form: ClusterForm) -> Cluster:
    """Write a new cluster and the networks it uses."""
    data = form.cleaned_data
    cluster = create_cluster(
        actor=actor(request),
        platform=data["release"].platform,
        release=data["release"],
        **{name: data[name] for name in (*CHANGEABLE, "credential", "bastion")},
    )
    for network in data.get("networks", ()):
        perform(AttachNetwork(network_view(network)), cluster=cluster, actor=actor(request))
    return cluster


@require_http_methods(["GET", "HEAD", "POST"])
@on_cluster("inventory.change_cluster")
def cluster_edit(request: HttpRequest, slug: str) -> HttpResponse:
    """Change what a cluster is and which networks it uses."""
    cluster = cluster_of(slug)
    before = load_topology(cluster)
    form = ClusterForm(request.POST or None, instance=cluster_of(slug), user=actor(request))
    attempt = Attempt(request, form, before.platform)
    if request.method == "POST" and form.is_valid():
        operations = _operations(form, cluster)
        if attempt.write(lambda: _perform_all(request, operations, cluster)):
            messages.success(request, "Saved.")
            return redirect("inventory:cluster-detail", slug=form.cleaned_data["slug"])
    context = {
        "form": form,
        "refused": attempt.refused,
        "cluster": cluster,
        "newest": cluster.platform.revisions.latest(),
        "seen": sight(ChangeCluster({}).picture(before)),
    }
    return render(request, "inventory/cluster_form.html", context, status=attempt.status)


def _operations(form: ClusterForm, cluster: Cluster) -> list[Operation]:
    """Return the changes that a form asks for."""
    data = form.cleaned_data
    fields = {n: data[n] for n in (*CHANGEABLE, "state") if data[n] != getattr(cluster, n)}
    if data["release"].pk != cluster.release_id:
        fields["release"] = data["release"].key
    for name in ("credential", "bastion"):
        if data[name] != getattr(cluster, name):
            fields[name] = data[name].name if data[name] else None
    operations: list[Operation] = [ChangeCluster(fields)] if fields else []
    wanted = {network.name: network for network in data.get("networks", ())}
    held = {network.name for network in cluster.networks.all()}
    operations += [AttachNetwork(network_view(n)) for k, n in wanted.items() if k not in held]
    operations += [DetachNetwork(name) for name in sorted(held - set(wanted))]
    return operations


def _perform_all(request: HttpRequest, operations: list[Operation], cluster: Cluster) -> bool:
    """Carry several changes out, all or none."""
    seen = request.POST.get("seen", "")
    for operation in operations:
        perform(
            operation,
            cluster=cluster,
            actor=actor(request),
            request_id=request_id(request),
            seen=seen if isinstance(operation, ChangeCluster) else "",
        )
    return True


@require_http_methods(["GET", "HEAD", "POST"])
@on_cluster("inventory.change_cluster")
def cluster_revision(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what the newest revision of the platform's facts would find, and go by it."""
    cluster = cluster_of(slug)
    topology = load_topology(cluster)
    newest = cluster.platform.revisions.latest()
    form = forms.Form(request.POST or None)
    attempt = Attempt(request, form, topology.platform)
    operation = ChangeRevision(newest.number, effective_platform(newest))
    if request.method == "POST":
        form.is_valid()
        if attempt.perform(operation, cluster=cluster):
            messages.success(request, f"{operation.summary}: done.")
            return redirect(cluster)
    try:
        brought = check(topology, operation.apply(topology))
    except ChangeError as error:
        brought = []
        messages.error(request, str(error))
    context = {
        "cluster": cluster,
        "newest": newest,
        "rows": finding_rows(brought, operation.platform),
        "refused": attempt.refused,
    }
    return render(request, "inventory/cluster_revision.html", context, status=attempt.status)


@require_POST
@portal_wide("inventory.add_cluster")
def example_create(request: HttpRequest) -> HttpResponse:
    """Load the example cluster, once."""
    with transaction.atomic():
        cluster, is_new = example.load(actor=actor(request))
    if is_new:
        messages.success(request, "The example cluster is loaded. It is never monitored.")
    else:
        messages.info(request, "The example cluster is there already.")
    return redirect(cluster)


def cluster_of(slug: str) -> Cluster:
    """Return a cluster with what its pages need, or 404."""
    rows = Cluster.objects.select_related(*SHOWN)
    return get_object_or_404(rows, slug=slug)
