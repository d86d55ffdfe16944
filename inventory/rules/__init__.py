"""The rules engine: `findings` of a cluster as it is, `check` of a change; pure."""

from inventory.rules import addresses, counts, machines
from inventory.rules.base import RULES, Blocks, Finding, Rule, Severity
from inventory.topology import Topology

__all__ = [
    "RULES",
    "Blocks",
    "Finding",
    "Rule",
    "Severity",
    "addresses",
    "check",
    "counts",
    "findings",
    "machines",
]

_ORDER = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}


def findings(topology: Topology) -> list[Finding]:
    """Return what every rule says about a cluster, worst first, in a stable order."""
    found = [finding for rule in RULES.values() for finding in rule.check(topology)]
    return sorted(found, key=lambda f: (_ORDER[f.severity], f.rule, f.key, f.subject, f.role))


def check(before: Topology, after: Topology) -> list[Finding]:
    """Return what a change introduces or makes worse; what was there before refuses nothing."""
    worst = {_identity(finding): finding.weight for finding in findings(before)}
    return [
        finding for finding in findings(after) if finding.weight > worst.get(_identity(finding), 0)
    ]


def _identity(finding: Finding) -> tuple[str, str, str, str]:
    """Tell the same finding before and after a change."""
    about = str(finding.params.get("address", ""))
    return finding.key, finding.subject, finding.role, about
