"""Availability groups: each node has one, groups are alike, and what a quorum survives."""

from dataclasses import replace

import pytest

from inventory.changes import AddNode, ChangeNode, RoleChoice
from inventory.rules import Severity, check, findings, propose
from inventory.rules.quorum import survivable
from inventory.topology import GroupView, Topology
from tests.inventory.rules.pictures import (
    DDB,
    about,
    changed,
    cluster,
    grouped,
    in_groups,
    outcome,
    provisioned,
    with_idle,
)

GROUP_RULES = {
    "group-required",
    "groups-equal",
    "groups-several",
    "group-redundant",
    "group-size",
    "groups-number",
    "quorum-readings",
}


def many_groups(count: int) -> Topology:
    """Picture so many groups of one node."""
    topology = cluster(*[DDB] * count)
    return grouped(topology, {name: f"g{n:03}" for n, name in enumerate(topology.nodes)})


def test_a_database_node_joins_a_group() -> None:
    topology = with_idle(in_groups(A=1), "spare")
    without = AddNode("spare", "spare", (RoleChoice(DDB),))
    within = AddNode("spare", "spare", (RoleChoice(DDB, "A"),))

    (finding,) = changed(topology, "group-required", without)

    assert (finding.rule, finding.refuses_save) == ("R104", True)
    assert "must join an Availability Group" in finding.source.text
    assert changed(topology, "group-required", within) == []


@pytest.mark.parametrize("role", ["sip", "elasticsearch", "sql-master"])
def test_other_roles_have_no_groups(role: str) -> None:
    assert {f.key for f in findings(cluster(role, role))}.isdisjoint(GROUP_RULES)


def test_a_single_node_has_nobody_to_group_with() -> None:
    alone = grouped(cluster(DDB, kind="single_node"), {f"{DDB}-1": None})

    assert {f.key for f in findings(alone)}.isdisjoint(GROUP_RULES)


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ({"A": 3}, "nothing"),
        ({"A": 2, "B": 2}, "nothing"),
        ({"A": 2, "B": 3}, "ask"),
        ({"A": 3, "B": 3, "C": 3}, "nothing"),
        ({"A": 3, "B": 3, "C": 2}, "ask"),
    ],
)
def test_groups_have_equal_numbers_of_nodes(sizes: dict[str, int], expected: str) -> None:
    assert outcome(about(in_groups(**sizes), "groups-equal")) == expected


def test_unequal_groups_are_told_by_size() -> None:
    (finding,) = about(in_groups(A=4, B=2, C=3), "groups-equal")

    assert finding.rule == "R105"
    assert "A 4, B 2, C 3" in finding.message
    assert "Add nodes to B" in finding.message


def test_a_group_without_nodes_is_no_group() -> None:
    emptied = replace(in_groups(A=2, B=2), groups=(GroupView(DDB, "C"),))

    assert about(emptied, "groups-equal") == []


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [({"A": 3}, "nothing"), ({"A": 4}, "warn"), ({"A": 2, "B": 2}, "nothing")],
)
def test_nodes_enough_for_two_groups_are_spread(sizes: dict[str, int], expected: str) -> None:
    assert outcome(about(in_groups(**sizes), "groups-several")) == expected


@pytest.mark.parametrize(
    ("size", "redundant", "large"),
    [
        (1, "ask", "nothing"),
        (2, "nothing", "nothing"),
        (4, "nothing", "nothing"),
        (5, "nothing", "warn"),
    ],
)
def test_a_group_has_two_to_four_nodes(size: int, redundant: str, large: str) -> None:
    topology = in_groups(A=size)

    assert outcome(about(topology, "group-redundant")) == redundant
    assert outcome(about(topology, "group-size")) == large


def test_every_small_or_large_group_is_told_apart() -> None:
    topology = in_groups(A=1, B=5, C=1, D=6)

    small, large = about(topology, "group-redundant"), about(topology, "group-size")

    assert [f.subject for f in small] == ["group:A", "group:C"]
    assert [(f.subject, f.weight) for f in large] == [("group:B", 1), ("group:D", 2)]
    assert {f.rule for f in small} == {"R106"}
    assert {f.rule for f in large} == {"R107"}


@pytest.mark.parametrize(("count", "expected"), [(64, "nothing"), (65, "warn")])
def test_there_are_sixty_four_groups_at_most(count: int, expected: str) -> None:
    found = about(many_groups(count), "groups-number")

    assert outcome(found) == expected
    assert all(f.rule == "R109" and "make 32 to 64" in f.message for f in found)


