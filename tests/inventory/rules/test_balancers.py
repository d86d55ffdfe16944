"""Balancers, and nodes that only a balancer makes reachable."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from inventory.changes import (
    DetachNetwork,
    RemoveBalancer,
    SetBalancer,
)
from inventory.rules import propose
from inventory.topology import Topology
from tests.inventory.rules.networked import (
    WEB,
    balanced,
    balancer,
    network_of,
    without,
)
from tests.inventory.rules.pictures import about, changed, cluster, outcome, with_idle


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


@pytest.mark.parametrize(
    ("instances", "kinds", "expected"),
    [
        ((1,), ("public",), 1),
        ((2,), ("public",), 0),
        ((1, 1), ("public", "public"), 0),
        ((1, 1), ("public", "private"), 2),
    ],
)
def test_two_balancers_on_the_same_way_are_redundant_too(
    instances: tuple[int, ...], kinds: tuple[str, ...], expected: int
) -> None:
    """R56: what is left when one is lost."""
    topology = cluster("web")
    for number, (count, kind) in enumerate(zip(instances, kinds, strict=True)):
        front = replace(balancer(topology, kind=kind), name=f"lb-{number}", instances=count)
        topology = SetBalancer(replace(front, ip=front.ip + number)).apply(topology)

    assert len(about(topology, "balancer-redundant")) == expected


@pytest.mark.parametrize(
    ("roles", "platform", "expected"),
    [
        (["web"], "voipnow", []),
        (["web", "web"], "voipnow", ["R56"]),
        (["sip", "sip"], "voipnow", []),
        (["admin"], "ring2all", []),
        (["admin", "admin"], "ring2all", ["R139"]),
        (["admin", "admin", "load-balancer"], "ring2all", []),
    ],
)
def test_several_nodes_have_a_balancer_in_front(
    roles: list[str], platform: str, expected: list[str]
) -> None:
    """R56, R139."""
    topology = cluster(*roles, platform=platform)
    front = replace(balancer(topology), role=roles[0])

    assert [f.rule for f in about(topology, "balancer-missing")] == expected
    assert about(SetBalancer(front).apply(topology), "balancer-missing") == []


def test_balancing_nodes_are_proposed_where_the_platform_has_them() -> None:
    topology = with_idle(cluster("admin", "admin", platform="ring2all"), "idle-1", "idle-2")
    (finding,) = about(topology, "balancer-missing")

    fix = propose(topology, finding)

    assert fix is not None
    assert len(fix.apply(topology).nodes_with("load-balancer")) == 2


def test_a_web_node_behind_a_balancer_cites_both_sentences() -> None:
    """K5: the table says required, the note says otherwise."""
    topology = balanced(without(cluster("web"), WEB, "public"))

    (finding,) = about(topology, "behind-balancer")

    texts = " ".join(source.text for source in finding.sources)
    assert "RequiredRequired" in texts
    assert "HTTP load balancer" in texts
