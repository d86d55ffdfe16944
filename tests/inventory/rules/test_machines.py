"""Machines: their systems, sizes, disks and states."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from inventory.changes import ChangeCluster, ChangeContainer, MoveNode
from inventory.rules import propose
from inventory.topology import DiskView, Topology
from tests.inventory.rules.pictures import about, changed, cluster, outcome, with_idle


def on(topology: Topology, node: str, **fields: object) -> Topology:
    """Change the machine of a node."""
    view = topology.container_of(topology.nodes[node])
    assert view
    return topology.with_container(replace(view, **fields))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("platform", "system", "version", "expected"),
    [
        ("voipnow", "rhel", "7.9", "nothing"),
        ("voipnow", "rhel", "8.6", "nothing"),
        ("voipnow", "centos", "7", "nothing"),
        ("voipnow", "rhel", "9.1", "refuse"),
        ("voipnow", "rhel", "6.6", "refuse"),
        ("voipnow", "debian", "13", "refuse"),
        ("ring2all", "debian", "13", "nothing"),
        ("ring2all", "debian", "12", "refuse"),
    ],
)
def test_a_release_has_its_operating_systems(
    platform: str, system: str, version: str, expected: str
) -> None:
    """R18, R156, K11."""
    role = "worker" if platform == "voipnow" else "portal"
    topology = on(cluster(role, platform=platform), f"{role}-1", os_id=system, os_version=version)

    assert outcome(about(topology, "operating-system-supported")) == expected


def test_a_system_of_an_older_release_is_said_to_be_one() -> None:
    """R19."""
    topology = on(cluster("worker"), "worker-1", os_id="rhel", os_version="6.6")

    (finding,) = about(topology, "operating-system-supported")

    assert "supported in an older release only: VoipNow before 5" in finding.message
    assert {"000", "001"} <= {source.document for source in finding.sources}


def test_a_system_of_a_newer_release_is_not_called_older() -> None:
    topology = on(cluster("worker", release="legacy"), "worker-1", os_id="rhel", os_version="8")

    (finding,) = about(topology, "operating-system-supported")

    assert "It is supported elsewhere: VoipNow 5 and VoipNow 5.7." in finding.message


def test_a_change_of_release_is_judged_by_the_systems_that_run() -> None:
    """R18, K11."""
    topology = on(cluster("worker"), "worker-1", os_id="rhel", os_version="8.6")

    older = changed(topology, "operating-system-supported", ChangeCluster({"release": "legacy"}))
    same = changed(topology, "operating-system-supported", ChangeCluster({"name": "Other"}))

    assert (outcome(older), outcome(same)) == ("refuse", "nothing")


def test_a_single_node_is_not_bound_to_the_list_for_distributed_clusters() -> None:
    """S3."""
    topology = on(cluster("worker"), "worker-1", os_id="debian", os_version="13")
    single = replace(topology, cluster=replace(topology.cluster, kind="single_node"))

    assert about(single, "operating-system-supported") == []


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (datetime(2024, 6, 30, tzinfo=UTC), "nothing"),
        (datetime(2024, 7, 1, tzinfo=UTC), "warn"),
    ],
)
def test_a_system_past_its_end_of_life_is_warned_about(day: datetime, expected: str) -> None:
    """K11."""
    topology = on(cluster("worker", "worker"), "worker-1", os_id="centos", os_version="7")
    topology = replace(topology, now=day)

    found = [f for f in about(topology, "operating-system-maintained") if "CentOS" in f.message]

    assert outcome(found) == expected
    assert [f.weight for f in found] == ([1] if expected == "warn" else [])


@pytest.mark.parametrize(
    ("role", "vcpus", "memory_gib", "disk_gib"),
    [
        ("database", 4, 16, 465),
        ("file-server", 2, 4, 931),
        ("admin", 4, 8, 46),
        ("portal", 2, 2, 18),
        ("switchboard", 2, 2, 18),
        ("api", 4, 8, 46),
        ("telephony", 4, 8, 93),
    ],
)
def test_a_machine_has_the_vendors_minimum(
    role: str, vcpus: int, memory_gib: int, disk_gib: int
) -> None:
    """R113 to R120: the minimum is the last allowed, one less of anything the first refused."""
    exact = {
        "vcpus": vcpus,
        "memory_mib": memory_gib * 1024,
        "disks": (DiskView("/dev/sda", disk_gib, "ssd"),),
    }
    topology = on(cluster(role, platform="ring2all"), f"{role}-1", **exact)
    less: tuple[dict[str, object], ...] = (
        {"vcpus": vcpus - 1},
        {"memory_mib": memory_gib * 1024 - 1},
        {"disks": (DiskView("/dev/sda", disk_gib - 1, "ssd"),)},
    )

    assert about(topology, "hardware-minimum") == []
    for fields in less:
        short = about(on(topology, f"{role}-1", **fields), "hardware-minimum")
        assert outcome(short) == "refuse", fields


@pytest.mark.parametrize(
    ("role", "kind", "expected"),
    [
        ("database", "ssd", "nothing"),
        ("database", "nvme", "nothing"),
        ("database", "hdd", "ask"),
        ("file-server", "hdd", "nothing"),
    ],
)
def test_databases_want_solid_state(role: str, kind: str, expected: str) -> None:
    """R121: a warning, to be answered for before a run."""
    topology = on(
        cluster(role, platform="ring2all"), f"{role}-1", disks=(DiskView("/dev/sda", 2000, kind),)
    )

    assert outcome(about(topology, "solid-state")) == expected
    assert about(topology, "hardware-minimum") == []


@pytest.mark.parametrize(("data", "expected"), [("nvme", "nothing"), ("hdd", "ask")])
def test_the_disks_for_data_are_the_ones_that_count(data: str, expected: str) -> None:
    """R121, R155."""
    disks = (DiskView("/dev/sda", 20, "ssd"), DiskView("/dev/sdb", 500, data, "database"))
    topology = on(cluster("database", platform="ring2all"), "database-1", disks=disks)

    assert outcome(about(topology, "solid-state")) == expected


@pytest.mark.parametrize(
    ("role", "purposes", "expected"),
    [
        ("database", ("system",), "warn"),
        ("database", ("system", "database"), "nothing"),
        ("file-server", ("system", "storage"), "nothing"),
        ("file-server", ("system",), "warn"),
        ("portal", ("system",), "nothing"),
    ],
)
def test_data_has_a_disk_of_its_own(role: str, purposes: tuple[str, ...], expected: str) -> None:
    """R155."""
    disks = tuple(
        DiskView(f"/dev/sd{letter}", 1000, "ssd", purpose)
        for letter, purpose in zip("ab", purposes, strict=False)
    )
    topology = on(cluster(role, platform="ring2all"), f"{role}-1", disks=disks)

    assert outcome(about(topology, "dedicated-disk")) == expected


@pytest.mark.parametrize(
    ("state", "expected"),
    [("running", "nothing"), ("stopped", "warn"), ("failed", "warn"), ("retired", "refuse")],
)
def test_a_node_runs_on_a_machine_that_is_there(state: str, expected: str) -> None:
    """R4, R7."""
    assert outcome(about(on(cluster("worker"), "worker-1", state=state), "container-runs")) == (
        expected
    )


def test_a_machine_that_failed_can_be_recorded_as_failed() -> None:
    topology = cluster("worker")
    view = topology.containers["worker-1"]

    found = changed(
        topology, "container-runs", ChangeContainer("worker-1", replace(view, state="failed"))
    )

    assert outcome(found) == "warn"


def test_a_failed_machine_is_not_retired_while_a_node_is_on_it() -> None:
    """R4: what was a warning must not hide the refusal."""
    topology = on(cluster("worker"), "worker-1", state="failed")
    view = topology.containers["worker-1"]

    found = changed(
        topology, "container-runs", ChangeContainer("worker-1", replace(view, state="retired"))
    )

    assert outcome(found) == "refuse"


@pytest.mark.parametrize(
    ("key", "fields"),
    [
        ("hardware-minimum", {"vcpus": 1}),
        ("operating-system-supported", {"os_version": "12"}),
        ("container-runs", {"state": "failed"}),
    ],
)
def test_the_fix_is_another_machine_that_suits(key: str, fields: dict[str, object]) -> None:
    topology = cluster("portal", "portal", platform="ring2all")
    topology = on(with_idle(topology, "spare-04"), "portal-1", **fields)
    (finding,) = about(topology, key)

    assert propose(topology, finding) == MoveNode("portal-1", "spare-04")


def test_a_machine_that_has_to_be_answered_for_is_not_proposed() -> None:
    """R121: of idle machines the fix takes the one with solid state, and no other."""
    spinning = (DiskView("/dev/sda", 2000, "hdd"),)
    topology = on(cluster("database", platform="ring2all"), "database-1", disks=spinning)
    slow = with_idle(topology, "a-slow", disk_kind="hdd")
    view = with_idle(topology, "b-fast", private="10.203.9.9").containers["b-fast"]
    (finding,) = about(slow, "solid-state")

    assert propose(slow, finding) is None
    assert propose(slow.with_container(view), finding) == MoveNode("database-1", "b-fast")


def test_there_is_no_fix_without_a_machine_that_suits() -> None:
    topology = on(cluster("portal", "portal", platform="ring2all"), "portal-1", vcpus=1)
    (finding,) = about(topology, "hardware-minimum")

    assert propose(topology, finding) is None


def test_a_role_that_the_release_lacks_is_refused() -> None:
    """S15."""
    topology = cluster("elasticsearch")

    assert about(topology, "role-in-release") == []
    gone = changed(topology, "role-in-release", ChangeCluster({"release": "5.7"}))
    assert outcome(gone) == "refuse"
