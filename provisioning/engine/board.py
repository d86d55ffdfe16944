"""Which steps may begin: stages with barriers, containers in parallel, one order in each; pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import UUID

from provisioning.models import Step
from provisioning.states import BAD, StepStatus

# A step that was lost is probed again, once.
LOST_AT_MOST = 2
NOTHING: Mapping[str, Any] = {}


@dataclass
class StageState:
    """The steps of a stage, and how many of its containers may fail or must be well.

    `singletons` are the names of what the cluster has once, by the keys of steps that work on it.
    """

    title: str
    tolerance: int
    quorum: int
    singletons: Mapping[str, str]
    steps: list[Step] = field(default_factory=list)

    @cached_property
    def by_container(self) -> Mapping[str, list[Step]]:
        """Return each container's steps in order; which those are does not change any more."""
        grouped: defaultdict[str, list[Step]] = defaultdict(list)
        for step in self.steps:
            grouped[step.container_name].append(step)
        return grouped

    @property
    def containers(self) -> set[str]:
        """Return the names of all its containers."""
        return set(self.by_container)

    @property
    def has_begun(self) -> bool:
        """Tell whether any of its steps was tried."""
        return any(step.status != StepStatus.PENDING for step in self.steps)


class Board:
    """The steps of a run as they stand.

    A container that failed is left out of all later stages of the run, where the stage tolerates
    that. A dry run changes nothing, so that nothing has to wait: all of it is one stage, in which
    a container that does not answer stops nobody else.
    """

    def __init__(
        self,
        steps: Iterable[Step],
        stages: Sequence[Mapping[str, Any]] = (),
        *,
        is_dry: bool = False,
    ) -> None:
        self.steps = {step.pk: step for step in steps}
        self.lost: dict[UUID, int] = {}
        # Pending steps that a host carries out by itself after the one that runs there.
        self.sent: set[UUID] = set()
        self.stopped = ""
        self._is_dry = is_dry
        self._out: set[str] = set()
        self._stages = self._group(stages)
        self._at = 0

    @property
    def stage(self) -> StageState | None:
        """Return the first stage that is not done: nothing later begins before it is."""
        while self._at < len(self._stages):
            stage = self._stages[self._at]
            if not self._has_passed(stage):
                return stage
            self._at += 1
        return None

    def ready(self) -> list[Step]:
        """Return the steps that may begin now."""
        stage = self.stage
        if stage is None or self._is_stopped(stage):
            return []
        if self._is_dry:
            return [step for step in self._heads(stage) if self._may_begin(step)]
        holders = self._holders(stage)
        ready = []
        for step in self._heads(stage):
            turns = _turns(step, stage)
            if self._may_begin(step) and not any(holders[turn] - {step.pk} for turn in turns):
                ready.append(step)
                for turn in turns:
                    holders[turn].add(step.pk)
        return ready

    def followers(self, step: Step) -> Iterator[Step]:
        """Yield the steps that may be sent along with one, for after it on its container.

        None where a stage must stop at once when too few containers are well.
        """
        stage = self.stage
        if stage is None or self._is_dry or stage.quorum or not _goes_along(step, stage):
            return
        own = stage.by_container[step.container_name]
        for other in own[own.index(step) + 1 :]:
            if other.pk in self.sent or other.status != StepStatus.PENDING:
                return
            if not _goes_along(other, stage):
                return
            yield other

    def waiting(self) -> list[Step]:
        """Return the steps that wait for a person."""
        return [step for step in self.steps.values() if step.status == StepStatus.WAITING]

    def bad(self) -> list[Step]:
        """Return the steps that failed or were lost for good."""
        return [step for step in self.steps.values() if step.status in BAD]

    def has_changed(self, step: Step, keys: Iterable[str]) -> bool:
        """Tell whether one of these steps on a step's container has changed something."""
        wanted = set(keys)
        return bool(wanted) and any(
            other.status == StepStatus.CHANGED
            for other in self.steps.values()
            if other.key in wanted and other.container_name == step.container_name
        )

    def well(self, stage: StageState) -> set[str]:
        """Return the containers of a stage that nothing failed on."""
        return stage.containers - self._out

    def _group(self, stages: Sequence[Mapping[str, Any]]) -> list[StageState]:
        """Put the steps into their stages, in order."""
        grouped: dict[int, StageState] = {}
        for step in sorted(self.steps.values(), key=lambda step: step.position):
            number = 0 if self._is_dry else step.stage
            if number not in grouped:
                rule = stages[number] if number < len(stages) and not self._is_dry else NOTHING
                grouped[number] = StageState(
                    step.stage_title,
                    rule.get("tolerance", 0),
                    rule.get("quorum", 0),
                    rule.get("singletons", NOTHING),
                )
            grouped[number].steps.append(step)
        return list(grouped.values())

    def _has_passed(self, stage: StageState) -> bool:
        """Tell whether a stage is done, on all containers or on all but a tolerated few."""
        self._out |= {step.container_name for step in stage.steps if self._is_bad_for_good(step)}
        if not all(step.is_done or step.container_name in self._out for step in stage.steps):
            return False
        return self._is_dry or len(stage.containers & self._out) <= stage.tolerance

    def _is_stopped(self, stage: StageState) -> bool:
        """Tell whether going on could harm: fewer containers are well than must be."""
        well = len(self.well(stage))
        if not self.stopped and well < stage.quorum:
            failed = ", ".join(sorted(stage.containers & self._out))
            self.stopped = (
                f"{stage.title} needs {stage.quorum} containers that are well and has {well} "
                f"(not {failed}): stopped before it does harm."
            )
        return bool(self.stopped)

    def _heads(self, stage: StageState) -> Iterator[Step]:
        """Yield each container's first step that is not done."""
        seen = set(self._out)
        for step in stage.steps:
            if not step.is_done and step.container_name not in seen:
                seen.add(step.container_name)
                yield step

    def _may_begin(self, step: Step) -> bool:
        """Tell whether a step is to be tried now."""
        again = step.status == StepStatus.LOST and not self._is_bad_for_good(step)
        return again or (step.status == StepStatus.PENDING and step.pk not in self.sent)

    def _is_bad_for_good(self, step: Step) -> bool:
        """Tell whether a step failed, or was lost as often as it is tried again."""
        if step.status == StepStatus.LOST:
            return self.lost.get(step.pk, 0) >= LOST_AT_MOST
        return step.status == StepStatus.FAILED

    def _holders(self, stage: StageState) -> defaultdict[str, set[UUID]]:
        """Return which steps keep others from taking their turn."""
        holders: defaultdict[str, set[UUID]] = defaultdict(set)
        for step in stage.steps:
            for turn in _turns(step, stage):
                if self._holds(step, stage):
                    holders[turn].add(step.pk)
        return holders

    def _holds(self, step: Step, stage: StageState) -> bool:
        """Tell whether a step keeps other containers from beginning what is done one by one."""
        if step.status in BAD and self._is_bad_for_good(step):
            return step.serial and len(stage.containers & self._out) > stage.tolerance
        return step.status in {StepStatus.RUNNING, StepStatus.WAITING} | BAD


def _turns(step: Step, stage: StageState) -> set[str]:
    """Return what a step must have for itself: its key among containers, and its singleton."""
    singleton = stage.singletons.get(step.key)
    serial = {f"step {step.key}"} if step.serial else set()
    return serial | ({f"singleton {singleton}"} if singleton else set())


def _goes_along(step: Step, stage: StageState) -> bool:
    """Tell whether a step needs nothing but the end of the one before it."""
    return not (step.manual or _turns(step, stage))
