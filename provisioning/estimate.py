"""How long a run will still take, from how long the same steps took before; pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from itertools import groupby

MINUTE_S = 60
HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class Work:
    """A step that is not done yet; `elapsed_s` of one that runs already."""

    stage: int
    container: str
    key: str
    kind: str
    serial: bool = False
    by_hand: bool = False
    elapsed_s: float = 0


@dataclass(frozen=True, slots=True)
class Durations:
    """Medians in seconds of what ended well: of the same step, and of all steps of a kind."""

    by_step: Mapping[tuple[str, str], float] = field(default_factory=dict)
    by_kind: Mapping[str, float] = field(default_factory=dict)

    def of(self, work: Work) -> float | None:
        """Return how long a step usually takes; None when nothing like it was ever done."""
        return self.by_step.get((work.key, work.kind), self.by_kind.get(work.kind))


@dataclass(frozen=True, slots=True)
class Estimate:
    """What is left: seconds, and the steps that these do not include."""

    seconds: float
    unknown: int = 0
    by_hand: int = 0
    steps: int = 0

    @property
    def words(self) -> str:
        """Say it in a sentence."""
        if not self.steps:
            return ""
        if self.unknown == self.steps - self.by_hand and self.unknown:
            return "No earlier run tells how long this takes."
        about = "At least" if self.unknown else "About"
        without = [f"{_steps(self.unknown)} never done before"] if self.unknown else []
        without += [f"{_steps(self.by_hand)} by hand"] if self.by_hand else []
        beside = f", without {' and '.join(without)}" if without else ""
        return f"{about} {spell(self.seconds)} left{beside}."


def estimate(works: Iterable[Work], durations: Durations) -> Estimate:
    """Return what is left of a run whose open steps are given in order.

    Stages follow each other; within one, containers work in parallel, each in its order, and a
    serial step is done on one container at a time: the critical path is found by playing it.
    """
    works = list(works)
    mechanical = [work for work in works if not work.by_hand]
    stages = groupby(mechanical, key=lambda work: work.stage)
    return Estimate(
        seconds=sum(_stage_s(list(stage), durations) for _, stage in stages),
        unknown=sum(durations.of(work) is None for work in mechanical),
        by_hand=len(works) - len(mechanical),
        steps=len(works),
    )


def spell(seconds: float) -> str:
    """Round a time to what an estimate is worth."""
    if seconds < MINUTE_S:
        return f"{max(5, round(seconds / 5) * 5)} s"
    if seconds < HOUR_S:
        return f"{round(seconds / MINUTE_S)} min"
    return f"{seconds / HOUR_S:.1f} h"


def _steps(number: int) -> str:
    """Count steps."""
    return f"{number} step{'' if number == 1 else 's'}"


def _stage_s(works: list[Work], durations: Durations) -> float:
    """Play a stage: the container that is free first takes its next step."""
    queues: dict[str, list[Work]] = {}
    for work in reversed(works):
        queues.setdefault(work.container, []).append(work)
    free = [(0.0, container) for container in queues]
    heapify(free)
    serial_free: dict[str, float] = {}
    end = 0.0
    while free:
        at, container = heappop(free)
        work = queues[container].pop()
        if work.serial:
            at = max(at, serial_free.get(work.key, 0))
        at += _left_s(work, durations)
        if work.serial:
            serial_free[work.key] = at
        end = max(end, at)
        if queues[container]:
            heappush(free, (at, container))
    return end


def _left_s(work: Work, durations: Durations) -> float:
    """Return the seconds a step still needs; nothing is known of one that was never done."""
    usual = durations.of(work)
    return max(0, usual - work.elapsed_s) if usual is not None else 0
