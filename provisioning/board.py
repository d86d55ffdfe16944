"""What the run pages show: stages with their containers, how far they are, and log lines."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from provisioning.models import Line, Run, Step
from provisioning.states import BAD, DONE, StepStatus

# A page of log; the whole log is a download.
TAIL = 500


@dataclass(frozen=True)
class StageRow:
    """A stage: its steps by container, and how many of them are done."""

    title: str
    containers: list[tuple[str, list[Step]]]

    @property
    def steps(self) -> list[Step]:
        """Return all steps."""
        return [step for _, steps in self.containers for step in steps]

    @property
    def done(self) -> int:
        """Count what needs nothing more."""
        return sum(step.status in DONE for step in self.steps)

    @property
    def state(self) -> str:
        """Sum the stage up in one word: failed, running, done or pending."""
        statuses = {StepStatus(step.status) for step in self.steps}
        if statuses & BAD:
            return "failed"
        if statuses <= DONE:
            return "done"
        return "pending" if statuses == {StepStatus.PENDING} else "running"


@dataclass(frozen=True)
class Progress:
    """How far a run is, in steps."""

    total: int
    ok: int
    changed: int
    failed: int
    skipped: int
    running: int

    @property
    def done(self) -> int:
        """Count what needs nothing more."""
        return self.ok + self.changed + self.skipped


def stage_rows(run: Run) -> list[StageRow]:
    """Return a run's stages in order."""
    steps = run.steps.only(*_SHOWN).order_by("position")
    return [_stage(list(group)) for _, group in groupby(steps, key=lambda step: step.stage)]


def progress(stages: Iterable[StageRow]) -> Progress:
    """Count the outcomes of all steps."""
    statuses = [step.status for stage in stages for step in stage.steps]
    return Progress(
        total=len(statuses),
        ok=statuses.count(StepStatus.OK),
        changed=statuses.count(StepStatus.CHANGED),
        failed=statuses.count(StepStatus.FAILED) + statuses.count(StepStatus.LOST),
        skipped=statuses.count(StepStatus.SKIPPED),
        running=statuses.count(StepStatus.RUNNING),
    )


def lines_after(run: Run, cursor: int | None) -> list[Line]:
    """Return a run's next lines; without a cursor the latest page of them.

    One driver writes a run's lines in order, so their keys rise with them.
    """
    lines = Line.objects.filter(attempt__step__run=run).select_related("attempt__step")
    if cursor is None:
        return list(lines.order_by("-pk")[:TAIL])[::-1]
    return list(lines.filter(pk__gt=cursor).order_by("pk")[:TAIL])


_SHOWN = (
    "run",
    "stage",
    "stage_title",
    "position",
    "title",
    "container_name",
    "status",
    "message",
    "started_at",
    "finished_at",
)


def _stage(steps: list[Step]) -> StageRow:
    """Group a stage's steps by container, keeping their order."""
    containers: dict[str, list[Step]] = {}
    for step in steps:
        containers.setdefault(step.container_name, []).append(step)
    return StageRow(steps[0].stage_title, list(containers.items()))
