"""From a topology and runbooks to a plan: pure, deterministic, complete."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from provisioning.steps import Plan

if TYPE_CHECKING:
    from inventory.topology import Topology


def plan(
    topology: "Topology", runbooks: Mapping[str, Any], *, roles: Iterable[str] | None = None
) -> Plan:
    """Return what has to be done, in order, to bring the topology's nodes into being.

    `runbooks` maps role keys to runbooks (`provisioning.runbook.load.load_runbooks`); `roles`
    limits the plan to some roles. Nodes that are active already are planned too: a second run
    verifies them.
    """
    raise NotImplementedError
