"""Pages of containers."""

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from inventory.access import visible
from inventory.board import finding_rows
from inventory.changes import picture_of, sight
from inventory.forms.containers import AdoptForm, BaseDiskFormSet, ContainerForm, disk_formset
from inventory.forms.logins import LoginForm
from inventory.logins import save_credential
from inventory.models import Cluster, Container
from inventory.operations import (
    AddContainer,
    ChangeContainer,
    Operation,
    RemoveContainer,
    perform,
)
from inventory.permits import anywhere, chosen_cluster, on
from inventory.rules import findings
from inventory.snapshot import container_view, load_topology
from inventory.topology import ContainerView
from inventory.views.access import access_of
from inventory.views.writing import Attempt, actor, request_id

PAGE_SIZE = 50


@require_safe
@anywhere("inventory.view_container")
def container_list(request: HttpRequest) -> HttpResponse:
    """Show containers: all that one may see, or the free pool."""
    is_pool = request.GET.get("pool") == "free"
    rows = Container.objects.free() if is_pool else Container.objects.all()
    rows = (
        visible(rows, request.user)
        .select_related("cluster")
        .prefetch_related("addresses__network")
        .order_by("cluster__name", "name")
    )
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"page": page, "is_pool": is_pool}
    return render(request, "inventory/container_list.html", context)


@require_safe
@on(Container, "inventory.view_container")
def container_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a machine: resources, addresses, login, what runs on it, what happened."""
    container = container_of(pk)
    placements = visible(container.placements.all(), request.user)  # Of another cluster, before.
    placements = placements.select_related("node__cluster").order_by("-valid_from")
    context = {
        "container": container,
        "access": access_of(container),
        "rows": _findings(container),
        "current": [p for p in placements if p.valid_to is None],
        "placements": placements,
        "events": visible(container.events.all(), request.user)[:10],
    }
    return render(request, "inventory/container_detail.html", context)


def _findings(container: Container) -> list[Any]:
    """Return what the rules say about the machine and the nodes on it."""
    if not container.cluster:
        return []
    topology = load_topology(container.cluster)
    subjects = {f"container:{container.name}"} | {
        f"node:{node.name}" for node in topology.nodes.values() if node.container == container.name
    }
    found = [finding for finding in findings(topology) if finding.subject in subjects]
    return finding_rows(found, topology.platform)


@require_http_methods(["GET", "HEAD", "POST"])
@anywhere("inventory.add_container")
def container_create(request: HttpRequest) -> HttpResponse:
    """Describe a machine of a cluster (?cluster=), or of the free pool."""
    slug = request.GET.get("cluster")
    cluster = chosen_cluster(request, "inventory.add_container") if slug else None
    return _form_page(request, None, cluster)


@require_http_methods(["GET", "HEAD", "POST"])
@on(Container, "inventory.change_container")
def container_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a machine."""
    container = container_of(pk)
    return _form_page(request, container, container.cluster)


def _form_page(
    request: HttpRequest, container: Container | None, cluster: Cluster | None
) -> HttpResponse:
    """Show the form of a machine, or write what it says."""
    before = container_view(container) if container else None
    topology = load_topology(cluster) if cluster else None
    form = ContainerForm(
        request.POST or None,
        instance=container,
        cluster=cluster,
        topology=topology,
        user=actor(request),
    )
    held = container.credential_id if container else None
    login = LoginForm(request.POST or None, cluster=cluster, user=actor(request), held=held)
    disks = disk_formset(request.POST or None, before)
    attempt = Attempt(request, form, topology.platform if topology else None)
    valid = [part.is_valid() for part in (form, login, disks)]
    is_valid = request.method == "POST" and all(valid)
    if is_valid and (row := attempt.write(lambda: _write(request, form, login, disks, before))):
        messages.success(request, f"Container {row.name} is saved.")
        return redirect(row)
    status = 400 if request.method == "POST" and not all(valid) else attempt.status
    context = {
        "form": form,
        "login": login,
        "disks": disks,
        "refused": attempt.refused,
        "cluster": cluster,
        "name": before.name if before else "",
        "pk": container.pk if container else None,
        "seen": sight(picture_of(before)) if before else "",
    }
    return render(request, "inventory/container_form.html", context, status=status)


def _write(
    request: HttpRequest,
    form: ContainerForm,
    login: LoginForm,
    disks: BaseDiskFormSet,
    before: ContainerView | None,
) -> Container:
    """Store a new login if there is one, then the machine."""
    credential = login.new_credential()
    if credential:
        save_credential(credential, actor=actor(request), cluster=form.cluster)
    else:
        credential = login.cleaned_data["credential"]
    view = form.view(before, disks.views(), credential.name if credential else None)
    operation: Operation = ChangeContainer(before.name, view) if before else AddContainer(view)
    result = perform(
        operation,
        cluster=form.cluster,
        actor=actor(request),
        request_id=request_id(request),
        seen=request.POST.get("seen", ""),
    )
    return cast("Container", result.row)


@require_http_methods(["GET", "HEAD", "POST"])
@on(Container, "inventory.change_container")
def container_adopt(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a cluster take in a machine of the free pool."""
    container = get_object_or_404(Container.objects.free(), pk=pk)
    clusters = visible(Cluster.objects.all(), request.user, "inventory.change_container")
    initial = {"cluster": clusters.filter(slug=request.GET.get("cluster", "")).first()}
    form = AdoptForm(request.POST or None, initial=initial, clusters=clusters)
    attempt = Attempt(request, form, None)
    if request.method == "POST" and form.is_valid():
        cluster = form.cleaned_data["cluster"]
        attempt.platform = load_topology(cluster).platform
        if attempt.perform(AddContainer(container_view(container)), cluster=cluster):
            messages.success(request, f"{container.name} belongs to {cluster.name} now.")
            return redirect(cluster)
    context = {"form": form, "refused": attempt.refused, "container": container}
    return render(request, "inventory/container_adopt.html", context, status=attempt.status)


@require_POST
@on(Container, "inventory.change_container")
def container_release(request: HttpRequest, pk: int) -> HttpResponse:
    """Return a machine that runs nothing to the free pool."""
    container = get_object_or_404(Container.objects.exclude(cluster=None), pk=pk)
    attempt = Attempt(request, forms.Form({}), None)
    if attempt.perform(RemoveContainer(container.name), cluster=container.cluster):
        messages.success(request, f"{container.name} is in the free pool now.")
    attempt.say()
    return redirect(container)


def container_of(pk: int) -> Container:
    """Return a container with what its pages need, or 404."""
    rows = (
        Container.objects.with_login()
        .select_related("cluster__revision__platform", "cluster__release", "location", "hypervisor")
        .prefetch_related("disks")
    )
    found: Container = get_object_or_404(rows, pk=pk)
    return found
