"""Machines between minimum and recommendation, and what adds up on one machine."""

from dataclasses import replace

import pytest

from inventory.changes import MoveNode
from inventory.rules import check, propose
from inventory.topology import DiskView, Topology
from tests.inventory.rules.pictures import about, cluster, outcome, with_idle


def sized(topology: Topology, name: str, vcpus: int, memory_mib: int, disk_gib: int) -> Topology:
    """Give a machine a size."""
    disks = (DiskView("/dev/sda", disk_gib, "ssd"),)
    view = replace(topology.containers[name], vcpus=vcpus, memory_mib=memory_mib, disks=disks)
    return topology.with_container(view)


def recommending(topology: Topology) -> Topology:
    """Let 8 vCPU and 16 GiB be recommended for the portal, which needs 2 vCPU and 2 GiB."""
    portal = topology.role("portal")
    assert portal.hardware
    hardware = portal.hardware.model_copy(
        update={"vcpu_recommended": 8, "memory_mib_recommended": 16384}
    )
    recommended = portal.model_copy(update={"hardware": hardware})
    roles = tuple(recommended if r.key == "portal" else r for r in topology.platform.roles)
    return replace(topology, platform=topology.platform.model_copy(update={"roles": roles}))


def shared(first: str, second: str, *, platform: str = "ring2all", **fields: str) -> Topology:
    """Picture two nodes on the machine of the first."""
    topology = cluster(first, second, platform=platform, **fields)
    moved = replace(topology.nodes[f"{second}-1"], container=f"{first}-1")
    return topology.with_node(moved).without_container(f"{second}-1")


@pytest.mark.parametrize(
    ("vcpus", "memory_mib", "expected"),
    [
        (8, 16384, "nothing"),
        (7, 16384, "warn"),
        (8, 16383, "warn"),
        (2, 2048, "warn"),
        (1, 16384, "nothing"),  # Below the minimum hardware-minimum refuses.
    ],
)
def test_less_than_recommended_is_warned_about(vcpus: int, memory_mib: int, expected: str) -> None:
    """R120: a warning between minimum and recommendation."""
    topology = sized(cluster("portal", platform="ring2all"), "portal-1", vcpus, memory_mib, 20)

    assert outcome(about(recommending(topology), "hardware-recommended")) == expected
    assert about(topology, "hardware-recommended") == []


def test_where_capacity_depends_on_the_size_that_is_said_instead() -> None:
    topology = sized(cluster("telephony", platform="ring2all"), "telephony-1", 8, 16384, 100)

    assert about(topology, "hardware-recommended") == []
    assert outcome(about(topology, "size-of-figure")) == "warn"


def test_roles_without_a_recommendation_have_their_minimum_only() -> None:
    topology = sized(cluster("database", platform="ring2all"), "database-1", 4, 16384, 465)

    assert about(topology, "hardware-recommended") == []


@pytest.mark.parametrize(
    ("vcpus", "memory_mib", "disk_gib", "expected"),
    [
        (6, 10240, 64, "nothing"),
        (5, 10240, 64, "warn"),
        (6, 10239, 64, "warn"),
        (6, 10240, 63, "warn"),
    ],
)
def test_minima_of_roles_on_one_machine_add_up(
    vcpus: int, memory_mib: int, disk_gib: int, expected: str
) -> None:
    """K2, S5: the sum warns, the largest refuses."""
    topology = sized(shared("admin", "portal"), "admin-1", vcpus, memory_mib, disk_gib)

    found = about(topology, "needs-add-up")

    assert outcome(found) == expected
    assert about(topology, "hardware-minimum") == []
    assert all("6 vCPU, 10 GiB memory and 64 GiB disk" in f.message for f in found)


def test_classes_have_no_sum_and_are_told_to_add_up() -> None:
    """S5, K21."""
    (finding,) = about(shared("web", "elasticsearch", platform="voipnow"), "needs-add-up")

    assert outcome([finding]) == "warn"
    assert "CPU high, memory high, I/O moderate at least, and their use adds up" in finding.message
    assert [source.document for source in finding.sources] == ["S5", "K2", "K21"]


def test_a_single_node_does_everything() -> None:
    topology = shared("web", "worker", platform="voipnow", kind="single_node")

    assert about(topology, "needs-add-up") == []


def test_the_fix_moves_one_node_away() -> None:
    topology = with_idle(sized(shared("admin", "portal"), "admin-1", 4, 8192, 50), "idle-1")
    (finding,) = about(topology, "needs-add-up")

    fix = propose(topology, finding)

    assert isinstance(fix, MoveNode)
    after = fix.apply(topology)
    assert about(after, "needs-add-up") == []
    assert not any(found.refuses_save for found in check(topology, after))
