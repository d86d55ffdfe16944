"""Reads how far the installation of a cluster is, for its page."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from inventory.models import Cluster
from inventory.operations import Refused
from inventory.snapshot import load_topology
from inventory.topology import Topology
from provisioning.durations import usual
from provisioning.estimate import Durations, Estimate, Work, estimate
from provisioning.installation import GuideStep, Known, Past, Progress, guide
from provisioning.models import CheckResult, Preflight, Run
from provisioning.runbook.load import RunbookError, load_runbooks
from provisioning.services import make_plan
from provisioning.services.holding import held_by, is_stale, latest_preflight
from provisioning.states import DONE, RunKind, RunStatus
from provisioning.steps import CompiledStep, Plan, Stage

# In the words of the badges that every page has.
BADGES = {
    Progress.NOT_NEEDED: "retired",
    Progress.NO_NODES: "planned",
    Progress.NO_RUNBOOK: "info",
    Progress.NOT_BEGUN: "planned",
    Progress.RUNNING: "installing",
    Progress.FAILED: "failed",
    Progress.CHANGED: "warning",
    Progress.DONE: "ok",
}


@dataclass(frozen=True)
class GuideRow:
    """A step as the page shows it."""

    guide: GuideStep
    badge: str
    role_names: list[str]
    nameless: list[str]
    expected: Estimate
    held_by: list[CheckResult]
    runs: list[Run]


def installation(cluster: Cluster) -> dict[str, Any]:
    """Return the page's context: the steps, the preflight, and what is wrong with runbooks."""
    topology = load_topology(cluster)
    made, fault = _plan(topology)
    steps = guide(topology, _known(cluster, topology, made))
    preflight = latest_preflight(cluster)
    works = {(step.key, step.kind) for step in made.steps}
    durations = usual(works, kind=RunKind.APPLY)
    rows = [_row(topology, step, preflight, durations) for step in steps]
    return {
        "cluster": cluster,
        "rows": rows,
        "fault": fault,
        "preflight": preflight,
        "preflight_is_stale": preflight is not None and is_stale(preflight),
        "held_by": held_by(preflight, made),
        "is_running": any(row.guide.progress == Progress.RUNNING for row in rows),
        "done": sum(row.guide.progress == Progress.DONE for row in rows),
        "in_use": sum(bool(row.guide.machines) for row in rows),
    }


def guide_step(cluster: Cluster, number: int) -> GuideStep | None:
    """Return one step as it stands now, None when the order has no such number."""
    topology = load_topology(cluster)
    made, _ = _plan(topology)
    steps = guide(topology, _known(cluster, topology, made))
    return next((step for step in steps if step.number == number), None)


def _plan(topology: Topology) -> tuple[Plan, str]:
    """Return today's plan, and why there is none."""
    try:
        return make_plan(topology), ""
    except Refused as refused:
        return Plan((), {}), str(refused)


def _known(cluster: Cluster, topology: Topology, made: Plan) -> Known:
    """Read what is known beside the topology."""
    planned: defaultdict[str, list[CompiledStep]] = defaultdict(list)
    for step in made.steps:
        planned[step.role].append(step)
    try:
        runbooks = load_runbooks(topology.platform.key, directories=settings.RUNBOOK_DIRS)
    except RunbookError:
        runbooks = {}
    return Known(
        runbooks=frozenset(runbooks),
        planned={role: tuple(steps) for role, steps in planned.items()},
        pasts={role: past for role in planned if (past := _past(cluster, role))},
    )


def _past(cluster: Cluster, role: str) -> Past | None:
    """Read what the last whole run of a role did."""
    runs = Run.objects.filter(cluster=cluster, kind=RunKind.APPLY, components=[])
    # A plan that nobody started has done nothing.
    begun = runs.exclude(status=RunStatus.PLANNED).order_by("-requested_at")
    run = begun.filter(steps__role=role).first()
    if run is None:
        return None
    steps = list(run.steps.filter(role=role).only("hash", "status", "started_at", "finished_at"))
    begins = [step.started_at for step in steps if step.started_at]
    ends = [step.finished_at for step in steps if step.finished_at]
    return Past(
        run=run.pk,
        is_active=run.is_active,
        all_done=all(step.status in DONE for step in steps),
        hashes=frozenset(step.hash for step in steps),
        started_at=min(begins, default=None),
        finished_at=max(ends, default=None),
    )


def _row(
    topology: Topology, step: GuideStep, preflight: Preflight | None, durations: Durations
) -> GuideRow:
    """Put a step together for the page."""
    return GuideRow(
        guide=step,
        badge=BADGES[step.progress],
        role_names=[topology.role(role).name for role in step.step.roles],
        nameless=[topology.role(role).name for role in step.without_runbook],
        expected=estimate(_works(step), durations),
        held_by=held_by(preflight, Plan((Stage("own", "own", step.planned),), {})),
        runs=list(Run.objects.filter(pk__in={past.run for past in step.pasts})),
    )


def _works(step: GuideStep) -> list[Work]:
    """Return what a step would do, as the estimate wants it: stage by stage."""
    stages = list(dict.fromkeys((planned.role, planned.component) for planned in step.planned))
    works = [
        Work(
            stage=stages.index((planned.role, planned.component)),
            container=planned.container,
            key=planned.key,
            kind=planned.kind,
            serial=planned.serial,
            by_hand=bool(planned.manual),
        )
        for planned in step.planned
    ]
    return sorted(works, key=lambda work: work.stage)
