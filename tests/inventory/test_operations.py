"""Changes of a cluster: what they write, what they refuse, and what happens when two race."""

import threading
from dataclasses import replace
from ipaddress import ip_address

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from inventory.models import Address, Change, Cluster, Container, Node, Placement, RoleAssignment
from inventory.operations import (
    AddContainer,
    AddNode,
    ChangeContainer,
    ChangeError,
    ChangeNode,
    MoveNode,
    Refused,
    RemoveContainer,
    RemoveNode,
    RoleChoice,
    perform,
)
from inventory.snapshot import container_view, load_topology
from inventory.states import AssignmentState
from tests.factories import (
    container_data,
    make_cluster,
    make_container,
    make_database_cluster,
    make_node,
    make_user,
)

pytestmark = pytest.mark.django_db


def test_a_node_is_written_with_placement_and_assignment() -> None:
    cluster = make_cluster("alpha")
    container = make_container(cluster, "pg-node-01")

    node = make_node(container, "pg-node-01", "database")

    assert node.placements.get().container == container
    assert node.assignments.get().role.key == "database"
    assert node.assignments.get().state == AssignmentState.PLANNED


def test_every_change_is_logged_with_who_and_before_and_after() -> None:
    user = make_user("olga", superuser=True)
    cluster = make_cluster("alpha")
    container = make_container(cluster, "pg-node-01", vcpus=4)
    bigger = replace(container_view(container), vcpus=8)

    perform(
        ChangeContainer("pg-node-01", bigger), cluster=cluster, actor=user, request_id="request-1"
    )

    change = Change.objects.get(operation="ChangeContainer")
    before, after = change.before or {}, change.after or {}
    assert (change.actor, change.actor_name, change.request_id) == (user, "olga", "request-1")
    assert before["vcpus"] == 4
    assert after["vcpus"] == 8
    assert change.subject == "container:pg-node-01"


def test_a_refused_change_writes_nothing() -> None:
    cluster = make_cluster("alpha")
    make_container(cluster, "pg-node-01", private=None, public="10.204.0.9")
    changes = Change.objects.count()

    with pytest.raises(Refused) as refusal:
        perform(
            AddNode("pg-node-01", "pg-node-01", (RoleChoice("database"),)),
            cluster=cluster,
            actor=None,
        )

    assert [f.key for f in refusal.value.findings] == ["private-address-required"]
    assert not Node.objects.exists()
    assert Change.objects.count() == changes


def test_a_moved_node_keeps_identity_roles_and_past() -> None:
    cluster = make_database_cluster("alpha", nodes=1)
    node = Node.objects.get()
    make_container(cluster, "spare")

    perform(MoveNode("pg-node-01", "spare"), cluster=cluster, actor=None)

    assert Node.objects.get() == node
    assert [p.container.name for p in Placement.objects.order_by("valid_from")] == [
        "pg-node-01",
        "spare",
    ]
    assert Placement.objects.get(valid_to=None).container.name == "spare"
    assert RoleAssignment.objects.count() == 1


def test_a_removed_node_stays_in_history_and_its_name_is_free_again() -> None:
    cluster = make_database_cluster("alpha", nodes=1)

    perform(RemoveNode("pg-node-01"), cluster=cluster, actor=None)
    make_node(Container.objects.get(), "pg-node-01")

    assert Node.objects.count() == 2
    assert Node.objects.filter(removed_at=None).count() == 1


def test_a_role_that_stays_keeps_its_state() -> None:
    cluster = make_database_cluster("alpha", nodes=1)
    RoleAssignment.objects.update(state=AssignmentState.ACTIVE)

    perform(
        ChangeNode("pg-node-01", "pg-1", (RoleChoice("database"),)), cluster=cluster, actor=None
    )

    assert RoleAssignment.objects.get().state == AssignmentState.ACTIVE
    assert Node.objects.get().name == "pg-1"


def test_a_container_that_runs_a_node_is_not_given_away() -> None:
    cluster = make_database_cluster("alpha", nodes=1)

    with pytest.raises(ChangeError, match="runs pg-node-01"):
        perform(RemoveContainer("pg-node-01"), cluster=cluster, actor=None)


def test_a_free_container_is_taken_in_by_one_cluster_only() -> None:
    alpha, beta = make_cluster("alpha"), make_cluster("beta")
    free = make_container(
        None, "spare", networks=("alpha-private", "alpha-public"), private="10.203.0.9"
    )
    view = container_view(free)

    perform(AddContainer(view), cluster=alpha, actor=None)
    with pytest.raises((ChangeError, Refused)):
        perform(AddContainer(view), cluster=beta, actor=None)

    free.refresh_from_db()
    assert free.cluster == alpha


def test_a_bad_host_name_is_an_error_of_its_field() -> None:
    cluster = make_cluster("alpha")

    with pytest.raises(ValidationError) as error:
        make_container(cluster, "pg_node_01")

    assert "host name" in str(error.value)
    assert not Container.objects.exists()


def test_the_same_private_address_lives_in_two_clusters_with_networks_of_their_own() -> None:
    alpha, beta = make_cluster("alpha"), make_cluster("beta")

    make_container(alpha, "pg-node-01", private="10.203.0.31")
    make_container(beta, "pg-node-01", private="10.203.0.31")

    assert Address.objects.filter(ip="10.203.0.31").count() == 2


def test_addresses_and_disks_that_are_left_out_go() -> None:
    cluster = make_cluster("alpha")
    container = make_container(cluster, "a", private="10.203.0.31", public="10.204.0.31")
    view = container_view(container)
    private = next(a for a in view.addresses if a.network == "alpha-private")

    changed = replace(view, addresses=(replace(private, ip=ip_address("10.203.0.32")),), disks=())
    perform(ChangeContainer("a", changed), cluster=cluster, actor=None)

    assert [str(a.ip) for a in container.addresses.all()] == ["10.203.0.32"]
    assert not container.disks.exists()


def test_a_picture_takes_as_many_queries_for_ten_nodes_as_for_one() -> None:
    def queries(count: int) -> int:
        cluster = make_database_cluster(f"of-{count}", nodes=count)
        cluster = Cluster.objects.select_related("revision__platform", "release").get(pk=cluster.pk)
        load_topology(cluster)
        with CaptureQueriesContext(connection) as captured:
            load_topology(cluster)
        return len(captured)

    assert queries(1) == queries(10)


@pytest.mark.django_db(transaction=True)
def test_two_administrators_cannot_together_exceed_a_maximum() -> None:
    cluster = make_cluster("alpha", platform="voipnow")
    for number in range(8):
        make_container(
            cluster, f"c{number}", os_id="rhel", os_version="8.6", private=f"10.203.0.{number + 1}"
        )
    refusals: list[Refused] = []
    barrier = threading.Barrier(8)

    def add(number: int) -> None:
        try:
            barrier.wait()
            perform(
                AddNode(f"slave{number}", f"c{number}", (RoleChoice("sql-slave"),)),
                cluster=cluster,
                actor=None,
            )
        except Refused as refusal:
            refusals.append(refusal)
        finally:
            connection.close()

    threads = [threading.Thread(target=add, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Node.objects.count() == 4
    assert len(refusals) == 4
    assert {f.rule for r in refusals for f in r.findings} == {"R80"}


def test_a_container_view_survives_writing_and_reading() -> None:
    cluster = make_cluster("alpha")
    view = container_data("a", networks=("alpha-private", "alpha-public"), public="10.204.0.7")

    row = perform(AddContainer(view), cluster=cluster, actor=None).row
    assert isinstance(row, Container)

    assert replace(container_view(row), pk=None) == view
