"""What the rules allow and refuse: for each the last allowed and the first refused case."""

from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from inventory.changes import AddNode, RoleChoice
from inventory.rules import RULES, Blocks, Severity, check, findings, propose
from inventory.topology import AddressView, BalancerView, NetworkView, Topology
from tests.factories import container_data, make_topology


def found(topology: Topology, key: str) -> list[str]:
    """Return the requirement numbers with which a rule speaks up."""
    return [finding.rule for finding in findings(topology) if finding.key == key]


def databases(count: int) -> Topology:
    """Picture a Ring2All cluster of so many database nodes."""
    return make_topology(*((f"pg-node-{n:02}", "database") for n in range(1, count + 1)))


def voipnow(*roles: str, **fields: object) -> Topology:
    """Picture a VoipNow cluster with one node for each role given."""
    nodes = ((f"{role}-{n}", role) for n, role in enumerate(roles))
    return make_topology(*nodes, platform="voipnow", **fields)  # type: ignore[arg-type]


def without_address(topology: Topology, container: str, network: str) -> Topology:
    """Take a container's address in a network away."""
    view = topology.containers[container]
    kept = tuple(address for address in view.addresses if address.network != network)
    return topology.with_container(replace(view, addresses=kept), was=container)


def test_a_sound_database_cluster_has_no_errors() -> None:
    topology = databases(3)

    assert [f for f in findings(topology) if f.severity is Severity.ERROR] == []


def test_every_rule_names_a_source_and_a_requirement() -> None:
    for rule in RULES.values():
        assert rule.source.document
        assert rule.source.text
        assert rule.requirement[0] in "RKSV"


@pytest.mark.parametrize(
    ("role", "rule"),
    [
        ("sql-master", "R37"),
        ("distributed-database", "R38"),
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
def test_a_role_needs_a_private_address(role: str, rule: str) -> None:
    topology = voipnow(role)

    assert found(topology, "private-address-required") == []
    assert found(without_address(topology, f"{role}-0", "private"), "private-address-required") == [
        rule
    ]


@pytest.mark.parametrize(("role", "rule"), [("web", "R40"), ("sip", "R42"), ("pbx", "R43")])
def test_a_customer_facing_role_needs_a_public_address(role: str, rule: str) -> None:
    topology = voipnow(role)

    assert found(topology, "public-address-required") == []
    assert found(without_address(topology, f"{role}-0", "public"), "public-address-required") == [
        rule
    ]


def test_web_without_a_public_address_is_fine_behind_a_public_balancer() -> None:
    topology = without_address(voipnow("web"), "web-0", "public")
    balancer = BalancerView("front", "web", "public", ip_address("10.204.9.9"))

    behind = replace(topology, balancers={"front": balancer})

    assert found(behind, "public-address-required") == []


def test_sql_in_public_is_discouraged_but_not_on_a_single_node() -> None:
    assert found(voipnow("sql-master"), "public-address-discouraged") == ["R46"]
    assert found(voipnow("sql-master", kind="single_node"), "public-address-discouraged") == []


@pytest.mark.parametrize(
    ("role", "last", "rule"), [("sql-master", 1, "R79"), ("sql-slave", 4, "R80")]
)
def test_no_more_nodes_than_the_vendor_allows(role: str, last: int, rule: str) -> None:
    assert found(voipnow(*[role] * last), "count-maximum") == []
    assert found(voipnow(*[role] * (last + 1)), "count-maximum") == [rule]


def test_the_distributed_database_has_at_most_128_nodes() -> None:
    assert found(voipnow(*["distributed-database"] * 128), "count-maximum") == []
    assert found(voipnow(*["distributed-database"] * 129), "count-maximum") == ["R81"]


def test_too_few_nodes_hold_a_run_back_and_no_save() -> None:
    finding = next(f for f in findings(databases(2)) if f.key == "count-minimum")

    assert finding.blocks is Blocks.RUN
    assert finding.role == "database"
    assert found(databases(3), "count-minimum") == []


def test_etcd_has_an_odd_number_of_members() -> None:
    assert found(databases(3), "odd-members") == []
    assert found(databases(4), "odd-members") == ["R132"]
    assert found(databases(5), "odd-members") == []


def test_the_fix_for_an_even_number_puts_a_node_on_an_idle_container() -> None:
    idle = container_data("pg-node-09", private="10.203.0.99")
    topology = databases(4)
    topology = replace(topology, containers={**topology.containers, idle.name: idle})

    finding = next(f for f in findings(topology) if f.key == "odd-members")

    fix = propose(topology, finding)

    assert fix == AddNode("pg-node-09", "pg-node-09", (RoleChoice("database"),))
    assert found(fix.apply(topology), "odd-members") == []


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("10.203.0.1", True),
        ("10.203.0.254", True),
        ("10.203.0.0", False),
        ("10.203.0.255", False),
        ("10.202.255.255", False),
        ("192.168.1.1", False),
    ],
)
def test_an_address_is_a_host_address_of_its_network(address: str, *, allowed: bool) -> None:
    topology = databases(1)
    view = topology.containers["pg-node-01"]
    network = NetworkView(1, "private", "private", ip_network("10.203.0.0/24"))
    moved = replace(view, addresses=(AddressView("private", ip_address(address)),))
    topology = replace(topology, networks={"private": network}).with_container(moved)

    assert found(topology, "address-inside-network") == ([] if allowed else ["R5"])


