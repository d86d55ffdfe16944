"""Names of machines in the networks."""

from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from inventory.changes import (
    AttachNetwork,
)
from inventory.rules import Severity
from inventory.topology import AddressView, NetworkView
from tests.inventory.rules.networked import balanced, having, without
from tests.inventory.rules.pictures import about, cluster, outcome


@pytest.mark.parametrize(("kind", "number"), [("private", "R49"), ("public", "R51")])
def test_addresses_have_names_and_in_a_cloud_that_is_only_told(kind: str, number: str) -> None:
    """R49, R51, R52: one finding for a network, however many machines it has."""
    topology = cluster("sip", "sip", "sip")
    for index in range(1, 4):
        topology = having(topology, f"sip-{index}", "public", f"10.204.0.{index + 20}")
    in_cloud = replace(topology, cluster=replace(topology.cluster, infrastructure="cloud"))

    (finding,) = about(topology, f"{kind}-names")
    (told,) = about(in_cloud, f"{kind}-names")

    assert (finding.rule, finding.weight, outcome([finding])) == (number, 3, "warn")
    assert told.severity is Severity.INFO


def test_a_named_machine_is_not_asked_for_a_name() -> None:
    topology = having(cluster("worker"), "worker-1", "private", "10.203.0.9", "w.internal")

    assert about(topology, "private-names") == []


@pytest.mark.parametrize(
    ("second", "expected"), [("b.internal", "nothing"), ("A.internal", "warn")]
)
def test_a_private_name_belongs_to_one_machine(second: str, expected: str) -> None:
    topology = having(
        cluster("worker", "worker"), "worker-1", "private", "10.203.0.8", "a.internal"
    )
    topology = having(topology, "worker-2", "private", "10.203.0.9", second)

    assert outcome(about(topology, "names-unique")) == expected


def test_one_machine_may_have_one_name_for_all_its_private_addresses() -> None:
    """R49: in two networks, and twice in one."""
    topology = having(cluster("worker"), "worker-1", "private", "10.203.0.8", "w.internal")
    other = NetworkView(9, "storage", "private", ip_network("10.205.0.0/24"))
    view = topology.containers["worker-1"]
    more = (
        AddressView("private", ip_address("10.203.0.9"), "w.internal"),
        AddressView("storage", ip_address("10.205.0.9"), "w.internal"),
    )
    topology = AttachNetwork(other).apply(topology)
    topology = topology.with_container(replace(view, addresses=(*view.addresses, *more)))

    assert about(topology, "names-unique") == []


def test_a_name_is_one_machines_across_private_networks() -> None:
    """R49, R153."""
    topology = having(
        cluster("worker", "worker"), "worker-1", "private", "10.203.0.8", "w.internal"
    )
    other = NetworkView(9, "storage", "private", ip_network("10.205.0.0/24"))
    view = topology.containers["worker-2"]
    address = AddressView("storage", ip_address("10.205.0.9"), "w.internal")
    topology = AttachNetwork(other).apply(topology)
    topology = topology.with_container(replace(view, addresses=(*view.addresses, address)))

    (finding,) = about(topology, "names-unique")

    assert finding.message.startswith("Name w.internal belongs to worker-1 and worker-2")


@pytest.mark.parametrize(
    ("dns_name", "kind", "expected"),
    [
        ("w.internal", "private", "warn"),
        ("front.internal", "private", "nothing"),
        ("w.internal", "public", "nothing"),
    ],
)
def test_a_balancer_has_a_name_of_its_own(dns_name: str, kind: str, expected: str) -> None:
    """R49."""
    topology = having(cluster("web"), "web-1", "private", "10.203.0.8", "w.internal")
    topology = balanced(topology, kind=kind, dns_name=dns_name)

    assert outcome(about(topology, "names-unique")) == expected


@pytest.mark.parametrize(("dns_name", "expected"), [("", "warn"), ("www.example.org", "nothing")])
def test_a_balancer_has_a_name_that_customers_connect_to(dns_name: str, expected: str) -> None:
    """R51."""
    topology = without(cluster("web"), "web-1", "public")

    assert outcome(about(balanced(topology, dns_name=dns_name), "public-names")) == expected


def test_many_machines_without_names_are_one_line() -> None:
    """R49."""
    topology = cluster(*["worker"] * 40)

    (finding,) = about(topology, "private-names")

    assert finding.weight == 40
    assert finding.message.count("worker-") == 5
