"""What an import writes, through operations and rules: all of it or nothing."""

from typing import Any

import pytest

from inventory.interchange.importing import RefusedImport, Stale
from inventory.models import Change, Cluster, Container, Fact, Network, Node, Placement
from inventory.snapshot import load_topology
from tests.factories import make_cluster, make_container, make_database_cluster, make_node
from tests.inventory.interchange.files import CONTAINERS, container_row, exports, table, take

pytestmark = pytest.mark.django_db


def rows_of(*models: Any) -> dict[str, list[dict[str, Any]]]:
    """Return every row of some models."""
    return {m.__name__: list(m.objects.order_by("pk").values()) for m in models}


EVERYTHING = (Cluster, Network, Container, Node, Placement, Fact, Change)


def test_a_dry_run_says_what_would_change_and_writes_nothing() -> None:
    cluster = make_database_cluster("alpha", nodes=2)
    text = exports(cluster)["containers.csv"].replace("pg-node-01,running", "pg-node-01,stopped")
    row = "new-1,running,debian,13,x86_64,4,16384,,alpha-private=10.203.0.99,,,,no,22,private,"
    before = rows_of(*EVERYTHING)

    outcome = take(text + row, cluster, dry_run=True)

    assert [(s.action, s.kind, s.name, s.row) for s in outcome.steps] == [
        ("changed", "container", "pg-node-01", 2),
        ("added", "container", "new-1", 4),
    ]
    assert outcome.steps[0].details == ("state: running → stopped",)
    assert outcome.unchanged == {"container": 1}
    assert rows_of(*EVERYTHING) == before


def test_a_dry_run_of_a_new_cluster_writes_nothing() -> None:
    cluster = make_database_cluster("alpha")
    text = exports(cluster)["cluster.yaml"].replace("alpha", "beta").replace("10.203.", "10.213.")
    before = rows_of(*EVERYTHING)

    outcome = take(text, None, what="cluster", form="yaml", dry_run=True)

    assert outcome.count("added") == 1 + 2 + 3 + 3
    assert rows_of(*EVERYTHING) == before


def test_an_import_adds_changes_moves_and_removes_as_one_and_logs_each() -> None:
    cluster = make_database_cluster("alpha", nodes=3)
    make_container(cluster, "spare", private="10.203.0.90")
    text = table(
        "name,container,roles,auto_replace",
        "pg-node-01,spare,database,yes",
        "pg-node-02,pg-node-02,database,no",
        "pg-node-04,pg-node-01,database,no",
    )

    outcome = take(text, cluster, what="nodes", remove=True)

    nodes = load_topology(cluster).nodes
    assert {name: node.container for name, node in nodes.items()} == {
        "pg-node-01": "spare",
        "pg-node-02": "pg-node-02",
        "pg-node-04": "pg-node-01",
    }
    assert nodes["pg-node-01"].auto_replace
    assert [outcome.count(a) for a in ("added", "changed", "removed")] == [1, 1, 1]
    logged = Change.objects.order_by("pk").values_list("operation", flat=True)
    assert [*logged][-4:] == ["RemoveNode", "MoveNode", "ChangeNode", "AddNode"]
    assert Placement.objects.filter(node__name="pg-node-01").count() == 2  # its past stays


def test_what_the_file_lacks_stays_unless_asked() -> None:
    cluster = make_database_cluster("alpha", nodes=2)

    take(table(CONTAINERS, container_row("new", 77)), cluster)

    assert set(load_topology(cluster).containers) == {"new", "pg-node-01", "pg-node-02"}


def test_columns_that_the_file_lacks_stay_and_empty_cells_are_none() -> None:
    cluster = make_cluster("alpha")
    make_container(cluster, "web", private="10.203.0.9", virtualisation_ha="vSphere HA")

    take(table("name,vcpus", "web,8"), cluster)
    assert (Container.objects.get().vcpus, Container.objects.get().virtualisation_ha) == (
        8,
        "vSphere HA",
    )

    take(table("name,virtualisation_ha,disks", "web,,"), cluster)
    row = Container.objects.get()
    assert (row.virtualisation_ha, row.disks.count(), row.addresses.count()) == ("", 0, 1)


