"""Free addresses and the IP plan: room against what is planned, patterns, names, overlaps."""

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import ip_address, ip_network
from itertools import islice
from typing import Any

import pytest

from inventory.address_plan import address_plan
from inventory.addressing import free_addresses
from inventory.changes import AddContainer, AddNode, RemoveContainer, RoleChoice
from inventory.overlaps import Neighbour, overlaps
from inventory.rules import Severity
from inventory.topology import (
    AddressView,
    AssignmentView,
    BalancerView,
    NetworkView,
    NodeView,
    Topology,
)
from tests.factories import container_data
from tests.inventory.rules.pictures import about, cluster, outcome, with_extensions


def private(topology: Topology, cidr: str, **fields: Any) -> Topology:
    """Give the private network another range, gateway or kind."""
    network = replace(topology.networks["private"], cidr=ip_network(cidr), **fields)
    return replace(topology, networks={**topology.networks, "private": network})


def addressed(topology: Topology, *numbers: int) -> Topology:
    """Give the machines of a cluster the private addresses 10.203.0.NUMBER, in order."""
    for container, number in zip(tuple(topology.containers.values()), numbers, strict=True):
        ip = ip_address(f"10.203.0.{number}")
        kept = tuple(a for a in container.addresses if a.network != "private")
        view = replace(container, addresses=(AddressView("private", ip), *kept))
        topology = topology.with_container(view)
    return topology


def machines(count: int, cidr: str = "10.203.0.0/24", **fields: Any) -> Topology:
    """Picture so many machines that run nothing, from .10 on."""
    topology = cluster(platform="ring2all", **fields)
    views = (container_data(f"m{i}", private=f"10.203.0.{10 + i}") for i in range(count))
    return private(replace(topology, containers={view.name: view for view in views}), cidr)


def waiting(topology: Topology, *roles: str) -> Topology:
    """Add nodes that have no machine yet."""
    for number, role in enumerate(roles):
        node = NodeView(f"waiting-{number}", None, (AssignmentView(role),))
        topology = topology.with_node(node)
    return topology


def first(topology: Topology, count: int = 3) -> list[str]:
    """Return the first free private addresses."""
    return [str(ip) for ip in islice(free_addresses(topology, "private"), count)]


def test_the_lowest_free_addresses_come_first() -> None:
    topology = private(cluster(platform="ring2all"), "10.203.0.0/29")

    assert first(topology, 9) == [f"10.203.0.{number}" for number in range(1, 7)]


def test_the_gateway_and_what_anybody_has_are_not_free() -> None:
    topology = private(addressed(cluster("admin", platform="ring2all"), 2), "10.203.0.0/29")
    topology = private(topology, "10.203.0.0/29", gateway=ip_address("10.203.0.1"))
    front = BalancerView("front", "admin", "private", ip_address("10.203.0.3"))
    other = {("private", ip_address("10.203.0.4")): "container x"}

    assert first(replace(topology, balancers={"front": front}, taken=other)) == [
        "10.203.0.5",
        "10.203.0.6",
    ]


@pytest.mark.parametrize(
    ("cidr", "expected"),
    [
        ("10.203.0.0/30", ["10.203.0.1", "10.203.0.2"]),
        ("10.203.0.0/31", ["10.203.0.0", "10.203.0.1"]),
        ("10.203.0.7/32", ["10.203.0.7"]),
        ("fd00::/64", ["fd00::1", "fd00::2", "fd00::3"]),
        ("fd00::/8", ["fd00::1", "fd00::2", "fd00::3"]),
    ],
)
def test_only_addresses_for_hosts_are_free(cidr: str, expected: list[str]) -> None:
    """R50: neither the network's own nor the broadcast address."""
    assert first(private(cluster(platform="ring2all"), cidr)) == expected


def test_a_network_without_a_free_address_yields_none() -> None:
    assert first(machines(2, "10.203.0.10/31")) == []


def kind(topology: Topology, wanted: str = "private", **growth: int) -> tuple[int, int, int, int]:
    """Return what is free, missing, planned and short for networks of a kind."""
    plan = next(k for k in address_plan(topology, growth=growth).kinds if k.kind == wanted)
    return plan.free, plan.missing, plan.growth, plan.short


