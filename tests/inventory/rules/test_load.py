"""Nodes for the known load: the vendor's figure, and one in reserve."""

from dataclasses import replace
from typing import Any

import pytest

from inventory.changes import ChangeSet
from inventory.rules import propose
from inventory.topology import FactView, Topology
from tests.factories import NOW
from tests.inventory.rules.pictures import about, cluster, outcome, with_extensions, with_idle


def with_calls(topology: Topology, count: Any) -> Topology:
    """Let a number of concurrent calls be known."""
    fact = FactView("cluster", "concurrent_calls", count, NOW, "measured")
    return replace(topology, facts=(*topology.facts, fact))


def telephony(count: int, *, extensions: int = 0, calls: int = 0) -> Topology:
    """Picture so many telephony servers under a load."""
    topology = cluster(*["telephony"] * count, platform="ring2all")
    return with_calls(with_extensions(topology, extensions), calls)


@pytest.mark.parametrize(
    ("extensions", "calls", "needed"),
    [
        (1, 0, 2),
        (10_000, 0, 2),
        (10_001, 0, 3),
        (0, 1500, 2),
        (0, 1501, 3),
        (10_000, 1501, 3),
        (20_001, 1500, 4),
        (100_000, 15_000, 11),
    ],
)
def test_the_larger_of_extensions_and_calls_decides_and_one_is_spare(
    extensions: int, calls: int, needed: int
) -> None:
    enough = telephony(needed, extensions=extensions, calls=calls)
    short = telephony(needed - 1, extensions=extensions, calls=calls)

    assert about(enough, "count-for-load") == []
    (finding,) = about(short, "count-for-load")
    assert (finding.rule, outcome([finding])) == ("R129", "warn")
    assert finding.params["needed"] == needed


def test_an_unknown_load_needs_nothing() -> None:
    assert about(cluster("telephony", platform="ring2all"), "count-for-load") == []
    unknown = with_calls(cluster("telephony", platform="ring2all"), "many")
    assert about(unknown, "count-for-load") == []


def test_the_words_name_the_load_with_origin_and_age() -> None:
    (finding,) = about(telephony(1, extensions=25_000, calls=10), "count-for-load")

    assert "1 of 4 nodes" in finding.message
    assert "25000 extensions (typed, 12 days old)" in finding.message
    assert "10 concurrent calls (measured, just now)" in finding.message


def test_the_fix_adds_what_is_missing() -> None:
    topology = with_idle(telephony(1, extensions=15_000), "a", "b")
    (finding,) = about(topology, "count-for-load")

    fix = propose(topology, finding)

    assert isinstance(fix, ChangeSet)
    assert about(fix.apply(topology), "count-for-load") == []
