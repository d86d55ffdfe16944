"""What a run's page shows: stages with their containers and steps, in pieces that change alone.

A page of 2,000 steps is not sent again each second. Each piece has a mark of what it shows: the
browser sends the marks it has, and gets the pieces whose marks differ (`provisioning.changes`).
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import groupby, starmap
from uuid import UUID
from zlib import crc32

from provisioning.estimate import Work
from provisioning.models import Run
from provisioning.states import BAD, DONE, StepStatus

# Characters of a mark.
MARK = 4


@dataclass(frozen=True, slots=True)
class Cell:
    """A step as a row shows it."""

    pk: UUID
    stage: int
    stage_title: str
    title: str
    container: str
    status: str
    message: str
    key: str
    kind: str
    serial: bool
    manual: str
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def is_done(self) -> bool:
        """Tell whether it needs nothing more."""
        return self.status in DONE

    @property
    def is_bad(self) -> bool:
        """Tell whether it failed or was lost."""
        return self.status in BAD


@dataclass(frozen=True)
class ContainerRow:
    """The steps of one container within a stage."""

    name: str
    cells: list[Cell]

    @cached_property
    def done(self) -> int:
        """Count what needs nothing more."""
        return sum(cell.is_done for cell in self.cells)

    @cached_property
    def current(self) -> Cell | None:
        """Return the step it is at; None when all are done."""
        return next((cell for cell in self.cells if not cell.is_done), None)

    @cached_property
    def mark(self) -> str:
        """Return a mark that differs when a status or message does."""
        return mark((cell.status, cell.message) for cell in self.cells)


@dataclass(frozen=True)
class StageRow:
    """A stage with its containers."""

    title: str
    containers: list[ContainerRow]

    @cached_property
    def cells(self) -> list[Cell]:
        """Return all steps."""
        return [cell for row in self.containers for cell in row.cells]

    @cached_property
    def done(self) -> int:
        """Count what needs nothing more."""
        return sum(row.done for row in self.containers)

    @cached_property
    def state(self) -> str:
        """Sum the stage up in one word: failed, running, waiting, done or pending."""
        statuses = {StepStatus(cell.status) for cell in self.cells}
        if statuses & BAD:
            return "failed"
        if statuses <= DONE:
            return "done"
        if statuses <= DONE | {StepStatus.WAITING, StepStatus.PENDING} and (
            StepStatus.WAITING in statuses
        ):
            return "waiting"
        return "pending" if statuses == {StepStatus.PENDING} else "running"

    @property
    def is_open(self) -> bool:
        """Tell whether a reader sees it opened before choosing otherwise."""
        return self.state in {"failed", "running", "waiting"}

    @cached_property
    def started_at(self) -> datetime | None:
        """Return when its first step began."""
        return min((cell.started_at for cell in self.cells if cell.started_at), default=None)

    @cached_property
    def finished_at(self) -> datetime | None:
        """Return when its last step ended; None while any has not."""
        if self.state != "done":
            return None
        return max((cell.finished_at for cell in self.cells if cell.finished_at), default=None)

    @cached_property
    def mark(self) -> str:
        """Return a mark that differs when any of its rows does."""
        return mark(row.mark for row in self.containers)


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
    """Return a run's stages in order; one query of plain columns, for it is asked every second."""
    rows = run.steps.order_by("position").values_list(*_COLUMNS)
    cells = starmap(Cell, rows)
    return [_stage(list(group)) for _, group in groupby(cells, key=lambda cell: cell.stage)]


def progress(stages: Iterable[StageRow]) -> Progress:
    """Count the outcomes of all steps."""
    statuses = [cell.status for stage in stages for cell in stage.cells]
    return Progress(
        total=len(statuses),
        ok=statuses.count(StepStatus.OK),
        changed=statuses.count(StepStatus.CHANGED),
        failed=statuses.count(StepStatus.FAILED) + statuses.count(StepStatus.LOST),
        skipped=statuses.count(StepStatus.SKIPPED),
        running=statuses.count(StepStatus.RUNNING),
    )


def open_work(stages: Iterable[StageRow], now: datetime) -> list[Work]:
    """Return what is not done, as an estimate wants it."""
    return [
        Work(
            stage=cell.stage,
            container=cell.container,
            key=cell.key,
            kind=cell.kind,
            serial=cell.serial,
            by_hand=bool(cell.manual),
            elapsed_s=_elapsed_s(cell, now),
        )
        for stage in stages
        for row in stage.containers
        for cell in row.cells
        if not cell.is_done
    ]


def mark(parts: Iterable[object]) -> str:
    """Return four characters that differ when the parts do."""
    text = "\0".join(map(str, parts))
    return urlsafe_b64encode(crc32(text.encode()).to_bytes(4)[:3]).decode()


_COLUMNS = (
    "pk",
    "stage",
    "stage_title",
    "title",
    "container_name",
    "status",
    "message",
    "key",
    "kind",
    "serial",
    "manual",
    "started_at",
    "finished_at",
)


def _elapsed_s(cell: Cell, now: datetime) -> float:
    """Return for how long a step has been running."""
    if cell.status != StepStatus.RUNNING or not cell.started_at:
        return 0
    return (now - cell.started_at).total_seconds()


def _stage(cells: list[Cell]) -> StageRow:
    """Group a stage's steps by container, keeping their order."""
    containers: dict[str, list[Cell]] = {}
    for cell in cells:
        containers.setdefault(cell.container, []).append(cell)
    rows = [ContainerRow(name, cells) for name, cells in containers.items()]
    return StageRow(cells[0].stage_title, rows)
