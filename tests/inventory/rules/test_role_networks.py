"""What roles require of the networks, and what reaches them from outside."""

from dataclasses import replace

import pytest

from inventory.changes import (
    ChangeContainer,
    MoveNode,
)
from inventory.rules import propose
from tests.inventory.rules.networked import (
    having,
    network_of,
    swap,
    without,
)
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