def test_a_network_is_counted_with_gateway_and_what_others_have() -> None:
    topology = private(machines(3), "10.203.0.0/24", gateway=ip_address("10.203.0.1"))
    other = {("private", ip_address("10.203.0.4")): "container x"}

    plan = address_plan(replace(topology, taken=other)).networks[0]

    assert (plan.network.name, plan.size, plan.used, plan.taken) == ("private", 253, 3, 1)
    assert plan.free == 249
    assert [str(ip) for ip in plan.next_free] == ["10.203.0.2", "10.203.0.3", "10.203.0.5"]


@pytest.mark.parametrize(("planned", "short"), [(0, 0), (3, 0), (4, 1)])
def test_planned_growth_is_held_against_free_addresses(planned: int, short: int) -> None:
    """R50: the last number of nodes that fits, and the first that does not."""
    topology = machines(3, "10.203.0.8/29")

    assert kind(topology, telephony=planned) == (3, 0, planned, short)
    assert address_plan(topology, growth={"telephony": planned}).fits is (short == 0)


def test_nodes_without_a_machine_or_address_wait_for_one() -> None:
    topology = cluster("telephony", "telephony", "admin", platform="ring2all")
    nodes = dict(topology.nodes)
    nodes["telephony-1"] = replace(nodes["telephony-1"], container=None)
    view = topology.containers["telephony-2"]
    topology = replace(topology, nodes=nodes).with_container(replace(view, addresses=()))

    assert kind(topology)[1] == 2
    assert kind(topology, "public")[1] == 0, "Ring2All requires no public addresses"


def test_roles_that_need_public_addresses_are_planned_with_them() -> None:
    topology = cluster("sip", "web")
    front = BalancerView("front", "web", "public", ip_address("10.204.0.9"))
    balanced = replace(topology, balancers={"front": front})

    assert kind(topology, "public", sip=2, web=3, worker=4)[2] == 5
    assert kind(balanced, "public", sip=2, web=3, worker=4)[2] == 2, "K5: the balancer has one"


def test_an_unknown_role_cannot_be_planned() -> None:
    with pytest.raises(KeyError):
        address_plan(cluster(), growth={"teleport": 1})


@pytest.mark.parametrize(
    ("numbers", "growth", "beyond"),
    [
        ((51,), 8, 0),
        ((51,), 9, 1),
        ((51, 52), 18, 11),
        ((51, 60), 18, 0),
        ((), 9, 0),
        ((), 10, 1),
    ],
)
def test_the_vendors_pattern_ends_at_the_ninth_server(
    numbers: tuple[int, ...], growth: int, beyond: int
) -> None:
    """K14: an error in the plan, unless the addresses are numbered otherwise already."""
    topology = addressed(cluster(*["telephony"] * len(numbers), platform="ring2all"), *numbers)

    plan = address_plan(topology, growth={"telephony": growth})

    (role,) = (r for r in plan.roles if r.role.key == "telephony")
    assert role.beyond == beyond
    assert plan.fits is (beyond == 0)


@pytest.mark.parametrize(
    ("numbers", "extensions", "expected"),
    [
        (range(51, 60), 0, "nothing"),
        (range(51, 54), 80_000, "nothing"),
        (range(51, 54), 80_001, "error"),
        ((51, 52, 60), 80_001, "nothing"),
        ((), 80_001, "nothing"),
    ],
)
def test_a_tenth_server_has_no_number_in_the_vendors_pattern(
    numbers: tuple[int, ...], extensions: int, expected: str
) -> None:
    """K14: eight servers for 80,000 extensions and one in reserve are nine."""
    topology = addressed(cluster(*["telephony"] * len(numbers), platform="ring2all"), *numbers)
    topology = with_extensions(topology, extensions) if extensions else topology

    assert outcome(about(topology, "address-pattern")) == expected


def test_nodes_beyond_the_pattern_are_named() -> None:
    """K14: three databases at .31 to .33, the next number is a file server's."""
    nodes = addressed(cluster(*["database"] * 3, platform="ring2all"), 31, 32, 33)

    (found,) = about(waiting(nodes, "database"), "address-pattern")

    assert about(nodes, "address-pattern") == []
    assert (found.rule, found.severity, found.weight) == ("K14", Severity.ERROR, 1)
    assert "needs addresses for 4 nodes, but the vendor's pattern, .31 to .33" in found.message


