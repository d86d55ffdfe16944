"""Balancers, and nodes that only a balancer makes reachable."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from inventory.changes import (
    DetachNetwork,
    RemoveBalancer,
    SetBalancer,
)
from inventory.topology import Topology
from tests.inventory.rules.networked import (
    WEB,
    balanced,
    balancer,
    network_of,
    without,
)
from tests.inventory.rules.pictures import about, changed, cluster, outcome


@pytest.mark.parametrize(
    ("role", "kind", "expected"),
    [
        ("web", "public", "nothing"),
        ("web", "private", "refuse"),
        ("sip", "public", "refuse"),
    ],
)
def test_a_public_balancer_stands_in_for_web_nodes_only(
    role: str, kind: str, expected: str
) -> None:
    """R41, K5."""
    topology = without(cluster(role), f"{role}-1", "public")
    topology = SetBalancer(replace(balancer(topology, kind=kind), role=role)).apply(topology)

    assert outcome(about(topology, "public-address-required")) == expected
    assert outcome(about(topology, "behind-balancer")) == (
        "note" if expected == "nothing" else "nothing"
    )


@pytest.mark.parametrize(
    "take",
    [
        lambda topology: RemoveBalancer("front"),
        lambda topology: SetBalancer(balancer(topology, kind="private")),
        lambda topology: SetBalancer(replace(balancer(topology), role="sip")),
        lambda topology: DetachNetwork(network_of(topology, "public").name),
    ],
)
def test_the_last_balancer_stays_while_a_node_relies_on_it(
    take: Callable[[Topology], RemoveBalancer],
) -> None:
    topology = balanced(without(cluster("web"), WEB, "public"))

    assert outcome(changed(topology, "public-address-required", take(topology))) == "refuse"


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"instances": 1}, "balancer-redundant"),
        ({"health_based": False}, "balancer-checks-health"),
    ],
)
def test_a_balancer_is_redundant_and_looks_at_health(fields: dict[str, object], key: str) -> None:
    """R56."""
    topology = cluster("web")

    assert about(balanced(topology), key) == []
    (finding,) = about(balanced(topology, **fields), key)
    assert (finding.rule, outcome([finding])) == ("R56", "warn")
