"""What may not change once a cluster is in use; the decisions of day 0."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from inventory.changes import (
    AddNode,
    ChangeCluster,
    ChangeNode,
    ChangeSet,
    GrantWaiver,
    MoveNode,
    Operation,
    RemoveNode,
    RoleChoice,
)
from inventory.locks import Decision, age_in_words, decisions, extensions_in_words
from inventory.rules import RULES, Severity, check, findings
from inventory.topology import FactView, Topology, WaiverView
from tests.factories import NOW, platform_data
from tests.inventory.rules.pictures import (
    DDB,
    changed,
    cluster,
    outcome,
    provisioned,
    with_extensions,
    with_idle,
)

ADD = AddNode("spare", "spare", (RoleChoice(DDB, "B"),))
REPLACE = ChangeSet((RemoveNode(f"{DDB}-1"), ADD))


def database(extensions: Any = None, **fields: Any) -> Topology:
    """Picture three provisioned Distributed Database nodes, one idle machine, and extensions."""
    topology = with_idle(provisioned(cluster(DDB, DDB, DDB, **fields)), "spare")
    return topology if extensions is None else with_extensions(topology, extensions)


def waiver(key: str, role: str, **fields: Any) -> WaiverView:
    """Override a lock until tomorrow."""
    view = WaiverView(key, f"role:{role}", role, "agreed", "eve", NOW + timedelta(days=1))
    return replace(view, **fields)


def waived(topology: Topology, *waivers: WaiverView) -> Topology:
    """Let waivers be granted."""
    return replace(topology, waivers=waivers)


@pytest.mark.parametrize(
    ("extensions", "expected"),
    [(None, "warn"), (0, "nothing"), (3, "nothing"), (4, "refuse"), (50_000, "refuse")],
)
def test_the_role_is_not_assigned_above_three_extensions(extensions: Any, expected: str) -> None:
    assert outcome(changed(database(extensions), "extensions-forbid-role", ADD)) == expected


@pytest.mark.parametrize("value", ["4", None, True, [4]])
def test_extensions_that_are_no_number_are_unknown(value: object) -> None:
    topology = with_extensions(database(), value)

    assert outcome(changed(topology, "extensions-forbid-role", ADD)) == "warn"


def test_the_larger_of_cluster_and_containers_counts() -> None:
    on_container = with_extensions(database(3), 4, subject=f"container:{DDB}-1")
    on_cluster = with_extensions(database(4), 3, subject=f"container:{DDB}-1")

    for topology in (on_container, on_cluster):
        assert outcome(changed(topology, "extensions-forbid-role", ADD)) == "refuse"


def test_the_newest_value_of_a_subject_counts() -> None:
    newer = FactView("cluster", "extensions", 2, NOW, "measured")
    topology = database(4)
    topology = replace(topology, facts=(*topology.facts, newer))

    assert changed(topology, "extensions-forbid-role", ADD) == []


def test_the_words_say_where_the_number_comes_from_and_how_old_it_is() -> None:
    topology = with_extensions(database(1), 4, subject="container:pg-1")

    (finding,) = changed(topology, "extensions-forbid-role", ADD)

    assert finding.rule == "R48"
    assert "container pg-1 has 4 extensions (typed, 12 days old)" in finding.message
    assert "more than 3 extensions" in finding.source.text


def test_a_live_cluster_above_three_extensions_is_no_finding() -> None:
    topology = database(5000, state="live")

    assert "extensions-forbid-role" not in {finding.key for finding in findings(topology)}
    assert check(topology, MoveNode(f"{DDB}-1", "spare").apply(topology)) == []


@pytest.mark.parametrize("operation", [REPLACE, MoveNode(f"{DDB}-1", "spare")])
def test_a_dead_database_node_is_replaced_at_equal_count(operation: Operation) -> None:
    topology = database(5000, state="live")

    errors = [f for f in check(topology, operation.apply(topology)) if f.severity is Severity.ERROR]

    assert errors == []


@pytest.mark.parametrize(
    ("state", "extensions", "expected"),
    [
        ("planning", None, "warn"),
        ("planning", 3, "warn"),
        ("planning", 4, "refuse"),
        ("installing", None, "warn"),
        ("installing", 3, "warn"),
        ("installing", 4, "refuse"),
        ("live", None, "refuse"),
        ("live", 0, "refuse"),
        ("decommissioned", 5000, "nothing"),
    ],
)
@pytest.mark.parametrize("operation", [ADD, RemoveNode(f"{DDB}-1")])
def test_the_number_of_database_nodes_stays_after_the_lock_point(
    state: str, extensions: Any, expected: str, operation: Operation
) -> None:
    topology = database(extensions, state=state)

    assert outcome(changed(topology, "count-locked", operation)) == expected


def test_the_lock_cites_both_documents_and_names_the_impact() -> None:
    (finding,) = changed(database(state="live"), "count-locked", ADD)

    assert finding.rule == "R82"
    assert "rebalances the database" in finding.message
    assert "the cluster is live" in finding.message
    assert {"002", "003"} <= {source.document for source in finding.sources}
    assert any("rebalancing" in source.text for source in finding.sources)


def test_the_role_of_a_node_counts_like_the_node() -> None:
    live = database(state="live")
    drop = ChangeNode(f"{DDB}-1", f"{DDB}-1", (RoleChoice("worker"),))
    rename = ChangeNode(f"{DDB}-1", "hub-1", (RoleChoice(DDB, "A"),))

    assert outcome(changed(live, "count-locked", drop)) == "refuse"
    assert changed(live, "count-locked", rename) == []


def test_a_change_cannot_unlock_itself() -> None:
    live = database(state="live")
    back = ChangeSet((ChangeCluster({"state": "planning"}), ADD))
    revived = ChangeSet((ChangeCluster({"state": "live"}), ADD))
    gone = database(state="decommissioned")

    assert outcome(changed(live, "count-locked", back)) == "refuse"
    assert outcome(changed(gone, "count-locked", revived)) == "refuse"


def test_a_cluster_may_be_described_and_declared_live_at_once() -> None:
    empty = with_idle(cluster(), "spare")
    whole = ChangeSet((ADD, ChangeCluster({"state": "live"})))

    assert outcome(changed(empty, "count-locked", whole)) == "warn"


def test_taking_the_whole_cluster_down_frees_its_nodes() -> None:
    live = provisioned(cluster(DDB, "sip", "sql-master", state="live"))
    down = ChangeSet(
        (ChangeCluster({"state": "decommissioned"}), *(RemoveNode(name) for name in live.nodes))
    )

    found = {finding.key for finding in check(live, down.apply(live))}

    assert found.isdisjoint({"count-locked", "node-stays", "lock-point-stays"})


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "waived"),
        ({"weight": 1}, "waived"),
        ({"weight": 0}, "refuse"),
        ({"expires_at": NOW + timedelta(seconds=1)}, "waived"),
        ({"expires_at": NOW}, "refuse"),
        ({"subject": "role:sip"}, "refuse"),
        ({"key": "node-stays"}, "refuse"),
    ],
)
def test_an_override_holds_for_its_lock_its_weight_and_its_time(
    fields: dict[str, Any], expected: str
) -> None:
    topology = waived(database(state="live"), replace(waiver("count-locked", DDB), **fields))

    assert outcome(changed(topology, "count-locked", ADD)) == expected


def test_an_override_for_one_node_does_not_cover_two() -> None:
    topology = waived(database(state="live"), waiver("count-locked", DDB, weight=1))
    two = ChangeSet((RemoveNode(f"{DDB}-1"), RemoveNode(f"{DDB}-2")))

    assert outcome(changed(topology, "count-locked", two)) == "refuse"


@pytest.mark.parametrize("key", ["count-locked", "extensions-forbid-role", "node-stays"])
def test_locks_can_be_overridden(key: str) -> None:
    assert RULES[key].overridable
    assert RULES["node-in-use"].overridable
    assert not RULES["count-maximum"].overridable


@pytest.mark.parametrize("role", ["sip", "sql-master"])
@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("planned", "nothing"),
        ("installing", "refuse"),
        ("active", "refuse"),
        ("draining", "refuse"),
        ("failed", "refuse"),
    ],
)
def test_a_node_that_stays_is_removed_only_while_it_is_planned(
    role: str, state: str, expected: str
) -> None:
    topology = cluster(role, role)
    topology = topology if state == "planned" else provisioned(topology, state)
    drop = ChangeNode(f"{role}-1", f"{role}-1", (RoleChoice("worker"),))

    for operation in (RemoveNode(f"{role}-1"), drop):
        assert outcome(changed(topology, "node-stays", operation)) == expected


@pytest.mark.parametrize(("role", "number"), [("sip", "R86"), ("sql-master", "R79")])
def test_a_removal_is_told_with_the_number_of_the_roles_block(role: str, number: str) -> None:
    (finding,) = changed(provisioned(cluster(role)), "node-stays", RemoveNode(f"{role}-1"))

    assert finding.rule == number
    assert "Move it to another container" in finding.message


def test_a_sip_node_moves_and_is_renamed_freely() -> None:
    topology = with_idle(provisioned(cluster("sip", state="live")), "spare")
    rename = ChangeNode("sip-1", "edge-1", (RoleChoice("sip"),))
    both = ChangeSet((MoveNode("sip-1", "spare"), rename))

    for operation in (MoveNode("sip-1", "spare"), rename, both):
        assert changed(topology, "node-stays", operation) == []


def test_another_node_of_the_same_name_is_not_the_same_node() -> None:
    topology = provisioned(cluster("sip", state="live"))
    swap = ChangeSet((RemoveNode("sip-1"), AddNode("sip-1", "sip-1", (RoleChoice("sip"),))))

    assert outcome(changed(topology, "node-stays", swap)) == "refuse"


@pytest.mark.parametrize("role", ["worker", "web", "elasticsearch", "sql-slave"])
def test_other_nodes_are_removed_freely(role: str) -> None:
    topology = provisioned(cluster(role, role, state="live"))

    found = {f.key for f in check(topology, RemoveNode(f"{role}-1").apply(topology))}

    assert found.isdisjoint({"node-stays", "node-in-use", "count-locked"})


def pbx(state: str, **fact: Any) -> Topology:
    """Picture a PBX node in a state, and since when it has had no call."""
    topology = provisioned(cluster("pbx", "pbx", state="live"), state)
    if not fact:
        return topology
    defaults: dict[str, Any] = {
        "subject": "node:pbx-1",
        "key": "idle_since",
        "value": (NOW - timedelta(minutes=15)).isoformat(),
        "at": NOW,
        "origin": "measured",
    }
    return replace(topology, facts=(FactView(**(defaults | fact)),))


@pytest.mark.parametrize(
    ("topology", "why"),
    [
        (pbx("draining", at=NOW), None),
        (pbx("active", at=NOW), "active, not draining"),
        (pbx("failed", at=NOW), "failed, not draining"),
        (pbx("draining"), "nothing measured"),
        (pbx("draining", origin="typed"), "nothing measured"),
        (pbx("draining", value="yesterday"), "nothing measured"),
        (pbx("draining", value="2026-11-20T10:00:00"), "nothing measured"),
        (pbx("draining", subject="node:pbx-2"), "nothing measured"),
        (
            pbx("draining", value=(NOW - timedelta(minutes=14, seconds=59)).isoformat()),
            "14 of 15 minutes",
        ),
        (
            pbx(
                "draining",
                value=(NOW - timedelta(hours=1)).isoformat(),
                at=NOW - timedelta(seconds=119),
            ),
            None,
        ),
        (
            pbx(
                "draining",
                value=(NOW - timedelta(hours=1)).isoformat(),
                at=NOW - timedelta(minutes=2),
            ),
            "2 minutes old",
        ),
        (pbx("draining", value=(NOW + timedelta(hours=1)).isoformat()), "0 of 15 minutes"),
    ],
)
def test_a_pbx_node_is_removed_only_when_measured_unused(
    topology: Topology, why: str | None
) -> None:
    found = changed(topology, "node-in-use", RemoveNode("pbx-1"))

    assert outcome(found) == ("refuse" if why else "nothing")
    assert [f.rule for f in found] == (["R87"] if why else [])
    if why:
        assert why in found[0].message
        assert "Drain it" in found[0].message


def test_a_planned_pbx_node_is_removed_freely() -> None:
    assert changed(cluster("pbx"), "node-in-use", RemoveNode("pbx-1")) == []


@pytest.mark.parametrize(
    ("was", "then", "expected"),
    [
        ("planning", "installing", "nothing"),
        ("installing", "planning", "nothing"),
        ("installing", "live", "nothing"),
        ("live", "planning", "refuse"),
        ("live", "installing", "refuse"),
        ("live", "decommissioned", "nothing"),
        ("decommissioned", "live", "refuse"),
        ("decommissioned", "planning", "refuse"),
    ],
)
def test_a_cluster_does_not_go_back_before_its_lock_point(
    was: str, then: str, expected: str
) -> None:
    topology = provisioned(cluster("sip", state=was))
    change = ChangeCluster({"state": then})

    assert outcome(changed(topology, "lock-point-stays", change)) == expected


def test_a_cluster_without_what_is_locked_may_start_over() -> None:
    back = ChangeCluster({"state": "planning"})

    assert changed(cluster("sip", state="decommissioned"), "lock-point-stays", back) == []
    unlocked = provisioned(cluster("web", state="live"))
    assert changed(unlocked, "lock-point-stays", back) == []


def decision(topology: Topology, key: str, role: str) -> Decision:
    """Return the one decision about a role that this rule locks."""
    (found,) = (d for d in decisions(topology) if (d.waiver_key, d.role) == (key, role))
    return found


def test_the_decisions_of_day_0_follow_from_the_platforms_data() -> None:
    told = {(d.role, d.waiver_key, d.requirement) for d in decisions(cluster())}

    assert told == {
        ("sql-master", "node-stays", "R79"),
        (DDB, "count-locked", "R82"),
        (DDB, "extensions-forbid-role", "R48"),
        ("sip", "node-stays", "R86"),
    }
    assert decisions(cluster(platform="ring2all")) == ()


def test_every_decision_says_why_it_is_final_and_how_to_override_it() -> None:
    for made in decisions(cluster(DDB, "sip")):
        assert "cannot be changed later because" in made.sentence
        assert made.sources[0].text in made.sentence
        assert made.what in made.sentence
        assert RULES[made.waiver_key].overridable
        assert made.waiver_subject == f"role:{made.role}"


@pytest.mark.parametrize(
    ("topology", "locked", "why"),
    [
        (cluster(DDB), False, "being planned and the number of extensions is unknown"),
        (with_extensions(cluster(DDB), 3), False, "the cluster has 3 extensions"),
        (with_extensions(cluster(DDB), 4), True, "the cluster has 4 extensions"),
        (cluster(DDB, state="live"), True, "the cluster is live"),
        (cluster(DDB, state="decommissioned"), False, "the cluster is decommissioned"),
    ],
)
def test_a_decision_says_whether_it_is_locked_by_now(
    topology: Topology, *, locked: bool, why: str
) -> None:
    made = decision(topology, "count-locked", DDB)

    assert (made.count, made.locked) == (1, locked)
    assert why in made.why


def test_removals_are_locked_from_the_first_provisioned_node() -> None:
    planned = cluster("sip", "sip")

    assert not decision(planned, "node-stays", "sip").locked
    one = decision(provisioned(planned, only="sip-1"), "node-stays", "sip")
    assert (one.locked, one.why) == (True, "1 is provisioned")
    gone = provisioned(cluster("sip", state="decommissioned"))
    assert not decision(gone, "node-stays", "sip").locked


def test_the_override_that_a_decision_names_is_the_one_that_works() -> None:
    topology = provisioned(with_idle(cluster(DDB, "sip", state="live"), "spare"))
    changes = {DDB: ADD, "sip": RemoveNode("sip-1")}

    for made in decisions(with_extensions(topology, 4)):
        if made.role not in changes:
            continue
        grant = GrantWaiver(
            waiver(made.waiver_key, made.role, subject=made.waiver_subject, weight=None)
        )
        known = grant.apply(with_extensions(topology, 4))
        assert decision(known, made.waiver_key, made.role).waiver == grant.waiver
        assert outcome(changed(known, made.waiver_key, changes[made.role])) == "waived"


def test_an_expired_override_is_no_longer_shown() -> None:
    old = waiver("count-locked", DDB, expires_at=NOW)

    assert decision(waived(database(), old), "count-locked", DDB).waiver is None


def test_roles_that_a_release_lacks_are_no_decision() -> None:
    topology = cluster()
    fewer = topology.release.model_copy(
        update={"unavailable": platform_data("voipnow").release("5.7").unavailable}
    )
    gone = fewer.unavailable[0].model_copy(update={"role": "sip"})
    without_sip = replace(topology, release=fewer.model_copy(update={"unavailable": (gone,)}))

    assert "sip" not in {made.role for made in decisions(without_sip)}


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=1), "1 minute old"),
        (timedelta(minutes=119), "1 hour old"),
        (timedelta(hours=47), "1 day old"),
        (timedelta(days=12), "12 days old"),
    ],
)
def test_ages_are_told_in_their_largest_unit(age: timedelta, words: str) -> None:
    assert age_in_words(age) == words


def test_unknown_extensions_are_told_as_unknown() -> None:
    assert extensions_in_words(cluster()) == "the number of extensions is unknown"
