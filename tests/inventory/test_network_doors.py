"""Networks through every door: gateways, and ranges that the clusters' rules judge."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from inventory.models import Change, Network
from inventory.operations import Refused
from inventory.services import save_network
from inventory.snapshot import load_topology
from tests.factories import make_cluster, make_container, make_network, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(administrator: Any) -> APIClient:
    """Return a client that may do everything."""
    client = APIClient()
    client.force_authenticate(administrator)
    return client


def typed(network: Network, **fields: str) -> dict[str, str]:
    """Return what a person sees in a network's form, and what they change."""
    shown = {"name": network.name, "kind": network.kind, "cidr": str(network.cidr)}
    return shown | {"gateway": str(network.gateway or ""), "location": ""} | fields


def edit(client: Client, network: Network, **fields: str) -> Any:
    """Post a network's form."""
    return client.post(
        reverse("inventory:network-edit", args=[network.pk]), typed(network, **fields)
    )


def test_a_network_is_described_with_its_gateway(signed_in: Client) -> None:
    data = {"name": "net", "kind": "private", "cidr": "10.9.0.0/24", "gateway": "10.9.0.1"}

    signed_in.post(reverse("inventory:network-create"), data)

    assert str(Network.objects.get().gateway) == "10.9.0.1"


@pytest.mark.parametrize(
    ("gateway", "status"),
    [
        ("10.203.0.1", 302),
        ("10.203.0.254", 302),
        ("10.203.0.255", 409),
        ("10.203.0.0", 409),
        ("10.203.1.1", 409),
        ("", 302),
        ("router", 400),
    ],
)
def test_a_gateway_is_a_host_of_its_network(signed_in: Client, gateway: str, status: int) -> None:
    """R50."""
    network = make_network("net")

    response = edit(signed_in, network, gateway=gateway)

    network.refresh_from_db()
    assert response.status_code == status
    assert str(network.gateway or "") == (gateway if status == 302 else "")
    if status == 409:
        assert f"The gateway {gateway} of network net" in response.content.decode()


def test_the_address_of_a_machine_is_no_gateway(signed_in: Client) -> None:
    """R50: clusters that use the network and the free pool are asked."""
    cluster = make_cluster("alpha")
    make_container(cluster, "web-01", private="10.203.0.31")
    used = Network.objects.get(name="alpha-private")
    pool = make_network("pool-net", cidr="10.7.0.0/24")
    make_container(None, "free-01", networks=("pool-net", "pool-net"), private="10.7.0.9")

    taken = edit(signed_in, used, gateway="10.203.0.31")
    taken_in_pool = edit(signed_in, pool, gateway="10.7.0.9")
    free = edit(signed_in, used, gateway="10.203.0.32")

    assert "10.203.0.31 of web-01 is not a host address" in taken.content.decode()
    assert "10.7.0.9 of free-01 is not a host address" in taken_in_pool.content.decode()
    assert [r.status_code for r in (taken, taken_in_pool, free)] == [409, 409, 302]
    assert str(load_topology(cluster).networks["alpha-private"].gateway) == "10.203.0.32"


def test_a_range_that_leaves_an_address_out_is_refused_for_every_cluster() -> None:
    """R50: two clusters use one network; either may say no."""
    first, second = make_cluster("alpha"), make_cluster("beta", private=None)
    network = Network.objects.get(name="alpha-private")
    second.networks.add(network)
    make_container(first, private="10.203.0.31")
    make_container(second, networks=("alpha-private", "beta-public"), private="10.203.0.200")
    network.cidr = "10.203.0.0/25"

    with pytest.raises(Refused, match=r"10\.203\.0\.200"):
        save_network(network, actor=None)

    network.cidr = "10.203.0.0/16"
    assert save_network(network, actor=None).cidr.prefixlen == 16


def test_a_changed_network_is_in_the_change_log(signed_in: Client) -> None:
    network = make_network("net")

    edit(signed_in, network, name="renamed", gateway="10.203.0.1")

    change = Change.objects.latest("pk")
    assert (change.operation, change.actor_name) == ("ChangeNetwork", "administrator")
    assert change.after
    assert change.after["gateway"] == "10.203.0.1"


def test_the_page_says_who_is_concerned(signed_in: Client) -> None:
    make_cluster("alpha", name="Alpha")
    network = Network.objects.get(name="alpha-private")

    page = signed_in.get(reverse("inventory:network-edit", args=[network.pk])).content.decode()

    assert "Used by" in page
    assert "/clusters/alpha/" in page


def test_who_may_only_look_cannot_change_a_network(client: Client) -> None:
    network = make_network("net")
    client.force_login(make_user(permissions=("inventory.view_network",)))

    assert edit(client, network, gateway="10.203.0.1").status_code == 403
    assert "edit/" not in client.get(reverse("inventory:network-list")).content.decode()


def test_the_api_takes_and_shows_gateways(api: APIClient) -> None:
    body = {"name": "net", "kind": "private", "cidr": "10.9.0.0/24", "gateway": "10.9.0.1"}
    made = api.post("/api/v1/networks/", body, format="json")
    address = f"/api/v1/networks/{made.json()['id']}/"

    refused = api.patch(address, {"gateway": "10.9.1.1"}, format="json")
    wrong = api.patch(address, {"gateway": "router"}, format="json")
    taken_away = api.patch(address, {"gateway": None}, format="json")

    assert (made.status_code, made.json()["gateway"]) == (201, "10.9.0.1")
    assert (refused.status_code, refused.json()["findings"][0]["rule"]) == (409, "R50")
    assert (wrong.status_code, list(wrong.json()["errors"])) == (400, ["gateway"])
    assert (taken_away.status_code, taken_away.json()["gateway"]) == (200, None)


def test_the_admin_refuses_alike(signed_in: Client) -> None:
    network = make_network("net")
    address = reverse("admin:inventory_network_change", args=[network.pk])

    refused = signed_in.post(address, typed(network, gateway="10.99.0.1"))
    saved = signed_in.post(address, typed(network, gateway="10.203.0.1"))

    network.refresh_from_db()
    assert "The gateway 10.99.0.1 of network net" in refused.content.decode()
    assert saved.status_code == 302
    assert str(network.gateway) == "10.203.0.1"
