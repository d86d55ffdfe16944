"""Used against usable capacity, for each kind of reserve (S6)."""

import pytest

from inventory.platforms.facts import Reserve
from monitoring.headroom import Headroom, NodeLoad, headroom


def judge(reserve: Reserve, *loads: float | None, metric: str = "cpu_percent") -> Headroom:
    """Judge nodes of one size."""
    return headroom(metric, reserve, [NodeLoad(str(n), v) for n, v in enumerate(loads)])


def test_a_pool_must_carry_on_without_one_node() -> None:
    room = judge(Reserve.POOLED, 56, 56, 56, 56, 56)  # D = 280, U = 70, k = 5

    assert (room.used, room.usable, room.percent) == (280, 280, 100)


def test_a_pool_of_unequal_nodes_loses_its_largest() -> None:
    loads = [NodeLoad("a", 50, 8), NodeLoad("b", 50, 4), NodeLoad("c", 50, 4)]

    room = headroom("cpu_percent", Reserve.POOLED, loads)

    assert (room.used, room.usable) == (100, 70)
    assert room.percent == pytest.approx(142.86, abs=0.01)


def test_a_leader_must_fit_the_smallest_node_that_may_take_over() -> None:
    loads = [
        NodeLoad("a", 28, 8, leads=True),
        NodeLoad("b", 5, 8, leads=False),
        NodeLoad("c", 5, 4, leads=False),
    ]

    room = headroom("cpu_percent", Reserve.LEADER, loads)

    assert (room.used, room.usable, room.percent) == (28, 35, 80)


def test_a_small_leader_is_not_its_own_successor() -> None:
    loads = [NodeLoad("a", 28, 4, leads=True), NodeLoad("b", 5, 8), NodeLoad("c", 5, 8)]

    assert headroom("cpu_percent", Reserve.LEADER, loads).usable == 140


def test_without_a_known_leader_the_busiest_counts_as_one() -> None:
    assert judge(Reserve.LEADER, 7, 35, 7).percent == 50


@pytest.mark.parametrize("reserve", [Reserve.SHARDED, Reserve.REPLICATED_STORAGE])
def test_shards_and_replica_sets_are_judged_by_the_fullest(reserve: Reserve) -> None:
    assert judge(reserve, 10, 40, 20, metric="memory_used_percent").percent == 50


@pytest.mark.parametrize("reserve", list(Reserve))
def test_a_single_node_has_no_reserve_and_is_a_single_point_of_failure(reserve: Reserve) -> None:
    room = judge(reserve, 35)

    assert (room.usable, room.percent, room.single) == (100, 35, True)


def test_a_role_that_cannot_share_is_single_with_several_nodes_too() -> None:
    assert judge(Reserve.SINGLE, 10, 30).percent == 30


@pytest.mark.parametrize("reserve", [Reserve.POOLED, Reserve.SHARDED, Reserve.LEADER])
def test_a_node_that_was_not_measured_makes_the_sum_unknown_not_low(reserve: Reserve) -> None:
    room = judge(reserve, 10, None, 10)

    assert room.percent is None
    assert (room.seen, room.expected) == (2, 3)


def test_a_replica_that_was_not_measured_does_not_hide_the_leader() -> None:
    loads = [NodeLoad("a", 35, leads=True), NodeLoad("b", None)]

    assert headroom("cpu_percent", Reserve.LEADER, loads).percent == 50


def test_full_disks_stay_full_when_a_node_is_lost() -> None:
    assert judge(Reserve.POOLED, 10, 60, metric="disk_used_percent").percent == 75
