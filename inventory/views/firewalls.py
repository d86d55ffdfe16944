"""Pages of machines' firewalls: what is too open, and the rules as text."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from inventory.exposure import too_open
from inventory.firewall import firewall_rules, firewall_text, known_ssh_sources
from inventory.models import Container
from inventory.permits import on
from inventory.snapshot import load_topology
from inventory.topology import Topology

SUFFIXES = {"nft": "nftables", "ufw": "ufw"}


@require_safe
@on(Container, "inventory.view_container")
def container_firewall(request: HttpRequest, pk: int) -> HttpResponse:
    """Show who may connect to what, what is too open, and the rules for nftables and ufw."""
    container = _container(pk)
    topology = load_topology(container.cluster)  # type: ignore[arg-type]
    context = {
        "container": container,
        "exposures": too_open(topology, container.name),
        **_content(topology, container.name),
    }
    return render(request, "inventory/container_firewall.html", context)


@require_safe
@on(Container, "inventory.view_container")
def container_firewall_text(request: HttpRequest, pk: int, suffix: str) -> HttpResponse:
    """Return a machine's firewall as a file."""
    if suffix not in SUFFIXES:
        raise Http404
    container = _container(pk)
    topology = load_topology(container.cluster)  # type: ignore[arg-type]
    try:
        text = firewall_text(topology, container.name, SUFFIXES[suffix])
    except ValueError as error:
        text = f"The parameter ssh_sources is no list of addresses: {error}.\n"
        return HttpResponse(text, content_type="text/plain; charset=utf-8", status=409)
    response = HttpResponse(text, content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{container.name}.{suffix}"'
    return response


def _content(topology: Topology, container: str) -> dict[str, Any]:
    """Return rules and texts; none while it is unknown who may log in, which the page says."""
    try:
        sources = known_ssh_sources(topology)
    except ValueError:
        return {"rules": (), "texts": ()}
    return {
        "rules": firewall_rules(topology, container, ssh_sources=sources),
        "texts": [
            (suffix, syntax, firewall_text(topology, container, syntax))
            for suffix, syntax in SUFFIXES.items()
        ],
    }


def _container(pk: int) -> Container:
    """Return a machine of a cluster, or 404: in the free pool nobody is to reach it."""
    rows = Container.objects.exclude(cluster=None).select_related(
        "cluster__revision__platform", "cluster__release"
    )
    return get_object_or_404(rows, pk=pk)
