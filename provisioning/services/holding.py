"""What a preflight means for a run: which failed checks hold it back, and for how long."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.utils import timezone

from inventory.host_checks import BY_KEY
from inventory.models import Cluster
from inventory.platforms.facts import Source
from inventory.rules import Blocks, Finding, Severity
from provisioning.checks.sight import COMPONENT
from provisioning.models import CheckResult, Preflight
from provisioning.obstacles import Obstacle, obstacle
from provisioning.states import CheckOutcome
from provisioning.steps import Plan

# After so many days the machines may well be others than they were.
STALE_AFTER = timedelta(days=7)
# Components of runbooks that mend what a check finds.
MENDING = frozenset({"names", "time", "firewall"})


def only_mends(components: Iterable[str] | None) -> bool:
    """Tell whether a run of these components is there to mend what checks found."""
    chosen = set(components or ())
    return bool(chosen) and chosen <= MENDING


def latest_preflight(cluster: Cluster) -> Preflight | None:
    """Return the last preflight that came to its end: it speaks for the cluster."""
    return Preflight.objects.filter(cluster=cluster).done().order_by("-finished_at").first()


def is_stale(preflight: Preflight) -> bool:
    """Tell whether it was so long ago that one had better look again."""
    return bool(preflight.finished_at and preflight.finished_at < timezone.now() - STALE_AFTER)


def held_by(preflight: Preflight | None, made: Plan) -> list[CheckResult]:
    """Return the failed checks on machines of a plan that the plan does not mend itself."""
    if preflight is None:
        return []
    mended = {(step.container, f"{COMPONENT}{step.component}") for step in made.steps}
    machines = {step.container for step in made.steps}
    failed = preflight.results.filter(outcome=CheckOutcome.FAILED, container_name__in=machines)
    return [
        result
        for result in failed
        if (result.container_name, result.fix) not in mended and result.key in BY_KEY
    ]


def holding_back(cluster: Cluster, made: Plan) -> list[Finding]:
    """Return what the last preflight has against a plan; a missing one has nothing."""
    return [_finding(result) for result in held_by(latest_preflight(cluster), made)]


def active_preflight(cluster: Cluster) -> Finding | None:
    """Say that a preflight holds ports on the machines, if it does."""
    active = Preflight.objects.filter(cluster=cluster).active().first()
    if active is None:
        return None
    words = (
        f"A preflight of {cluster} is on its way, begun by {active.requested_by_name}: it holds "
        "ports on the machines for a moment. Wait until it is done."
    )
    return obstacle("preflight_active", "cluster", words)


def _finding(result: CheckResult) -> Obstacle:
    """Put a failed check into the words of what stands in a run's way."""
    requirements = BY_KEY[result.key].requirements
    return Obstacle(
        key="preflight",
        rule=requirements[0] if requirements else "V3",
        severity=Severity.ERROR,
        blocks=Blocks.RUN,
        subject=f"container:{result.container_name}",
        source=Source(document=result.source_document, text=result.source_text),
        params={"sentence": result.sentence, "check": result.key, "remedy": result.remedy},
    )
