"""The driver's one way to write: batches that commit only while its epoch is the newest."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from django.db.models import Max
from django.utils import timezone

from provisioning.engine.lease import holding
from provisioning.engine.lines import LineReader
from provisioning.engine.masking import Masker
from provisioning.engine.pace import Pace
from provisioning.models import Attempt, Line, Run, Step
from provisioning.states import Outcome, StepStatus
from voipadmin.bulk import update_rows

ATTEMPT_COLUMNS = (
    "outcome",
    "phase",
    "exit_code",
    "message",
    "byte_offset",
    "next_sequence",
    "partial",
    "begun_at",
    "finished_at",
)
LINES_AT_MOST = 5000
STEP_COLUMNS = ("status", "message", "started_at", "finished_at", "answer_by", "registered")
STEP_STATUS = {
    Outcome.OK: StepStatus.OK,
    Outcome.CHANGED: StepStatus.CHANGED,
    Outcome.SKIPPED: StepStatus.SKIPPED,
    Outcome.FAILED: StepStatus.FAILED,
    Outcome.LOST: StepStatus.LOST,
    Outcome.ASKS: StepStatus.WAITING,
}


@dataclass
class Open:
    """An attempt that has not ended, with its step and the reader of its output."""

    attempt: Attempt
    step: Step
    reader: LineReader


@dataclass
class Ledger:
    """Collects what happened and writes it: lines, offset and partial line commit together.

    So does what begins: its attempts are sent after the `write` that follows its `start`.
    """

    run: Run
    masker: Masker
    pace: Pace
    opened: dict[UUID, Open] = field(default_factory=dict)
    logins: dict[int | None, str] = field(default_factory=dict)
    _lines: list[Line] = field(default_factory=list)
    _attempts: dict[UUID, Attempt] = field(default_factory=dict)
    _steps: dict[UUID, Step] = field(default_factory=dict)
    _new: list[Attempt] = field(default_factory=list)
    _gone: list[UUID] = field(default_factory=list)
    _numbers: dict[UUID, int] = field(default_factory=dict)
    _written: float = 0

    def resume(self, steps: dict[UUID, Step]) -> list[Open]:
        """Take up what an earlier driver left open, and see how often each step was tried."""
        tried = Attempt.objects.filter(step__run=self.run).values_list("step")
        self._numbers = dict(tried.annotate(last=Max("number")).values_list("step", "last"))
        rows = Attempt.objects.filter(step__run=self.run, outcome="")
        return [self._open(attempt, steps[attempt.step_id]) for attempt in rows]

    def start(self, steps: Iterable[Step]) -> list[Open]:
        """Note that steps of one container begin, one after the other, each with a new attempt.

        The later ones stay pending until their turn has come on the host, which hears of nothing
        before a write.
        """
        first, *others = steps
        self._become_running(first)
        return [self._attempt(step) for step in (first, *others)]

    def begun(self, attempt: UUID) -> None:
        """Note that an attempt's turn has come on the target."""
        entry = self.opened[attempt]
        if entry.attempt.begun_at is None:
            entry.attempt.begun_at = timezone.now()
            self._attempts[attempt] = entry.attempt
        if entry.step.status == StepStatus.PENDING:
            self._become_running(entry.step)

    def withdrawn(self, attempt: UUID) -> Step:
        """Note that an attempt was never begun: as if it had not been made."""
        entry = self.opened.pop(attempt)
        self._numbers[entry.step.pk] -= 1
        self._attempts.pop(attempt, None)
        self._gone.append(attempt)
        return entry.step

    def printed(self, attempt: UUID, at: int, data: bytes) -> None:
        """Note what an attempt printed."""
        self._add(self.opened[attempt], self.opened[attempt].reader.feed(at, data))

    def troubled(self, attempt: UUID, message: str) -> None:
        """Note that a step waits for its host, or no longer does."""
        step = self.opened[attempt].step
        if step.message != message:
            step.message = self.masker.mask(message)
            self._steps[step.pk] = step

    def ended(
        self,
        attempt: UUID,
        outcome: Outcome,
        phase: str,
        exit_code: int | None,
        message: str,
        registered: str = "",
    ) -> Step:
        """Note the end of an attempt and what it makes of its step."""
        entry = self.opened.pop(attempt)
        if entry.step.status == StepStatus.PENDING:
            self._become_running(entry.step)
        self._add(entry, entry.reader.finish())
        now, message = timezone.now(), self.masker.mask(message)
        row = entry.attempt
        row.outcome, row.phase, row.exit_code = outcome, phase, exit_code
        row.message, row.partial, row.finished_at = message, "", now
        step = entry.step
        step.become(STEP_STATUS[outcome], message=message, finished_at=now)
        step.registered = self.masker.mask(registered)
        if outcome == Outcome.ASKS and step.answer_within_s:
            step.answer_by = now + timedelta(seconds=step.answer_within_s)
        self._steps[step.pk] = step
        return step

    def fail(self, step: Step, message: str) -> None:
        """Note that a step cannot even be tried."""
        step.become(
            StepStatus.FAILED, message=self.masker.mask(message), finished_at=timezone.now()
        )
        self._steps[step.pk] = step

    @property
    def is_full(self) -> bool:
        """Tell whether a write should not wait for more."""
        return len(self._lines) >= LINES_AT_MOST

    def write(self) -> Run | None:
        """Commit what was noted and renew the lease; returns the run's row when it was read.

        With nothing noted that happens at each heartbeat. Raises LeaseLostError.
        """
        noted = self._lines or self._attempts or self._steps or self._new or self._gone
        if not noted and time.monotonic() - self._written < self.pace.heartbeat_s:
            return None
        with holding(self.run, lease_s=self.pace.lease_s) as fresh:
            # What was lost ends before it is tried again: a step has one open attempt.
            update_rows(self._attempts.values(), ATTEMPT_COLUMNS)
            if self._gone:
                Attempt.objects.filter(pk__in=self._gone).delete()
            Attempt.objects.bulk_create(self._new)
            Line.objects.bulk_create(self._lines, batch_size=1000)
            update_rows(self._steps.values(), STEP_COLUMNS)
        self._lines, self._attempts, self._steps, self._new, self._gone = [], {}, {}, [], []
        self._written = time.monotonic()
        return fresh

    def _become_running(self, step: Step) -> None:
        """Note that a step is tried."""
        started_at = step.started_at or timezone.now()
        step.become(StepStatus.RUNNING, message="", started_at=started_at)
        self._steps[step.pk] = step

    def _attempt(self, step: Step) -> Open:
        """Make an attempt of a step."""
        self._numbers[step.pk] = number = self._numbers.get(step.pk, 0) + 1
        login = self.logins.get(step.container_id, "")
        attempt = Attempt(step=step, number=number, epoch=self.run.epoch, login=login)
        self._new.append(attempt)
        return self._open(attempt, step)

    def _open(self, attempt: Attempt, step: Step) -> Open:
        """Keep an attempt among the open ones."""
        reader = LineReader(self.masker, attempt.byte_offset, attempt.next_sequence)
        self.opened[attempt.pk] = Open(attempt, step, reader)
        return self.opened[attempt.pk]

    def _add(self, entry: Open, lines: list[tuple[int, str]]) -> None:
        """Keep lines for the next write, with the offset that belongs to them."""
        row, reader = entry.attempt, entry.reader
        self._lines += [Line(attempt=row, sequence=number, text=text) for number, text in lines]
        row.byte_offset, row.next_sequence = reader.offset, reader.sequence
        row.partial = reader.partial
        self._attempts[row.pk] = row
