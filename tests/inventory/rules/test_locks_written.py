"""Locks hold for real rows, through the one door that all changes use."""

from datetime import timedelta

import pytest
from django.utils import timezone

from inventory.models import Cluster, Fact, RoleAssignment
from inventory.operations import (
    AddNode,
    ChangeCluster,
    ChangeNode,
    ChangeSet,
    GrantWaiver,
    MoveNode,
    Refused,
    RemoveNode,
    RoleChoice,
    perform,
)
from inventory.states import AssignmentState, ClusterState, Origin
from inventory.topology import WaiverView
from tests.factories import make_cluster, make_container, make_node, make_user

pytestmark = pytest.mark.django_db

DDB = "distributed-database"
MACHINE = {"os_id": "centos", "os_version": "7"}


def live(role: str, *, group: str | None = None) -> Cluster:
    """Make a live VoipNow cluster with one installed node of a role, and an idle machine."""
    cluster = make_cluster(platform="voipnow")
    machine = make_container(cluster, "one", public="10.204.0.1", private="10.203.0.1", **MACHINE)
    make_node(machine, "one", role, group=group)
    make_container(cluster, "spare", public="10.204.0.2", private="10.203.0.2", **MACHINE)
    RoleAssignment.objects.filter(node__cluster=cluster).update(state=AssignmentState.ACTIVE)
    perform(ChangeCluster({"state": ClusterState.LIVE}), cluster=cluster, actor=None)
    return cluster


def refused(cluster: Cluster, operation: object) -> set[str]:
    """Return the rules that refuse a change."""
    with pytest.raises(Refused) as no:
        perform(operation, cluster=cluster, actor=None)  # type: ignore[arg-type]
    return {finding.key for finding in no.value.findings}


def test_a_sip_node_moves_but_does_not_leave() -> None:
    cluster = live("sip")

    assert refused(cluster, RemoveNode("one")) == {"node-stays"}
    perform(MoveNode("one", "spare"), cluster=cluster, actor=None)
    renamed = ChangeNode("one", "edge", (RoleChoice("sip"),))
    perform(renamed, cluster=cluster, actor=None)

    assert refused(cluster, RemoveNode("edge")) == {"node-stays"}


def test_the_whole_cluster_is_decommissioned_freely() -> None:
    cluster = live("sip")
    down = ChangeCluster({"state": ClusterState.DECOMMISSIONED})

    perform(down, cluster=cluster, actor=None)
    up = ChangeCluster({"state": ClusterState.LIVE})
    assert refused(cluster, up) == {"lock-point-stays"}
    perform(RemoveNode("one"), cluster=cluster, actor=None)

    assert not cluster.nodes.filter(removed_at=None).exists()


def test_a_database_node_is_replaced_but_not_added_once_live() -> None:
    cluster = live(DDB, group="A")
    Fact.objects.create(
        cluster=cluster, key="extensions", value=4, at=timezone.now(), origin=Origin.TYPED
    )
    add = AddNode("two", "spare", (RoleChoice(DDB, "A"),))

    assert refused(cluster, add) == {"count-locked", "extensions-forbid-role"}
    perform(ChangeSet((RemoveNode("one"), add)), cluster=cluster, actor=None)

    assert [n.name for n in cluster.nodes.filter(removed_at=None)] == ["two"]


def test_an_override_lets_the_change_through() -> None:
    cluster = live("sip")
    view = WaiverView(
        key="node-stays",
        subject="role:sip",
        role="sip",
        reason="Customers were moved by hand.",
        by=make_user("olga").username,
        expires_at=timezone.now() + timedelta(hours=1),
        weight=1,
    )

    perform(GrantWaiver(view), cluster=cluster, actor=None)
    result = perform(RemoveNode("one"), cluster=cluster, actor=None)

    (finding,) = (f for f in result.findings if f.key == "node-stays")
    assert finding.waiver is not None
    assert finding.waiver.reason == "Customers were moved by hand."


def test_a_pbx_node_leaves_once_measured_unused() -> None:
    cluster = live("pbx")
    assert refused(cluster, RemoveNode("one")) == {"node-in-use"}
    node = cluster.nodes.get(name="one")
    RoleAssignment.objects.filter(node=node).update(state=AssignmentState.DRAINING)
    now = timezone.now()
    Fact.objects.create(
        cluster=cluster,
        node=node,
        key="idle_since",
        value=(now - timedelta(minutes=16)).isoformat(),
        at=now,
        origin=Origin.MEASURED,
    )

    perform(RemoveNode("one"), cluster=cluster, actor=None)

    assert not cluster.nodes.filter(removed_at=None).exists()