def test_an_address_is_used_once() -> None:
    topology = databases(3)
    first = topology.containers["pg-node-01"]
    (private, *_) = first.addresses
    twin = replace(topology.containers["pg-node-02"], addresses=(private,))

    both = findings(topology.with_container(twin))

    duplicates = [f for f in both if f.key == "address-unique"]
    assert [f.subject for f in duplicates] == ["container:pg-node-01", "container:pg-node-02"]
    assert "pg-node-01 and pg-node-02" in duplicates[0].message


@pytest.mark.parametrize(("version", "allowed"), [("13", True), ("12", False), ("14", False)])
def test_ring2all_runs_on_debian_13_only(version: str, *, allowed: bool) -> None:
    topology = databases(3)
    view = replace(topology.containers["pg-node-01"], os_version=version)

    rules = found(topology.with_container(view), "operating-system-supported")

    assert rules == ([] if allowed else ["R156"])


@pytest.mark.parametrize(
    ("fields", "allowed"),
    [
        ({}, True),
        ({"vcpus": 3}, False),
        ({"memory_mib": 16383}, False),
        ({"disk_gib": 465}, True),
        ({"disk_gib": 464}, False),
        ({"disk_kind": "nvme"}, True),
    ],
)
def test_a_database_machine_has_the_vendors_hardware(
    fields: dict[str, object], *, allowed: bool
) -> None:
    topology = databases(3).with_container(
        container_data("pg-node-01", private="10.203.0.99", **fields)  # type: ignore[arg-type]
    )

    assert len(found(topology, "hardware-minimum")) == (0 if allowed else 1)


def test_a_machine_without_login_or_host_key_holds_runs_back() -> None:
    topology = databases(3)
    view = replace(topology.containers["pg-node-01"], credential=None, host_key="")

    blocking = [f for f in findings(topology.with_container(view)) if f.key == "login-ready"]

    assert found(topology, "login-ready") == []
    assert [(f.rule, f.blocks) for f in blocking] == [("S8", Blocks.RUN)]
    assert "choose a login and confirm its host key" in blocking[0].message


def test_elasticsearch_is_gone_from_voipnow_5_7() -> None:
    topology = voipnow("elasticsearch")
    newer = replace(topology, release=topology.platform.release("5.7"))

    assert found(topology, "role-in-release") == []
    assert len(found(newer, "role-in-release")) == 1


def test_a_change_is_not_blamed_for_what_was_there_before() -> None:
    broken = without_address(databases(3), "pg-node-01", "private")
    machine = container_data("pg-node-04", private="10.203.0.99")
    before = replace(broken, containers={**broken.containers, machine.name: machine})

    after = AddNode("pg-node-04", "pg-node-04", (RoleChoice("database"),)).apply(before)

    assert "private-address-required" not in {f.key for f in check(before, after)}
    assert "odd-members" in {f.key for f in check(before, after)}


def test_a_change_that_makes_something_worse_is_told_so() -> None:
    five, six = (voipnow(*["sql-slave"] * count) for count in (5, 6))

    assert "count-maximum" in {f.key for f in check(five, six)}
    assert "count-maximum" not in {f.key for f in check(six, five)}


def test_the_order_of_nodes_does_not_matter() -> None:
    topology = voipnow("sql-master", "sip", "web", *["sql-slave"] * 5)
    reversed_nodes = dict(list(topology.nodes.items())[::-1])

    assert findings(topology) == findings(replace(topology, nodes=reversed_nodes))
