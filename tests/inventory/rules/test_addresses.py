"""Addresses of machines and balancers: inside their network, and used once."""

from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from inventory.changes import (
    AddContainer,
    SetBalancer,
)
from inventory.rules import check, propose
from inventory.topology import AddressView, NetworkView
from tests.inventory.rules.networked import WEB, balancer, having, network_of, swap
from tests.inventory.rules.pictures import about, changed, cluster, outcome, with_idle


@pytest.mark.parametrize(
    ("ip", "expected"),
    [
        ("10.203.0.1", "refuse"),  # the gateway
        ("10.203.0.2", "nothing"),
        ("10.203.0.0", "refuse"),
        ("10.203.255.254", "nothing"),
        ("10.203.255.255", "refuse"),
        ("10.202.255.255", "refuse"),
        ("10.204.0.0", "refuse"),
    ],
)
def test_an_address_is_a_host_address_of_its_network(ip: str, expected: str) -> None:
    topology = cluster("worker")
    private = NetworkView(
        1,
        network_of(topology, "private").name,
        "private",
        ip_network("10.203.0.0/16"),
        ip_address("10.203.0.1"),
    )
    topology = having(swap(topology, private), "worker-1", "private", ip)

    assert outcome(about(topology, "address-inside-network")) == expected


def test_an_address_that_another_cluster_has_is_refused_with_its_owner() -> None:
    topology = cluster("worker")
    (private, *_) = topology.containers["worker-1"].addresses
    shared = replace(topology, taken={(private.network, private.ip): "container far-01"})

    (finding,) = about(shared, "address-unique")

    assert outcome([finding]) == "refuse"
    assert "container far-01 outside this cluster" in finding.message


def test_a_machine_of_the_pool_keeps_its_address_when_it_is_taken_in() -> None:
    topology = cluster()
    network = network_of(topology, "private")
    address = AddressView(network.name, network.cidr.network_address + 9)
    idle = replace(with_idle(topology, "spare").containers["spare"], addresses=(address,), pk=7)
    shared = replace(topology, taken={(address.network, address.ip): "container spare"})

    assert changed(shared, "address-unique", AddContainer(idle)) == []
    assert outcome(changed(shared, "address-unique", AddContainer(replace(idle, pk=None)))) == (
        "refuse"
    )


def test_a_balancer_and_a_machine_do_not_share_an_address() -> None:
    topology = cluster("web")
    public = network_of(topology, "public")
    topology = having(topology, WEB, "public", str(public.cidr.network_address + 200))

    found = changed(topology, "balancer-address-unique", SetBalancer(balancer(topology)))

    assert outcome(found) == "refuse"
    assert changed(topology, "address-unique", SetBalancer(balancer(topology))) == []


def test_a_clash_is_mended_with_the_next_free_address() -> None:
    topology = cluster("worker", "worker")
    (private, *_) = topology.containers["worker-1"].addresses
    twin = replace(topology.containers["worker-2"], addresses=(private,))
    clashing = topology.with_container(twin)
    finding = about(clashing, "address-unique")[0]

    fix = propose(clashing, finding)

    assert fix is not None
    assert check(clashing, fix.apply(clashing)) == []
    assert about(fix.apply(clashing), "address-unique") == []
