"""What roles require of the networks, and what reaches them from outside."""

from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from inventory.changes import (
    AttachNetwork,
    ChangeContainer,
    MoveNode,
    SetBalancer,
)
from inventory.rules import propose
from inventory.topology import AddressView, NetworkView, Topology
from tests.inventory.rules.networked import balancer, having, network_of, swap, without
from tests.inventory.rules.pictures import DDB, about, changed, cluster, outcome, with_idle


@pytest.mark.parametrize(
    ("role", "number"),
    [
        ("sql-master", "R37"),
        ("sql-slave", "R37"),
        (DDB, "R38"),
        ("elasticsearch", "R39"),
        ("web", "R40"),
        ("sip", "R42"),
        ("pbx", "R43"),
        ("infrastructure-controller", "R44"),
        ("worker", "R45"),
        ("queue", "R47"),
        ("unstructured-storage", "R47"),
    ],
)
def test_every_role_needs_the_private_network(role: str, number: str) -> None:
    topology = cluster(role)

    assert about(topology, "private-address-required") == []
    (finding,) = about(without(topology, f"{role}-1", "private"), "private-address-required")
    assert (finding.rule, outcome([finding])) == (number, "refuse")


@pytest.mark.parametrize(
    ("role", "number"), [("web", "R40"), ("sip", "R42"), ("pbx", "R43"), ("worker", "")]
)
def test_some_roles_need_the_public_network(role: str, number: str) -> None:
    topology = having(cluster(role), f"{role}-1", "public", "10.204.0.20")

    assert about(topology, "public-address-required") == []
    found = about(without(topology, f"{role}-1", "public"), "public-address-required")
    assert [f.rule for f in found] == ([number] if number else [])


@pytest.mark.parametrize("role", ["sql-master", "sql-slave", DDB, "elasticsearch", "worker"])
def test_storage_and_workers_are_not_exposed(role: str) -> None:
    """R46, R15; a single node is exempt (S3)."""
    topology = having(cluster(role), f"{role}-1", "public", "10.204.0.20")
    single = replace(topology, cluster=replace(topology.cluster, kind="single_node"))

    (finding,) = about(topology, "public-address-discouraged")
    assert (finding.rule, outcome([finding])) == ("R46", "warn")
    assert "discourage" in finding.source.text
    assert about(single, "public-address-discouraged") == []


def test_the_controller_is_told_when_a_public_address_is_needed() -> None:
    """R44."""
    name = "infrastructure-controller-1"
    topology = having(cluster("infrastructure-controller"), name, "public", "10.204.0.20")

    assert outcome(about(topology, "public-address-optional")) == "note"
    assert about(without(topology, name, "public"), "public-address-optional") == []


def test_nat_in_front_of_a_public_role_is_told() -> None:
    """R17: the flag and the address are separate."""
    topology = having(cluster("sip"), "sip-1", "public", "10.204.0.20")
    view = topology.container_of(topology.nodes["sip-1"])
    assert view

    assert about(topology, "behind-nat") == []
    translated = topology.with_container(replace(view, behind_nat=True))
    assert outcome(about(translated, "behind-nat")) == "note"


def test_a_public_only_machine_is_recorded_and_carries_no_role() -> None:
    """K1."""
    topology = with_idle(cluster("sip"), "spare")
    kept = tuple(a for a in topology.containers["spare"].addresses if a.network == "public")
    topology = topology.with_container(replace(topology.containers["spare"], addresses=kept))

    assert outcome(about(topology, "public-only")) == "note"
    moved = changed(topology, "private-address-required", MoveNode("sip-1", "spare"))
    assert outcome(moved) == "refuse"


def test_the_fix_for_a_missing_private_address_is_the_next_free_one() -> None:
    topology = without(cluster("worker", "worker"), "worker-1", "private")
    network = network_of(topology, "private")
    gateway = network.cidr.network_address + 1
    topology = swap(topology, replace(network, gateway=gateway))
    (finding,) = about(topology, "private-address-required")

    fix = propose(topology, finding)

    assert isinstance(fix, ChangeContainer)
    (address,) = (a for a in fix.container.addresses if a.network == network.name)
    assert address.ip == gateway + 1
    assert about(fix.apply(topology), "private-address-required") == []


def test_the_fix_for_a_missing_public_address_is_another_machine() -> None:
    topology = with_idle(without(cluster("sip"), "sip-1", "public"), "spare-04")
    (finding,) = about(topology, "public-address-required")

    assert propose(topology, finding) == MoveNode("sip-1", "spare-04")


@pytest.mark.parametrize(
    ("role", "platform", "text"),
    [
        ("sql-master", "voipnow", "required for administrative tasks by all roles"),
        ("web", "voipnow", "required for administrative tasks by all roles"),
        ("telephony", "ring2all", "Private network configured between all servers"),
    ],
)
def test_who_misses_the_private_address_reads_why_all_roles_need_it(
    role: str, platform: str, text: str
) -> None:
    """K1, R47, R152: the role's own sentences follow."""
    topology = without(cluster(role, platform=platform), f"{role}-1", "private")

    (finding,) = about(topology, "private-address-required")

    assert text in finding.source.text
    assert set(topology.role(role).networks.sources) <= set(finding.sources)


