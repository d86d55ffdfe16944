"""Names of machines in the networks."""

from dataclasses import replace

import pytest

from inventory.rules import Severity
from tests.inventory.rules.networked import (
    having,
)
from tests.inventory.rules.pictures import about, cluster, outcome


@pytest.mark.parametrize(("kind", "number"), [("private", "R49"), ("public", "R51")])
def test_addresses_have_names_and_in_a_cloud_that_is_only_told(kind: str, number: str) -> None:
    """R49, R51, R52: one finding for a network, however many machines it has."""
    topology = cluster("sip", "sip", "sip")
    for index in range(1, 4):
        topology = having(topology, f"sip-{index}", "public", f"10.204.0.{index + 20}")
    in_cloud = replace(topology, cluster=replace(topology.cluster, infrastructure="cloud"))

    (finding,) = about(topology, f"{kind}-names")
    (told,) = about(in_cloud, f"{kind}-names")

    assert (finding.rule, finding.weight, outcome([finding])) == (number, 3, "warn")
    assert told.severity is Severity.INFO


def test_a_named_machine_is_not_asked_for_a_name() -> None:
    topology = having(cluster("worker"), "worker-1", "private", "10.203.0.9", "w.internal")

    assert about(topology, "private-names") == []


@pytest.mark.parametrize(
    ("second", "expected"), [("b.internal", "nothing"), ("A.internal", "warn")]
)
def test_a_private_name_belongs_to_one_machine(second: str, expected: str) -> None:
    topology = having(
        cluster("worker", "worker"), "worker-1", "private", "10.203.0.8", "a.internal"
    )
    topology = having(topology, "worker-2", "private", "10.203.0.9", second)

    assert outcome(about(topology, "names-unique")) == expected
