"""Addresses of machines and balancers: inside their network, and used once."""

from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from inventory.changes import (
    AddContainer,
    AttachNetwork,
    ChangeContainer,
    SetBalancer,
)
from inventory.rules import check, propose
from inventory.topology import AddressView, NetworkView
from tests.inventory.rules.networked import WEB, balanced, balancer, having, network_of, swap
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


def test_only_the_address_that_clashes_is_changed() -> None:
    """R50: a machine may have two addresses in one network."""
    topology = cluster("worker", "worker")
    (private, *_) = topology.containers["worker-1"].addresses
    own = AddressView(private.network, private.ip + 100)
    twin = replace(topology.containers["worker-2"], addresses=(own, private))
    topology = topology.with_container(twin)
    finding = next(f for f in about(topology, "address-unique") if f.subject_name == "worker-2")

    fix = propose(topology, finding)

    assert isinstance(fix, ChangeContainer)
    assert fix.container.addresses[0] == own
    assert fix.container.addresses[1].ip not in (own.ip, private.ip)


def test_a_machine_that_has_the_gateways_address_gets_another() -> None:
    """R50: the router came later."""
    topology = cluster("worker")
    (private, *_) = topology.containers["worker-1"].addresses
    network = replace(network_of(topology, "private"), gateway=private.ip)

    (finding,) = changed(topology, "address-inside-network", AttachNetwork(network))
    fix = propose(swap(topology, network), finding)

    assert outcome([finding]) == "refuse"
    assert isinstance(fix, ChangeContainer)
    assert fix.container.addresses[0].ip != private.ip


@pytest.mark.parametrize(
    ("ip", "key"),
    [
        ("10.204.0.0", "balancer-inside-network"),
        ("10.205.0.7", "balancer-inside-network"),
        ("10.204.0.33", "balancer-address-unique"),
        ("10.204.0.34", ""),
    ],
)
def test_a_balancers_address_is_judged_and_mended_like_a_machines(ip: str, key: str) -> None:
    topology = having(cluster("web"), WEB, "public", "10.204.0.33")
    topology = balanced(topology, health_based=True)
    front = replace(topology.balancers["front"], ip=ip_address(ip))
    topology = SetBalancer(front).apply(topology)

    keys = ("balancer-inside-network", "balancer-address-unique")
    found = [finding for one in keys for finding in about(topology, one)]

    assert [finding.key for finding in found] == ([key] if key else [])
    for finding in found:
        fix = propose(topology, finding)
        assert isinstance(fix, SetBalancer)
        assert about(fix.apply(topology), key) == []


def test_an_address_of_a_network_that_the_cluster_does_not_use_is_refused() -> None:
    topology = cluster("worker")
    stray = AddressView("elsewhere", ip_address("10.9.0.9"))
    view = topology.containers["worker-1"]
    topology = topology.with_container(replace(view, addresses=(*view.addresses, stray)))

    (finding,) = about(topology, "address-inside-network")

    assert outcome([finding]) == "refuse"
    assert "not a network of this cluster" in finding.message
    assert propose(topology, finding) is None
