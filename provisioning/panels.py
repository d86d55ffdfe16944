"""The parts of a run's page: its whole state, what changed of it, and the log's panel."""

from typing import Any

from django.utils import timezone

from provisioning import log
from provisioning.board import StageRow, mark, open_work, progress, stage_rows
from provisioning.changes import Seen, stage_changes
from provisioning.durations import durations
from provisioning.estimate import Estimate, estimate
from provisioning.failures import failures
from provisioning.log import Scope
from provisioning.models import Run


def run_context(run: Run, *, opened: str = "") -> dict[str, Any]:
    """Return all of a run's state; `opened` is the number of a stage that a reader asks for."""
    stages = stage_rows(run)
    context = _summary(run, stages)
    return context | {
        "failures": failures(run),
        "failures_mark": _failures_mark(stages),
        "stages": [
            (number, stage, stage.is_open or str(number) == opened)
            for number, stage in enumerate(stages, 1)
        ],
    }


def run_changes(run: Run, seen: Seen) -> dict[str, Any] | None:
    """Return what has changed since a browser saw it; None when nothing has."""
    stages = stage_rows(run)
    context = _summary(run, stages)
    failures_mark = _failures_mark(stages)
    changes = stage_changes(stages, seen)
    has_failures = failures_mark != seen.failures
    has_summary = context["summary_mark"] != seen.summary
    if not (changes or has_failures or has_summary):
        return None
    return context | {
        "changes": changes,
        "has_summary": has_summary,
        "has_failures": has_failures,
        "failures": failures(run) if has_failures else [],
        "failures_mark": failures_mark,
    }


def log_context(scope: Scope) -> dict[str, Any]:
    """Return the last page of a log, and what its panel offers."""
    goes_on = scope.run.is_active
    page = log.tail(scope)
    names = scope.run.steps.order_by("container_name").values_list("container_name", flat=True)
    return {
        "scope": scope,
        "lines": page.lines,
        "older": page.older,
        "goes_on": goes_on,
        "containers": [] if scope.step else list(names.distinct()),
    }


def _summary(run: Run, stages: list[StageRow]) -> dict[str, Any]:
    """Return what stands above the stages, with its mark."""
    done = progress(stages)
    left = _left(run, stages)
    locks = list(run.locks.select_related("container")) if run.is_active else []
    return {
        "run": run,
        "cluster": run.cluster,
        "progress": done,
        "left": left,
        "locks": locks,
        "summary_mark": mark((run.status, run.reason, run.epoch, done, left.words, len(locks))),
    }


def _left(run: Run, stages: list[StageRow]) -> Estimate:
    """Return what is left of a run that is on its way or only planned."""
    if not (run.is_active or run.can_start):
        return Estimate(0)
    return estimate(open_work(stages, timezone.now()), durations(run))


def _failures_mark(stages: list[StageRow]) -> str:
    """Return a mark that differs when something else failed."""
    return mark((cell.pk, cell.message) for stage in stages for cell in stage.cells if cell.is_bad)
