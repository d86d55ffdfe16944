"""What shares a machine: one role a node, roles kept apart, and clusters of a single node."""

from dataclasses import replace

import pytest

from inventory.changes import AddNode, ChangeCluster, MoveNode, RoleChoice
from inventory.rules import propose
from inventory.topology import AssignmentView, Topology
from tests.inventory.rules.pictures import (
    DDB,
    about,
    changed,
    cluster,
    outcome,
    with_extensions,
    with_idle,
)


def one_node(*roles: str, platform: str = "voipnow", **fields: object) -> Topology:
    """Picture a node with several roles."""
    topology = cluster(roles[0], platform=platform, **fields)
    node = topology.nodes[f"{roles[0]}-1"]
    groups = {DDB: "A"}
    assignments = tuple(AssignmentView(role, groups.get(role)) for role in roles)
    return topology.with_node(replace(node, assignments=assignments))


def one_machine(first: str, second: str) -> Topology:
    """Picture two nodes on one machine, and the idle one of the second."""
    topology = cluster(first, second)
    node = topology.nodes[f"{second}-1"]
    return topology.with_node(replace(node, container=f"{first}-1"))


@pytest.mark.parametrize(
    ("roles", "kind", "expected"),
    [
        (("web",), "distributed", "nothing"),
        (("web", "worker"), "distributed", "warn"),
        (("web", "worker", "sip"), "distributed", "warn"),
        (("web", "worker", "sip"), "single_node", "nothing"),
    ],
)
def test_a_node_of_a_distributed_cluster_has_one_role(
    roles: tuple[str, ...], kind: str, expected: str
) -> None:
    assert outcome(about(one_node(*roles, kind=kind), "one-role-per-node")) == expected


def test_merged_roles_need_the_highest_classes_and_add_up() -> None:
    (finding,) = about(one_node("elasticsearch", "web"), "one-role-per-node")

    assert "a private and a public address" in finding.message
    assert "CPU high, memory high, I/O moderate at least, and their use adds up" in finding.message


def test_merged_roles_need_the_sum_of_minima() -> None:
    (finding,) = about(one_node("database", "admin", platform="ring2all"), "one-role-per-node")

    assert "8 vCPU, 24 GiB memory and 511 GiB disk" in finding.message


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("sql-master", DDB, "ask"),
        (DDB, "sql-master", "ask"),
        ("sql-slave", DDB, "nothing"),
        ("sql-master", "web", "nothing"),
    ],
)
def test_sql_master_and_distributed_database_are_kept_apart(
    first: str, second: str, expected: str
) -> None:
    for topology in (one_machine(first, second), one_node(first, second)):
        found = about(topology, "kept-apart")

        assert outcome(found) == expected
        assert len(found) == (expected == "ask")


def test_a_single_node_keeps_nothing_apart() -> None:
    assert about(one_node(DDB, "sql-master", kind="single_node"), "kept-apart") == []


def test_the_fix_moves_a_node_to_an_idle_machine() -> None:
    topology = one_machine("sql-master", DDB)
    (finding,) = about(topology, "kept-apart")

    assert propose(topology, finding) == MoveNode(f"{DDB}-1", f"{DDB}-1")


def test_roles_of_one_node_cannot_be_moved_apart() -> None:
    topology = with_idle(one_node("sql-master", DDB), "spare")
    (finding,) = about(topology, "kept-apart")

    assert propose(topology, finding) is None


def test_a_single_node_cluster_has_one_node() -> None:
    topology = with_idle(cluster("web", kind="single_node"), "spare")
    second = AddNode("spare", "spare", (RoleChoice("worker"),))

    assert about(topology, "single-node") == []
    assert outcome(changed(topology, "single-node", second)) == "refuse"


def test_a_cluster_of_several_nodes_does_not_become_a_single_node() -> None:
    become = ChangeCluster({"kind": "single_node"})

    assert outcome(changed(cluster("web", "sip"), "single-node", become)) == "refuse"
    assert changed(cluster("web"), "single-node", become) == []


@pytest.mark.parametrize(
    ("extensions", "fields", "expected"),
    [
        (1000, {}, "note"),
        (1001, {}, "nothing"),
        (None, {}, "nothing"),
        (1000, {"state": "live"}, "nothing"),
        (None, {"kind": "single_node"}, "note"),
        (1000, {"platform": "ring2all"}, "nothing"),
    ],
)
def test_it_is_said_when_distribution_is_not_needed(
    extensions: int | None, fields: dict[str, str], expected: str
) -> None:
    topology = cluster(**fields)
    topology = topology if extensions is None else with_extensions(topology, extensions)

    assert outcome(about(topology, "distribution-not-needed")) == expected
