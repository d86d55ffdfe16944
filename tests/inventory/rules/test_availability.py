"""What keeps nodes alive: virtualisation, guarantees, monitoring, spare nodes."""

from dataclasses import replace
from datetime import timedelta

import pytest

from inventory.changes import MoveNode
from inventory.rules import Severity, propose
from inventory.topology import FactView, Topology
from tests.factories import NOW
from tests.inventory.rules.pictures import about, cluster, outcome, provisioned, with_idle


def protected(topology: Topology, *nodes: str) -> Topology:
    """Protect the machines of nodes by the virtualisation."""
    for name in nodes:
        view = topology.container_of(topology.nodes[name])
        assert view
        topology = topology.with_container(replace(view, virtualisation_ha="vSphere HA"))
    return topology


def with_parameters(topology: Topology, **values: object) -> Topology:
    """Set parameters of the cluster."""
    return replace(topology, cluster=replace(topology.cluster, parameters=values))


def heard(topology: Topology, node: str, value: str) -> Topology:
    """Let the collector have said something of a node's machine."""
    container = topology.nodes[node].container
    fact = FactView(
        f"container:{container}", "collection", value, NOW - timedelta(days=9), "measured"
    )
    return replace(topology, facts=(*topology.facts, fact))


def test_a_sql_master_without_protection_has_to_be_answered_for() -> None:
    """R53, R62, R63: critical, so a run waits for an answer."""
    topology = cluster("sql-master", "sql-slave")

    (finding,) = about(topology, "sole-node-protected")

    assert (finding.rule, outcome([finding])) == ("R63", "ask")
    assert "totally lost" in finding.message
    assert about(protected(topology, "sql-master-1"), "sole-node-protected") == []


def test_the_fix_is_a_machine_that_is_protected() -> None:
    topology = cluster("sql-master")
    plain = with_idle(topology, "plain-01")
    safe = with_idle(plain, "safe-01", virtualisation_ha="vSphere HA")

    assert propose(plain, about(plain, "sole-node-protected")[0]) is None
    assert propose(safe, about(safe, "sole-node-protected")[0]) == MoveNode(
        "sql-master-1", "safe-01"
    )


@pytest.mark.parametrize(
    ("role", "number"), [("sip", "R65"), ("pbx", "R65"), ("infrastructure-controller", "R59")]
)
def test_nodes_that_nothing_brings_back_are_counted(role: str, number: str) -> None:
    """R57, R58, R65: protected by the virtualisation, or replaced automatically."""
    topology = protected(cluster(role, role, role), f"{role}-1")
    replaced = replace(topology.nodes[f"{role}-2"], auto_replace=True)
    topology = topology.with_node(replaced)

    (finding,) = about(topology, "nodes-protected")
    assert (finding.rule, finding.weight, outcome([finding])) == (number, 1, "warn")
    assert f"{role}-3" in finding.message
    assert about(protected(topology, f"{role}-3"), "nodes-protected") == []


@pytest.mark.parametrize("role", ["sql-slave", "worker", "web", "elasticsearch"])
def test_other_roles_are_kept_alive_by_their_numbers(role: str) -> None:
    """R54, R55, R56, R60."""
    assert about(cluster(role), "nodes-protected") == []


@pytest.mark.parametrize(
    ("infrastructure", "guarantee", "expected"),
    [
        ("own", "", "nothing"),
        ("cloud", "", "warn"),
        ("cloud", "99.95 % a month", "nothing"),
    ],
)
def test_the_guarantee_of_a_cloud_is_looked_up(
    infrastructure: str, guarantee: str, expected: str
) -> None:
    """R67."""
    topology = cluster()
    row = replace(topology.cluster, infrastructure=infrastructure, availability_guarantee=guarantee)

    assert outcome(about(replace(topology, cluster=row), "guarantee-known")) == expected


def test_a_node_that_serves_is_monitored() -> None:
    """R92: planned nodes are not; what was heard last counts, however long ago it changed."""
    planned = cluster("worker", "worker")
    serving = provisioned(planned)

    assert about(planned, "nodes-monitored") == []
    (finding,) = about(heard(serving, "worker-1", "live"), "nodes-monitored")
    assert (finding.severity, outcome([finding]), finding.weight) == (Severity.ERROR, "error", 1)
    assert "worker-2" in finding.message
    both = heard(heard(serving, "worker-1", "live"), "worker-2", "live")
    assert about(both, "nodes-monitored") == []
    silent = heard(heard(serving, "worker-1", "live"), "worker-2", "silent")
    assert outcome(about(silent, "nodes-monitored")) == "error"


def test_that_a_node_is_monitored_is_not_a_matter_of_typing() -> None:
    """R92."""
    typed = FactView("container:worker-1", "collection", "live", NOW, "typed")
    topology = replace(provisioned(cluster("worker")), facts=(typed,))

    assert outcome(about(topology, "nodes-monitored")) == "error"


def test_a_node_that_is_not_monitored_may_be_moved_all_the_same() -> None:
    """R92 is about a state: it refuses no save, and no fix."""
    topology = with_idle(provisioned(cluster("worker")), "idle-1")
    stopped = replace(topology.containers["worker-1"], state="stopped")
    topology = topology.with_container(stopped)
    (finding,) = about(topology, "container-runs")

    assert propose(topology, finding) == MoveNode("worker-1", "idle-1")


@pytest.mark.parametrize(("count", "expected"), [(2, "warn"), (3, "nothing")])
def test_one_node_more_than_must_stay_healthy(count: int, expected: str) -> None:
    """K24, R60."""
    topology = with_parameters(cluster(*["worker"] * count), worker_min_healthy=2)

    assert outcome(about(topology, "spare-nodes")) == expected


def test_a_node_on_a_stopped_machine_is_no_spare() -> None:
    topology = with_parameters(cluster("web", "web", "web"), web_min_healthy=2)
    stopped = topology.with_container(replace(topology.containers["web-1"], state="stopped"))

    assert about(topology, "spare-nodes") == []
    assert outcome(about(stopped, "spare-nodes")) == "warn"


def test_the_fix_adds_the_spare_node() -> None:
    topology = with_parameters(with_idle(cluster("worker"), "idle-1"), worker_min_healthy=1)
    (finding,) = about(topology, "spare-nodes")

    fix = propose(topology, finding)

    assert fix
    assert about(fix.apply(topology), "spare-nodes") == []


def test_it_is_told_that_nobody_said_what_suffices() -> None:
    """K24."""
    topology = cluster("worker")

    assert outcome(about(topology, "sufficient-number-known")) == "note"
    said = with_parameters(topology, worker_min_healthy=1)
    assert about(said, "sufficient-number-known") == []
    assert about(cluster("sip"), "sufficient-number-known") == []