@pytest.mark.parametrize(
    ("sizes", "numbers"),
    [
        ({"A": 1}, (0, 0)),
        ({"A": 2}, (0, 0)),
        ({"A": 3}, None),
        ({"A": 5}, None),
        ({"A": 4}, (1, 1)),
        ({"A": 2, "B": 2}, (1, 0)),
        ({"A": 3, "B": 3, "C": 3}, (4, 1)),
    ],
)
def test_losses_survived_are_shown_under_both_readings(
    sizes: dict[str, int], numbers: tuple[int, int] | None
) -> None:
    found = about(in_groups(**sizes), "quorum-readings")

    assert [(f.params["per_ring"], f.params["per_group"]) for f in found] == (
        [numbers] if numbers else []
    )
    assert all(f.severity is Severity.WARNING and f.rule == "K15" for f in found)


@pytest.mark.parametrize(
    ("votes", "losses"), [(0, 0), (1, 0), (2, 0), (3, 1), (4, 1), (5, 2), (128, 63)]
)
def test_a_majority_of_two_is_two(votes: int, losses: int) -> None:
    assert survivable(votes) == losses


def test_the_fix_for_a_node_without_group_is_the_smallest_group() -> None:
    topology = grouped(in_groups(A=3, B=1), {f"{DDB}-1": None})
    (finding,) = about(topology, "group-required")

    fix = propose(topology, finding)

    assert fix == ChangeNode(f"{DDB}-1", f"{DDB}-1", (RoleChoice(DDB, "B"),))


def test_the_first_node_without_group_founds_one() -> None:
    topology = grouped(in_groups(A=1), {f"{DDB}-1": None})
    (finding,) = about(topology, "group-required")

    fix = propose(topology, finding)

    assert isinstance(fix, ChangeNode)
    assert fix.roles == (RoleChoice(DDB, "A"),)


def test_the_fix_for_unequal_groups_adds_a_node_to_the_smallest() -> None:
    topology = with_idle(in_groups(A=3, B=2), "spare")
    (finding,) = about(topology, "groups-equal")

    fix = propose(topology, finding)

    assert fix == AddNode("spare", "spare", (RoleChoice(DDB, "B"),))
    assert fix.summary == "Add node spare (distributed-database in B) on spare"


def test_a_planned_node_moves_where_that_evens_groups_out() -> None:
    topology = with_idle(in_groups(A=3, B=1), "spare")

    for finding in (about(topology, "groups-equal")[0], about(topology, "group-redundant")[0]):
        fix = propose(topology, finding)
        assert fix == ChangeNode(f"{DDB}-3", f"{DDB}-3", (RoleChoice(DDB, "B"),))


def test_an_installed_node_stays_in_its_group() -> None:
    topology = with_idle(provisioned(in_groups(A=3, B=1)), "spare")
    (finding,) = about(topology, "groups-equal")

    assert isinstance(propose(topology, finding), AddNode)


def test_a_live_cluster_is_offered_no_further_database_node() -> None:
    topology = in_groups(A=3, B=2)
    live = with_idle(cluster(*[DDB] * 5, state="live"), "spare")
    live = grouped(live, {n: node.assignments[0].group for n, node in topology.nodes.items()})
    live = provisioned(live)
    (finding,) = about(live, "groups-equal")

    assert propose(live, finding) is None


def test_a_large_group_gives_a_planned_node_to_the_smallest() -> None:
    topology = in_groups(A=5, B=3)
    (finding,) = about(topology, "group-size")

    fix = propose(topology, finding)

    assert fix == ChangeNode(f"{DDB}-5", f"{DDB}-5", (RoleChoice(DDB, "B"),))
    full = in_groups(A=5, B=4)
    assert propose(full, about(full, "group-size")[0]) is None


def test_groups_are_filled_by_turns_when_several_nodes_are_missing() -> None:
    topology = with_idle(cluster(), "a", "b", "c")
    missing = next(f for f in about(topology, "role-missing") if f.role == DDB)
    one = propose(topology, missing)
    assert one is not None
    started = one.apply(topology)

    (finding,) = about(started, "count-recommended")
    fix = propose(started, finding)

    assert fix is not None
    assert len(fix.apply(started).nodes_with(DDB)) == 3


def test_building_a_database_one_save_at_a_time_is_never_refused() -> None:
    names = [f"ddb-{n}" for n in range(1, 10)]
    topology = with_idle(cluster(), *names)

    for number, name in enumerate(names):
        after = AddNode(name, name, (RoleChoice(DDB, "ABC"[number % 3]),)).apply(topology)
        assert [f.key for f in check(topology, after) if f.refuses_save] == []
        topology = after

    assert about(topology, "groups-equal") == []
