"""Which steps may begin: stages with barriers, containers in parallel, one order in each; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from uuid import UUID

from provisioning.models import Step
from provisioning.states import BAD, StepStatus

# A step that was lost is probed again, once.
LOST_AT_MOST = 2


class Board:
    """The steps of a run as they stand."""

    def __init__(self, steps: Iterable[Step]) -> None:
        self.steps = {step.pk: step for step in steps}
        self.lost: dict[UUID, int] = {}
        self._stages: dict[int, list[Step]] = {}
        for step in sorted(self.steps.values(), key=lambda step: step.position):
            self._stages.setdefault(step.stage, []).append(step)

    def ready(self) -> list[Step]:
        """Return the steps that may begin now."""
        stage = self._current()
        busy = {step.key for step in stage if step.serial and self._holds(step)}
        ready = []
        for step in self._heads(stage):
            if self._may_begin(step) and not (step.serial and step.key in busy):
                ready.append(step)
                busy |= {step.key} if step.serial else set()
        return ready

    def waiting(self) -> list[Step]:
        """Return the steps that wait for a person."""
        return [step for step in self.steps.values() if step.status == StepStatus.WAITING]

    def bad(self) -> list[Step]:
        """Return the steps that failed or were lost for good."""
        return [step for step in self.steps.values() if step.status in BAD]

    def _current(self) -> list[Step]:
        """Return the first stage that is not done: nothing later begins before it is."""
        return next(
            (steps for steps in self._stages.values() if not all(s.is_done for s in steps)), []
        )

    def _heads(self, stage: list[Step]) -> Iterator[Step]:
        """Yield each container's first step that is not done."""
        seen = set()
        for step in stage:
            if not step.is_done and step.container_name not in seen:
                seen.add(step.container_name)
                yield step

    def _may_begin(self, step: Step) -> bool:
        """Tell whether a step is to be tried now."""
        again = step.status == StepStatus.LOST and self.lost.get(step.pk, 0) < LOST_AT_MOST
        return step.status == StepStatus.PENDING or again

    def _holds(self, step: Step) -> bool:
        """Tell whether a serial step keeps the other containers from beginning it."""
        return step.status in {StepStatus.RUNNING, StepStatus.WAITING} | BAD
