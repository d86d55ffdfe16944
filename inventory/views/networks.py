"""Pages of networks."""

from collections.abc import Iterable

from django.contrib import messages
from django.db.models import Count, Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from inventory.access import visible
from inventory.forms.clusters import NetworkForm
from inventory.models import Cluster, Network
from inventory.operations import AttachNetwork, perform
from inventory.permits import anywhere, chosen_cluster, on
from inventory.services import save_network
from inventory.snapshot import network_view
from inventory.views.writing import Attempt, actor

CHANGE = "inventory.change_network"


@require_safe
@anywhere("inventory.view_network")
def network_list(request: HttpRequest) -> HttpResponse:
    """Show the networks that one may see, with how many addresses are taken."""
    clusters = visible(Cluster.objects.all(), request.user)
    networks = (
        visible(Network.objects.all(), request.user)
        .select_related("location")
        .prefetch_related(Prefetch("clusters", clusters))
        .annotate(taken=Count("addresses"))
    )
    context = {
        "networks": networks,
        "changeable": {n.pk for n in networks if request.user.has_perm(CHANGE, n)},
    }
    return render(request, "inventory/network_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@anywhere("inventory.add_network")
def network_create(request: HttpRequest) -> HttpResponse:
    """Describe a network; with ?cluster= that cluster uses it."""
    is_for_one = bool(request.GET.get("cluster"))
    cluster = chosen_cluster(request, "inventory.add_network") if is_for_one else None
    form = NetworkForm(request.POST or None)
    attempt = Attempt(request, form, None)
    is_valid = request.method == "POST" and form.is_valid()
    if is_valid and (network := attempt.write(lambda: _create(request, form, cluster))):
        messages.success(request, f"Network {network.name} is there.")
        return redirect(cluster or "inventory:network-list")
    return _form_page(request, attempt, cluster=cluster)


@require_http_methods(["GET", "HEAD", "POST"])
@on(Network, CHANGE)
def network_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a network; the rules of every cluster that uses it judge the change."""
    network = get_object_or_404(Network, pk=pk)
    name, users = network.name, network.clusters.all()
    form = NetworkForm(request.POST or None, instance=network)
    attempt = Attempt(request, form, None)
    is_valid = request.method == "POST" and form.is_valid()
    if is_valid and (row := attempt.write(lambda: save_network(network, actor=actor(request)))):
        messages.success(request, f"Network {row.name} is saved.")
        return redirect("inventory:network-list")
    return _form_page(request, attempt, name=name, users=users)


def _form_page(
    request: HttpRequest,
    attempt: Attempt,
    *,
    cluster: Cluster | None = None,
    name: str = "",
    users: Iterable[Cluster] = (),
) -> HttpResponse:
    """Show the form of a network, new or known by its name, and why it was refused."""
    context = {
        "form": attempt.form,
        "refused": attempt.refused,
        "cluster": cluster,
        "name": name,
        "users": users,
    }
    return render(request, "inventory/network_form.html", context, status=attempt.status)


def _create(request: HttpRequest, form: NetworkForm, cluster: Cluster | None) -> Network:
    """Write a network, and that a cluster uses it."""
    network = save_network(form.instance, actor=actor(request))
    if cluster:
        perform(AttachNetwork(network_view(network)), cluster=cluster, actor=actor(request))
    return network
