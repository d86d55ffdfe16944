"""The rules engine: `findings` of a cluster as it is, `check` of a change; pure."""

from inventory.rules import (
    addresses,
    availability,
    collocation,
    counts,
    groups,
    growth,
    load,
    locks,
    machines,
    networks,
    quorum,
    sizes,
    storage,
    systems,
    telephony,
)
from inventory.rules.base import RULES, Blocks, Finding, Rule, Scope, Severity
from inventory.rules.engine import check, findings, propose

__all__ = [
    "RULES",
    "Blocks",
    "Finding",
    "Rule",
    "Scope",
    "Severity",
    "addresses",
    "availability",
    "check",
    "collocation",
    "counts",
    "findings",
    "groups",
    "growth",
    "load",
    "locks",
    "machines",
    "networks",
    "propose",
    "quorum",
    "sizes",
    "storage",
    "systems",
    "telephony",
]
