"""How many nodes a role has: for each rule the last allowed and the first refused number."""

from dataclasses import replace
from random import Random

import pytest

from inventory.changes import AddNode, ChangeSet, RemoveNode, RoleChoice
from inventory.rules import Severity, check, propose
from inventory.topology import AssignmentView, Topology
from tests.inventory.rules.pictures import (
    DDB,
    about,
    changed,
    cluster,
    outcome,
    provisioned,
    with_idle,
)


def ring2all(*roles: str, **fields: object) -> Topology:
    """Picture a Ring2All cluster."""
    return cluster(*roles, platform="ring2all", **fields)


@pytest.mark.parametrize(
    ("platform", "role", "count", "expected"),
    [
        ("voipnow", "sql-master", 1, "nothing"),
        ("voipnow", "sql-master", 2, "refuse"),
        ("voipnow", "sql-slave", 4, "nothing"),
        ("voipnow", "sql-slave", 5, "refuse"),
        ("voipnow", DDB, 128, "nothing"),
        ("voipnow", DDB, 129, "refuse"),
        ("voipnow", "infrastructure-controller", 3, "nothing"),
        ("voipnow", "infrastructure-controller", 4, "refuse"),
        ("voipnow", "elasticsearch", 40, "nothing"),
        ("voipnow", "web", 40, "nothing"),
        ("voipnow", "sip", 40, "nothing"),
        ("voipnow", "pbx", 40, "nothing"),
        ("voipnow", "worker", 40, "nothing"),
        ("voipnow", "queue", 40, "nothing"),
        ("ring2all", "telephony", 40, "nothing"),
    ],
)
def test_a_role_has_a_last_allowed_number(
    platform: str, role: str, count: int, expected: str
) -> None:
    assert outcome(about(cluster(*[role] * count, platform=platform), "count-maximum")) == expected


@pytest.mark.parametrize(
    ("role", "count", "number"),
    [
        ("sql-master", 2, "R79"),
        ("sql-slave", 5, "R80"),
        (DDB, 129, "R81"),
        ("infrastructure-controller", 4, "R88"),
    ],
)
def test_too_many_nodes_are_told_with_the_number_of_the_roles_block(
    role: str, count: int, number: str
) -> None:
    (finding,) = about(cluster(*[role] * count), "count-maximum")

    assert finding.rule == number
    assert finding.source.document == "002"


@pytest.mark.parametrize(
    ("policy", "expected"), [({}, "refuse"), ("error", "refuse"), ("warning", "warn")]
)
def test_a_fifth_slave_is_refused_unless_the_policy_warns(policy: object, expected: str) -> None:
    parameters = {"sql_slave_maximum": policy} if policy else {}

    four = cluster(*["sql-slave"] * 4, parameters=parameters)
    five = cluster(*["sql-slave"] * 5, parameters=parameters)

    assert outcome(about(four, "count-maximum")) == "nothing"
    assert outcome(about(five, "count-maximum")) == expected


def test_a_second_master_is_told_of_sharding() -> None:
    (finding,) = about(cluster("sql-master", "sql-master"), "count-maximum")

    assert "sharding" in finding.message
    assert any("sharding" in source.text for source in finding.sources)


@pytest.mark.parametrize(
    ("role", "count", "expected"),
    [
        ("database", 0, "nothing"),
        ("database", 1, "hold"),
        ("database", 2, "hold"),
        ("database", 3, "nothing"),
        ("file-server", 2, "hold"),
        ("file-server", 3, "nothing"),
        ("telephony", 1, "nothing"),
        ("load-balancer", 1, "nothing"),
    ],
)
def test_too_few_nodes_hold_runs_back_and_no_saves(role: str, count: int, expected: str) -> None:
    assert outcome(about(ring2all(*[role] * count), "count-minimum")) == expected