def test_containers_can_swap_and_shift_their_addresses() -> None:
    cluster = make_cluster("alpha")
    for number in (1, 2, 3):
        make_container(cluster, f"web-{number}", private=f"10.203.0.{number}")
    text = table(
        "name,addresses,os_id,os_version,vcpus,memory_mib",
        "web-1,alpha-private=10.203.0.2,debian,13,4,16384",
        "web-2,alpha-private=10.203.0.1,debian,13,4,16384",
        "web-3,alpha-private=10.203.0.4,debian,13,4,16384",
        "web-4,alpha-private=10.203.0.3,debian,13,4,16384",
    )

    take(text, cluster)

    containers = load_topology(cluster).containers
    assert [str(containers[f"web-{n}"].addresses[0].ip)[-1] for n in (1, 2, 3, 4)] == [*"2143"]


def test_a_rules_no_refuses_the_whole_file_and_names_the_line() -> None:
    cluster = make_cluster("alpha")
    text = table(
        CONTAINERS,
        container_row("good", 50),
        container_row("outside", 51).replace("10.203.0.51", "10.99.0.51"),
        container_row("twin-1", 52),
        container_row("twin-2", 52),
    )
    before = rows_of(*EVERYTHING)

    dry = take(text, cluster, dry_run=True)
    with pytest.raises(RefusedImport) as error:
        take(text, cluster)

    assert dry.refused
    assert rows_of(*EVERYTHING) == before
    lines = {f.subject: error.value.outcome.rows[f.subject] for f in error.value.findings}
    assert lines["container:outside"] == 3
    assert {"container:twin-1", "container:twin-2"} & set(lines)
    assert "container:good" not in lines


def test_a_file_is_judged_as_a_whole_not_row_by_row() -> None:
    """Together the last row makes good what the first alone would be refused for."""
    cluster = make_cluster("alpha")
    make_container(cluster, "a", private="10.203.0.1")
    make_container(cluster, "b", private="10.203.0.2")

    outcome = take(
        table("name,addresses", "a,alpha-private=10.203.0.2", "b,alpha-private=10.203.0.3"), cluster
    )

    assert not outcome.refused


def test_a_plan_that_is_another_by_now_is_shown_again_instead_of_carried_out() -> None:
    cluster = make_database_cluster("alpha", nodes=1)
    text = table("name,vcpus", "pg-node-01,8")
    shown = take(text, cluster, dry_run=True)
    take(table("name,vcpus", "pg-node-01,6"), cluster)

    with pytest.raises(Stale) as error:
        take(text, cluster, expected=shown.digest)

    assert error.value.outcome.steps[0].details == ("vcpus: 6 → 8",)
    assert Container.objects.get().vcpus == 6
    take(text, cluster, expected=error.value.outcome.digest)
    assert Container.objects.get().vcpus == 8


def test_a_plan_of_a_new_cluster_stays_the_same_until_it_is_carried_out() -> None:
    cluster = make_database_cluster("alpha")
    text = exports(cluster)["cluster.yaml"].replace("alpha", "beta").replace("10.203.", "10.213.")
    shown = take(text, None, what="cluster", form="yaml", dry_run=True)

    outcome = take(text, None, what="cluster", form="yaml", expected=shown.digest)

    assert outcome.digest == shown.digest
    assert Cluster.objects.get(slug="beta").containers.count() == 3


def test_typed_values_are_imported_and_only_those_that_differ() -> None:
    cluster = make_database_cluster("alpha", nodes=1)
    text = exports(cluster)["cluster.yaml"].replace(
        "facts: []", "facts:\n- {subject: cluster, key: extensions, value: 250}"
    )

    first = take(text, cluster, what="cluster", form="yaml")
    second = take(text, cluster, what="cluster", form="yaml")

    assert [step.kind for step in first.steps] == ["fact"]
    assert second.steps == ()
    assert Fact.objects.get(key="extensions").value == 250


def test_a_locked_role_is_not_unlocked_by_an_import() -> None:
    cluster = make_cluster("vn", platform="voipnow")
    topology = load_topology(cluster)
    system = topology.release.operating_systems[0]
    for number in (1, 2):
        machine = make_container(
            cluster,
            f"ddb-{number}",
            private=f"10.203.0.{number + 10}",
            os_id=system.id,
            os_version=system.version,
            vcpus=16,
            memory_mib=65536,
            disk_gib=2000,
        )
        if number == 1:
            make_node(machine, "ddb-1", "distributed-database", group="A")
    Cluster.objects.update(state="live")

    with pytest.raises(RefusedImport) as error:
        take(
            table("name,container,roles", "ddb-2,ddb-2,distributed-database@B"),
            Cluster.objects.get(),
            what="nodes",
        )

    assert "R82" in {finding.rule for finding in error.value.findings}