def test_a_server_outside_the_pattern_ends_the_finding() -> None:
    topology = addressed(cluster(*["telephony"] * 9, platform="ring2all"), *range(51, 60))
    machine = container_data("tele-10", private="10.203.0.151")
    topology = AddContainer(machine).apply(topology)

    topology = AddNode("tele-10", "tele-10", (RoleChoice("telephony"),)).apply(topology)

    assert about(topology, "address-pattern") == []


@pytest.mark.parametrize(("count", "expected"), [(11, "nothing"), (12, "warn"), (14, "warn")])
def test_a_private_network_that_is_nearly_full_is_named(count: int, expected: str) -> None:
    """R50: of fourteen addresses three are 21 percent, two are 14."""
    topology = machines(count, "10.203.0.0/28")

    assert outcome(about(topology, "room-for-growth")) == expected


@pytest.mark.parametrize(("nodes", "expected"), [(11, "nothing"), (12, "warn")])
def test_a_private_network_smaller_than_what_waits_is_named(nodes: int, expected: str) -> None:
    """R50."""
    topology = machines(3, "10.203.0.0/28")
    topology = waiting(topology, *["telephony"] * nodes)

    found = about(topology, "room-for-growth")

    assert outcome(found) == expected
    if found:
        assert "has 11 of 14 addresses free, and 12 machines still need one" in found[0].message


def test_room_is_told_where_a_provider_gives_addresses() -> None:
    """R52: with an IaaS provider addressing is automatic."""
    topology = machines(13, "10.203.0.0/28", infrastructure="cloud")

    assert outcome(about(topology, "room-for-growth")) == "note"


def test_a_machine_that_goes_leaves_room() -> None:
    topology = machines(12, "10.203.0.0/28")

    assert about(RemoveContainer("m0", to_pool=False).apply(topology), "room-for-growth") == []


@pytest.mark.parametrize(
    ("name", "is_odd"),
    [
        ("", False),
        ("admin-1", False),
        ("ADMIN-1.internal", False),
        ("dash.internal", True),
        ("admin-11.internal", True),
    ],
)
def test_a_private_name_that_is_not_the_machines_is_named(name: str, is_odd: bool) -> None:
    """R49, R153."""
    topology = cluster("admin", platform="ring2all")
    view = topology.containers["admin-1"]
    named = tuple(replace(a, name=name) for a in view.addresses if a.network == "private")
    topology = topology.with_container(replace(view, addresses=named))

    assert bool(address_plan(topology).odd_names) is is_odd


PLACES: Mapping[str, str | None] = {"private": "Berlin", "public": "Berlin"}


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (Neighbour("a", "private", ip_network("10.203.0.0/24"), "Paris"), Severity.INFO),
        (Neighbour("a", "private", ip_network("10.203.0.0/24"), None), Severity.INFO),
        (Neighbour("a", "private", ip_network("10.0.0.0/8"), "Berlin"), Severity.WARNING),
        (Neighbour("a", "public", ip_network("10.204.0.0/24"), "Paris"), Severity.WARNING),
        (Neighbour("a", "private", ip_network("10.205.0.0/24"), "Berlin"), None),
        (Neighbour("a", "private", ip_network("fd00::/8"), "Berlin"), None),
    ],
)
def test_the_same_range_matters_where_machines_can_meet(
    other: Neighbour, expected: Severity | None
) -> None:
    topology = cluster(platform="ring2all")

    found = overlaps(topology, [other], PLACES)

    assert {overlap.severity for overlap in found} == ({expected} if expected else set())


def test_what_matters_comes_first() -> None:
    harmless = Neighbour("a", "private", ip_network("10.203.0.0/24"), "Paris")
    serious = Neighbour("b", "private", ip_network("10.203.0.0/24"), "Berlin")

    found = overlaps(cluster(platform="ring2all"), [harmless, serious], PLACES)

    assert [overlap.other.name for overlap in found] == ["b", "a"]
    assert isinstance(found[0].network, NetworkView)