@pytest.mark.parametrize(
    ("role", "number"),
    [
        ("sql-master", "R79"),
        (DDB, "R81"),
        ("elasticsearch", "R84"),
        ("web", "R85"),
        ("sip", "R86"),
        ("pbx", "R87"),
        ("infrastructure-controller", "R88"),
        ("worker", "R89"),
    ],
)
def test_a_missing_role_is_told_with_its_own_number(role: str, number: str) -> None:
    missing = {finding.role: finding for finding in about(cluster(), "role-missing")}

    assert missing[role].rule == number
    assert outcome([missing[role]]) == "warn"
    assert role not in {f.role for f in about(cluster(role), "role-missing")}


@pytest.mark.parametrize("role", ["sql-slave", "queue", "unstructured-storage"])
def test_a_role_without_a_minimum_is_not_missing(role: str) -> None:
    assert role not in {finding.role for finding in about(cluster(), "role-missing")}


def test_file_servers_are_not_needed_beside_a_nas() -> None:
    nas = {"parameters": {"file_storage": "nas"}}

    def missing(topology: Topology) -> set[str]:
        return {f.role for f in about(topology, "role-missing")}

    assert "file-server" in missing(ring2all())
    assert "file-server" not in missing(ring2all(**nas))
    assert about(ring2all("file-server", **nas), "count-minimum") == []
    assert about(ring2all(*["file-server"] * 4, **nas), "count-multiple") == []


@pytest.mark.parametrize(
    ("platform", "role", "count", "number"),
    [
        ("voipnow", "elasticsearch", 2, "R84"),
        ("voipnow", "elasticsearch", 3, None),
        ("voipnow", DDB, 2, "R83"),
        ("voipnow", DDB, 3, None),
        ("ring2all", "telephony", 1, "R119"),
        ("ring2all", "telephony", 2, None),
        ("ring2all", "admin", 1, "K10"),
        ("ring2all", "admin", 2, None),
        ("ring2all", "load-balancer", 0, None),
        ("ring2all", "load-balancer", 1, "K10"),
    ],
)
def test_fewer_nodes_than_recommended_are_a_warning(
    platform: str, role: str, count: int, number: str | None
) -> None:
    found = about(cluster(*[role] * count, platform=platform), "count-recommended")

    assert [f.rule for f in found] == ([number] if number else [])
    assert all(f.severity is Severity.WARNING for f in found)


def test_a_run_waits_for_an_answer_only_where_the_number_is_final() -> None:
    assert outcome(about(cluster("elasticsearch"), "count-recommended")) == "warn"
    assert outcome(about(cluster(DDB), "count-recommended")) == "ask"
    assert outcome(about(cluster(DDB, state="live"), "count-recommended")) == "warn"


@pytest.mark.parametrize(
    ("role", "is_noted"), [("queue", True), ("unstructured-storage", True), ("web", False)]
)
def test_a_number_that_the_vendor_does_not_specify_is_noted(role: str, *, is_noted: bool) -> None:
    found = [f for f in about(cluster(role), "count-unspecified") if f.role == role]

    assert [(f.rule, f.severity) for f in found] == [("R90", Severity.INFO)] * is_noted
    assert all("neither a minimum nor a maximum" in f.message for f in found)


def test_files_in_object_storage_need_no_node() -> None:
    posix = cluster(parameters={"unstructured_backend": "posix"})

    assert {f.role for f in about(cluster(), "count-unspecified")} == {"queue"}
    assert {f.role for f in about(posix, "count-unspecified")} == {"queue", "unstructured-storage"}


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (1, "nothing"),
        (2, "nothing"),
        (3, "nothing"),
        (4, "hold"),
        (5, "hold"),
        (6, "nothing"),
        (7, "hold"),
    ],
)
def test_file_servers_come_in_threes(count: int, expected: str) -> None:
    assert outcome(about(ring2all(*["file-server"] * count), "count-multiple")) == expected


@pytest.mark.parametrize(
    ("count", "expected"), [(1, "nothing"), (2, "hold"), (3, "nothing"), (4, "hold")]
)
def test_voters_are_odd(count: int, expected: str) -> None:
    assert outcome(about(ring2all(*["database"] * count), "odd-members")) == expected


