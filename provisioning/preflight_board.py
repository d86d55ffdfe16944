"""What the pages of preflights show: answers by machine or by check, and how many of each kind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from inventory.host_checks import BY_KEY, HOST_CHECKS, HostCheck
from inventory.models import Cluster
from provisioning.checks.sight import ADOPT, COMPONENT
from provisioning.models import CheckResult, Preflight
from provisioning.services.holding import is_stale, latest_preflight
from provisioning.states import CheckOutcome

# Shown at first: what somebody has to do something about.
TROUBLE = (CheckOutcome.FAILED, CheckOutcome.UNKNOWN, CheckOutcome.WARNING)
# In the words of the badges that every page has.
BADGES = {
    CheckOutcome.FAILED: "failed",
    CheckOutcome.UNKNOWN: "info",
    CheckOutcome.WARNING: "warning",
    CheckOutcome.PASSED: "ok",
    CheckOutcome.NOT_APPLICABLE: "planned",
}
GROUPS = {"container": "By machine", "check": "By check"}


@dataclass(frozen=True)
class Row:
    """An answer with what the page says beside it."""

    result: CheckResult
    check: HostCheck

    @property
    def badge(self) -> str:
        """Return the kind of its badge."""
        return BADGES[CheckOutcome(self.result.outcome)]

    @property
    def component(self) -> str:
        """Return the component of the runbooks that mends it, if one does."""
        fix = str(self.result.fix)
        return fix.removeprefix(COMPONENT) if fix.startswith(COMPONENT) else ""

    @property
    def may_adopt(self) -> bool:
        """Tell whether the inventory can take over what was measured."""
        return self.result.fix == ADOPT


@dataclass(frozen=True)
class Group:
    """The answers of one machine, or of one check on all machines."""

    key: str
    title: str
    rows: list[Row]
    counts: list[tuple[str, str, int]]


def preflight_context(cluster: Cluster, *, outcome: str = "", by: str = "") -> dict[str, Any]:
    """Return what the page shows: the last answers, and whether a look is on its way."""
    newest = Preflight.objects.filter(cluster=cluster).first()
    preflight = latest_preflight(cluster)
    results = list(preflight.results.all()) if preflight else []
    by = by if by in GROUPS else "container"
    outcome = outcome if outcome in CheckOutcome.values else ""
    shown = [row for row in results if not outcome or row.outcome == outcome]
    return {
        "cluster": cluster,
        "newest": newest,
        "preflight": preflight,
        "is_stale": preflight is not None and is_stale(preflight),
        "counts": counts(results),
        "total": len(results),
        "groups": _groups(shown, by),
        "by": by,
        "outcome": outcome,
        "ways": GROUPS.items(),
        "checks": HOST_CHECKS,
        "machines": cluster.containers.values_list("name", flat=True),
    }


def counts(results: Iterable[CheckResult]) -> list[tuple[str, str, int]]:
    """Count answers: outcome, its words, how many; the worst first."""
    outcomes = [result.outcome for result in results]
    return [
        (outcome.value, str(outcome.label), outcomes.count(outcome))
        for outcome in CheckOutcome
        if outcome in outcomes
    ]


def _groups(results: Sequence[CheckResult], by: str) -> list[Group]:
    """Put answers together, the machines or checks with trouble first."""
    found: dict[str, list[CheckResult]] = {}
    for result in results:
        found.setdefault(result.container_name if by == "container" else result.key, []).append(
            result
        )
    groups = [
        Group(
            key,
            key if by == "container" else BY_KEY[key].title,
            [Row(r, BY_KEY[r.key]) for r in sorted(rows, key=_badness)],
            counts(rows),
        )
        for key, rows in found.items()
    ]
    return sorted(groups, key=lambda group: min(_badness(row.result) for row in group.rows))


def _badness(result: CheckResult) -> int:
    """Order answers, the worst first."""
    return list(CheckOutcome).index(CheckOutcome(result.outcome))


def as_json(preflight: Preflight) -> dict[str, Any]:
    """Return all of a preflight for a download."""
    return {
        "id": str(preflight.pk),
        "cluster": preflight.cluster.slug,
        "status": preflight.status,
        "requested_by": preflight.requested_by_name,
        "started_at": preflight.started_at,
        "finished_at": preflight.finished_at,
        "counts": {key: count for key, _, count in counts(preflight.results.all())},
        "facts": preflight.facts,
        "results": [result.as_json() for result in preflight.results.all()],
    }
