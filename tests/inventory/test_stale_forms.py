"""A form that was opened before somebody else's change overwrites nothing."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from inventory.models import Container, Node
from inventory.operations import ChangeCluster, ChangeContainer, ChangeNode, RoleChoice, perform
from inventory.snapshot import container_view, load_topology
from tests.factories import make_container, make_database_cluster, make_network, make_user

pytestmark = pytest.mark.django_db


def fields(client: Client, address: str) -> dict[str, str]:
    """Return what a page's form sends when nothing is changed."""
    page = client.get(address).content.decode()
    form = page[page.index('name="csrfmiddlewaretoken"', page.index("<main")) :]
    values: dict[str, str] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        is_off = 'type="checkbox"' in tag and " checked" not in tag
        if name and not is_off:
            values[name[1]] = value[1] if value else ("on" if "checkbox" in tag else "")
    for name, options in re.findall(r'<select name="([^"]*)"[^>]*>(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)"[^>]* selected', options)
        values[name] = chosen[1] if chosen else ""
    return values


def test_a_node_that_was_renamed_meanwhile_keeps_its_name(signed_in: Client) -> None:
    cluster = make_database_cluster("alpha", nodes=1)
    node = Node.objects.get()
    address = reverse("inventory:node-edit", args=[node.pk])
    form = fields(signed_in, address) | {"roles": "database"}
    other = make_user("eve", superuser=True)
    change = ChangeNode(node.name, node.name, (RoleChoice("database"),), auto_replace=True)
    perform(change, cluster=cluster, actor=other)

    stale = signed_in.post(address, form | {"name": "pg-new"})
    fresh = fields(signed_in, address) | {"roles": "database", "name": "pg-new"}
    saved = signed_in.post(address, fresh)

    assert stale.status_code == 400
    assert "eve changed it meanwhile" in stale.content.decode()
    assert saved.status_code == 302
    node.refresh_from_db()
    assert (node.name, node.auto_replace) == ("pg-new", True)


@pytest.mark.parametrize("is_free", [False, True])
def test_a_machine_that_was_resized_meanwhile_keeps_its_size(
    signed_in: Client, *, is_free: bool
) -> None:
    cluster = make_database_cluster("alpha", nodes=1)
    container = Container.objects.get()
    if is_free:
        make_network("pool-net", cidr="10.7.0.0/24")
        container = make_container(
            None, "spare", networks=("pool-net", "pool-net"), private="10.7.0.9"
        )
    address = reverse("inventory:container-edit", args=[container.pk])
    form = fields(signed_in, address)
    view = container_view(container)
    larger = ChangeContainer(view.name, type(view)(**(vars(view) | {"vcpus": 12})))
    perform(larger, cluster=None if is_free else cluster, actor=make_user("eve", superuser=True))

    stale = signed_in.post(address, form | {"memory_mib": "20000"})
    saved = signed_in.post(address, fields(signed_in, address) | {"memory_mib": "20000"})

    assert "eve changed it meanwhile" in stale.content.decode()
    assert saved.status_code == 302, saved.content.decode()
    container.refresh_from_db()
    assert (container.vcpus, container.memory_mib) == (12, 20000)


def test_a_cluster_that_was_changed_meanwhile_is_not_overwritten(signed_in: Client) -> None:
    cluster = make_database_cluster("alpha", nodes=1)
    address = reverse("inventory:cluster-edit", args=["alpha"])
    networks = [network.pk for network in cluster.networks.all()]
    form = fields(signed_in, address) | {"networks": networks}
    perform(
        ChangeCluster({"country": "DE"}), cluster=cluster, actor=make_user("eve", superuser=True)
    )

    stale = signed_in.post(address, form | {"name": "Beta"})
    fresh = fields(signed_in, address) | {"networks": networks, "name": "Beta"}
    saved = signed_in.post(address, fresh)

    assert "eve changed it meanwhile" in stale.content.decode()
    assert saved.status_code == 302, saved.content.decode()
    cluster.refresh_from_db()
    assert (cluster.name, cluster.country) == ("Beta", "DE")
    assert load_topology(cluster).cluster.country == "DE"