def test_a_role_is_odd_by_its_own_counts_too() -> None:
    topology = cluster("queue", "queue")
    role = topology.role("queue")
    odd = role.model_copy(update={"counts": role.counts.model_copy(update={"odd": True})})
    roles = tuple(odd if r.key == "queue" else r for r in topology.platform.roles)
    topology = replace(topology, platform=topology.platform.model_copy(update={"roles": roles}))

    (finding,) = about(topology, "odd-members")

    assert "The quorum of Queue would have 2 members" in finding.message


@pytest.mark.parametrize(
    ("count", "expected"), [(1, "nothing"), (2, "note"), (3, "note"), (4, "note")]
)
def test_several_controllers_are_no_high_availability(count: int, expected: str) -> None:
    topology = cluster(*["infrastructure-controller"] * count)

    assert outcome(about(topology, "number-is-no-redundancy")) == expected


@pytest.mark.parametrize(
    "key", ["count-minimum", "role-missing", "count-recommended", "count-multiple"]
)
def test_a_single_node_answers_for_no_numbers(key: str) -> None:
    for platform in ("voipnow", "ring2all"):
        role = "elasticsearch" if platform == "voipnow" else "database"
        assert about(cluster(role, platform=platform, kind="single_node"), key) == []


@pytest.mark.parametrize(
    ("platform", "role", "number", "severity"),
    [
        ("voipnow", "elasticsearch", "R110", Severity.WARNING),
        ("voipnow", "sql-slave", "R99", Severity.INFO),
        ("voipnow", "sip", "R86", Severity.INFO),
        ("ring2all", "file-server", "R134", Severity.WARNING),
        ("ring2all", "telephony", "R128", Severity.INFO),
    ],
)
def test_the_impact_of_growth_is_shown_with_the_change(
    platform: str, role: str, number: str, severity: Severity
) -> None:
    planned = with_idle(cluster(role, platform=platform), "spare")
    add = AddNode("spare", "spare", (RoleChoice(role),))

    (finding,) = changed(provisioned(planned), "growing-costs", add)

    assert (finding.rule, finding.severity) == (number, severity)
    assert changed(planned, "growing-costs", add) == []
    impact = planned.role(role).scaling
    assert impact
    assert impact.impact in finding.message


def test_a_removal_has_no_cost_of_growth() -> None:
    topology = provisioned(cluster("elasticsearch", "elasticsearch"))

    assert changed(topology, "growing-costs", RemoveNode("elasticsearch-1")) == []


def test_the_fix_for_a_missing_role_adds_all_that_it_needs() -> None:
    topology = with_idle(ring2all(), "a", "b", "c")
    finding = next(f for f in about(topology, "role-missing") if f.role == "database")

    fix = propose(topology, finding)

    assert isinstance(fix, ChangeSet)
    assert len(fix.parts) == 3
    assert [f for f in check(topology, fix.apply(topology)) if f.severity is Severity.ERROR] == []


def test_the_fix_from_one_database_goes_to_three_not_two() -> None:
    topology = with_idle(ring2all("database"), "a", "b")
    (finding,) = about(topology, "count-minimum")

    fix = propose(topology, finding)

    assert isinstance(fix, ChangeSet)
    assert len(fix.apply(topology).nodes_with("database")) == 3


def test_no_fix_is_proposed_without_machines_enough() -> None:
    topology = with_idle(ring2all("database"), "a")
    (finding,) = about(topology, "count-minimum")

    assert propose(topology, finding) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"vcpus": 2},
        {"memory_mib": 8192},
        {"os_version": "12"},
        {"disk_kind": "hdd"},
        {"private": None, "public": None},
        {"state": "stopped"},
    ],
)
def test_a_fix_passes_over_machines_that_do_not_suit(fields: dict[str, object]) -> None:
    topology = with_idle(ring2all(*["database"] * 4), "good")
    view = topology.containers["good"]
    poor = with_idle(ring2all(*["database"] * 4), "bad", **{"private": "10.203.9.9"} | fields)
    both = replace(poor, containers={**poor.containers, "good": view})

    (finding,) = about(poor, "odd-members")
    fix = propose(both, finding)
    alone = propose(provisioned(poor), finding)

    assert fix == AddNode("good", "good", (RoleChoice("database"),))
    assert alone is None