@pytest.mark.parametrize(("role", "is_balanced"), [("web", True), ("sip", False)])
def test_a_balancer_is_named_where_it_would_do(role: str, is_balanced: bool) -> None:
    """K5."""
    (finding,) = about(without(cluster(role), f"{role}-1", "public"), "public-address-required")

    assert ("put a balancer" in finding.message) is is_balanced


def test_many_machines_behind_nat_are_one_line() -> None:
    """R17."""
    topology = cluster(*["pbx"] * 7)
    for view in topology.containers.values():
        topology = topology.with_container(replace(view, behind_nat=True))

    (finding,) = about(topology, "behind-nat")

    assert finding.weight == 7
    assert "7 PBX nodes" in finding.message
    assert "pbx-6" not in finding.message


@pytest.mark.parametrize(
    ("role", "platform", "expected"),
    [
        ("telephony", "ring2all", "note"),
        ("database", "ring2all", "nothing"),
        ("worker", "voipnow", "nothing"),
    ],
)
def test_nat_matters_to_roles_that_customers_reach(role: str, platform: str, expected: str) -> None:
    """R17."""
    topology = cluster(role, platform=platform)
    view = topology.containers[f"{role}-1"]
    topology = topology.with_container(replace(view, behind_nat=True))

    assert outcome(about(topology, "behind-nat")) == expected


@pytest.mark.parametrize(
    ("role", "number"),
    [("admin", "R147"), ("load-balancer", "R147"), ("telephony", "R148"), ("database", None)],
)
def test_what_customers_use_can_be_reached(role: str, number: str | None) -> None:
    """R147-R151: external ports must be reachable; one node that is reached is enough."""
    topology = cluster(role, role, platform="ring2all")
    hidden = without(without(topology, f"{role}-1", "public"), f"{role}-2", "public")
    half = without(topology, f"{role}-1", "public")

    assert about(topology, "reachable") == about(half, "reachable") == []
    found = about(hidden, "reachable")
    assert [(f.rule, outcome([f])) for f in found] == ([(number, "warn")] if number else [])


def test_nat_a_balancer_or_balancing_nodes_lead_to_a_role() -> None:
    """R151, K5, K9."""
    topology = cluster("admin", "load-balancer", platform="ring2all")
    hidden = without(without(topology, "admin-1", "public"), "load-balancer-1", "public")
    front = replace(balancer(hidden), role="admin")
    view = hidden.containers["admin-1"]

    def hears(topology: Topology) -> list[str]:
        return [finding.role for finding in about(topology, "reachable")]

    assert hears(hidden) == ["admin", "load-balancer"]
    assert hears(without(topology, "admin-1", "public")) == []
    assert hears(hidden.with_container(replace(view, behind_nat=True))) == ["load-balancer"]
    assert hears(SetBalancer(front).apply(hidden)) == ["load-balancer"]
    assert hears(SetBalancer(replace(front, role="load-balancer")).apply(hidden)) == []


def test_an_exposed_node_moves_to_a_machine_that_the_public_does_not_reach() -> None:
    """R46: the machine that is public as well is passed over."""
    topology = with_idle(cluster("worker"), "a-public", "b-private")
    kept = tuple(a for a in topology.containers["b-private"].addresses if a.network == "private")
    hidden = topology.with_container(replace(topology.containers["b-private"], addresses=kept))
    (finding,) = about(hidden, "public-address-discouraged")

    assert propose(hidden, finding) == MoveNode("worker-1", "b-private")
    assert propose(hidden.without_container("b-private"), finding) is None


def test_the_address_is_given_in_the_network_that_most_machines_have() -> None:
    topology = without(cluster("worker", "worker"), "worker-1", "private")
    first = NetworkView(9, "a-backup", "private", ip_network("10.205.0.0/24"))
    topology = AttachNetwork(first).apply(topology)
    (finding,) = about(topology, "private-address-required")

    fix = propose(topology, finding)

    assert isinstance(fix, ChangeContainer)
    assert fix.container.addresses[-1].network == "private"


def test_without_a_free_address_an_idle_machine_is_used() -> None:
    """R50: the network has room for two machines, and has two."""
    topology = without(cluster("worker", "worker"), "worker-1", "private")
    topology = swap(
        topology, replace(network_of(topology, "private"), cidr=ip_network("10.203.0.0/30"))
    )
    topology = having(topology, "worker-2", "private", "10.203.0.1")
    last = AddressView("private", ip_address("10.203.0.2"))
    full = with_idle(topology, "spare-01", addresses=(last,))
    (finding,) = about(full, "private-address-required")

    assert propose(full, finding) == MoveNode("worker-1", "spare-01")
    assert isinstance(propose(topology, finding), ChangeContainer)
