"""Pages of nodes."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from inventory.board import RoleFacts, finding_rows
from inventory.changes import sight
from inventory.forms.nodes import ContainerChoiceForm, NodeForm, RemoveNodeForm
from inventory.models import Node
from inventory.operations import AddNode, ChangeNode, MoveNode, RemoveNode
from inventory.permits import on, on_cluster
from inventory.rules import check, findings
from inventory.snapshot import load_topology
from inventory.topology import Topology
from inventory.views.clusters import cluster_of
from inventory.views.writing import Attempt


@require_http_methods(["GET", "HEAD", "POST"])
@on_cluster("inventory.add_node")
def node_create(request: HttpRequest, slug: str) -> HttpResponse:
    """Put a new node on a container; ?role= and ?container= are chosen already."""
    cluster = cluster_of(slug)
    topology = load_topology(cluster)
    initial = {
        "roles": request.GET.getlist("role"),
        "container": request.GET.get("container", ""),
        "name": request.GET.get("container", ""),
    }
    form = NodeForm(request.POST or None, topology=topology, initial=initial)
    attempt = Attempt(request, form, topology.platform)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        operation = AddNode(
            data["name"],
            data["container"],
            form.choices_made(),
            auto_replace=data["auto_replace"],
        )
        if result := attempt.perform(operation, cluster=cluster):
            messages.success(request, f"Node {data['name']} is planned.")
            return redirect("inventory:node-detail", pk=result.row.pk)
    context = {"form": form, "refused": attempt.refused, "cluster": cluster, "node": None}
    return render(request, "inventory/node_form.html", context, status=attempt.status)


@require_safe
@on(Node, "inventory.view_node")
def node_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a node: roles, machine, metrics, past."""
    node = node_of(pk)
    topology = load_topology(node.cluster)
    current = [f for f in findings(topology) if f.subject == f"node:{node.name}"]
    assignments = node.assignments.select_related("role", "availability_group")
    placements = node.placements.select_related("container").order_by("-valid_from")
    context = {
        "node": node,
        "cluster": node.cluster,
        "roles": _roles(topology, node.name) if not node.removed_at else [],
        "rows": finding_rows(current, topology.platform) if not node.removed_at else [],
        "placement": next((p for p in placements if p.valid_to is None), None),
        "placements": placements,
        "assignments": assignments.order_by("-valid_from", "role__name"),
        "events": node.events.all()[:10],
    }
    return render(request, "inventory/node_detail.html", context)


def _roles(topology: Topology, name: str) -> list[tuple[RoleFacts, object]]:
    """Return a node's roles with their facts and states."""
    assignments = topology.nodes[name].assignments
    return [(RoleFacts(topology.role(a.role)), a) for a in assignments]


@require_http_methods(["GET", "HEAD", "POST"])
@on(Node, "inventory.change_node")
def node_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a node's name and roles."""
    node = present_node(pk)
    topology = load_topology(node.cluster)
    form = NodeForm(request.POST or None, topology=topology, node=topology.nodes[node.name])
    attempt = Attempt(request, form, topology.platform)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        operation = ChangeNode(node.name, data["name"], form.choices_made(), data["auto_replace"])
        if attempt.perform(operation, cluster=node.cluster):
            messages.success(request, "Saved.")
            return redirect(node)
    context = {
        "form": form,
        "refused": attempt.refused,
        "cluster": node.cluster,
        "node": node,
        "seen": sight(RemoveNode(node.name).picture(topology)),
    }
    return render(request, "inventory/node_form.html", context, status=attempt.status)


@require_http_methods(["GET", "HEAD", "POST"])
@on(Node, "inventory.change_node")
def node_move(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a node run on another container; identity and history stay (R7)."""
    node = present_node(pk)
    topology = load_topology(node.cluster)
    current = topology.nodes[node.name].container
    form = ContainerChoiceForm(request.POST or None, topology=topology, leave_out=current)
    attempt = Attempt(request, form, topology.platform)
    if request.method == "POST" and form.is_valid():
        operation = MoveNode(node.name, form.cleaned_data["container"])
        if attempt.perform(operation, cluster=node.cluster):
            messages.success(request, f"{operation.summary}: done.")
            return redirect(node)
    context = {"form": form, "refused": attempt.refused, "node": node, "current": current}
    return render(request, "inventory/node_move.html", context, status=attempt.status)


@require_http_methods(["GET", "HEAD", "POST"])
@on(Node, "inventory.delete_node")
def node_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what is lost with a node, and remove it when confirmed."""
    node = present_node(pk)
    topology = load_topology(node.cluster)
    form = RemoveNodeForm(request.POST or None, name=node.name)
    attempt = Attempt(request, form, topology.platform)
    operation = RemoveNode(node.name)
    if request.method == "POST" and form.is_valid():
        reason = form.cleaned_data["reason"]
        if attempt.perform(operation, cluster=node.cluster, reason=reason):
            messages.success(request, f"Node {node.name} is removed; its past stays.")
            return redirect(node.cluster)
    context = {
        "form": form,
        "refused": attempt.refused,
        "node": node,
        "roles": _roles(topology, node.name),
        "container": topology.nodes[node.name].container,
        "rows": finding_rows(check(topology, operation.apply(topology)), topology.platform),
    }
    return render(request, "inventory/node_remove.html", context, status=attempt.status)


def node_of(pk: int) -> Node:
    """Return a node, present or removed, or 404."""
    rows = Node.objects.select_related(
        "cluster__platform", "cluster__release", "cluster__revision__platform"
    )
    return get_object_or_404(rows, pk=pk)


def present_node(pk: int) -> Node:
    """Return a node that is still there, or 404."""
    node = node_of(pk)
    if node.removed_at:
        raise Http404
    return node