def test_a_fix_prefers_a_machine_without_a_public_address_for_storage() -> None:
    topology = with_idle(ring2all(*["database"] * 4), "a-public", "b-private")
    private = topology.containers["b-private"]
    topology = topology.with_container(replace(private, addresses=private.addresses[:1]))

    (finding,) = about(topology, "odd-members")
    fix = propose(topology, finding)

    assert isinstance(fix, AddNode)
    assert fix.container == "b-private"


def test_a_node_too_many_is_taken_out_again_while_it_is_planned() -> None:
    topology = cluster("sql-master", "sql-master")
    (finding,) = about(topology, "count-maximum")

    assert propose(topology, finding) == RemoveNode("sql-master-2")
    assert propose(provisioned(topology), finding) is None
    only_first = provisioned(topology, only="sql-master-2")
    assert propose(only_first, finding) == RemoveNode("sql-master-1")


def test_a_superfluous_role_leaves_the_node_its_other_roles() -> None:
    topology = cluster("sql-master", "sql-master")
    node = topology.nodes["sql-master-2"]
    both = replace(node, assignments=(*node.assignments, AssignmentView("worker")))
    topology = topology.with_node(both)
    (finding,) = about(topology, "count-maximum")

    fix = propose(topology, finding)

    assert fix is not None
    assert [a.role for a in fix.apply(topology).nodes[node.name].assignments] == ["worker"]


@pytest.mark.parametrize(("role", "count"), [("database", 4), ("file-server", 4)])
def test_a_planned_node_is_left_out_where_no_machine_is_idle(role: str, count: int) -> None:
    key = "odd-members" if role == "database" else "count-multiple"
    topology = ring2all(*[role] * count)
    (finding,) = about(topology, key)

    assert propose(topology, finding) == RemoveNode(f"{role}-{count}")


def test_file_servers_are_filled_up_to_the_next_three() -> None:
    topology = with_idle(ring2all(*["file-server"] * 4), "a", "b")
    (finding,) = about(topology, "count-multiple")

    fix = propose(topology, finding)

    assert fix is not None
    assert len(fix.apply(topology).nodes_with("file-server")) == 6


def test_a_fix_passes_over_machines_whose_node_would_have_a_name_in_use() -> None:
    topology = with_idle(ring2all(*["database"] * 4), "spare", "yet-free")
    first, second = topology.nodes["database-1"], topology.nodes["database-2"]
    topology = topology.with_node(replace(first, name="spare"), was=first.name)
    topology = topology.with_node(replace(second, name="spare-pg"), was=second.name)
    (finding,) = about(provisioned(topology), "odd-members")

    fix = propose(provisioned(topology), finding)

    assert fix == AddNode("yet-free", "yet-free", (RoleChoice("database"),))


def test_a_sentence_has_no_loose_end() -> None:
    topology = cluster(*["queue"] * 2)
    role = topology.role("queue")
    counts = role.counts.model_copy(update={"maximum": 1, "comments": ""})
    one = role.model_copy(update={"counts": counts})
    platform = topology.platform.model_copy(update={"roles": (one,)})

    (finding,) = about(replace(topology, platform=platform), "count-maximum")

    assert finding.message == "Queue would have 2 nodes; at most 1 is allowed."


WHOLE = (
    *("sql-master", *["sql-slave"] * 4, *["elasticsearch"] * 3, "queue"),
    *("infrastructure-controller", "worker", "worker", "sip", "pbx", "web", *[DDB] * 4),
)


@pytest.mark.parametrize("seed", range(5))
def test_a_whole_cluster_is_built_in_any_order_without_a_refusal(seed: int) -> None:
    target = cluster(*WHOLE)
    names = sorted(target.nodes)
    Random(seed).shuffle(names)
    topology = replace(target, nodes={})

    for name in names:
        (held,) = target.nodes[name].assignments
        after = AddNode(name, name, (RoleChoice(held.role, held.group),)).apply(topology)
        assert [f.message for f in check(topology, after) if f.refuses_save] == []
        topology = after

    assert about(topology, "role-missing") == []
