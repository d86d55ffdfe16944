"""What a dry run found: container by container, step by step, the lines of its preview."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from provisioning.log import PHASE
from provisioning.models import Line, Run, Step
from provisioning.states import StepStatus

PREVIEW = f"{PHASE}preview"
CONTAINERS = 10
# The first that fits counts: a file's name begins like a removed or an added line.
KINDS = (("--- ", "file"), ("+++ ", "file"), ("@@", "place"), ("+", "added"), ("-", "removed"))


@dataclass(frozen=True, slots=True)
class Shown:
    """A line of a preview, and what it is: file, place, added, removed, or said."""

    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class Difference:
    """What a step would change."""

    step: Step
    lines: list[Shown]


def changed_containers(run: Run) -> list[str]:
    """Return the containers on which something would change, in order."""
    changed = run.steps.filter(status=StepStatus.CHANGED).order_by("container_name")
    return list(changed.values_list("container_name", flat=True).distinct())


def differences(run: Run, containers: Iterable[str]) -> list[tuple[str, list[Difference]]]:
    """Return what would change on these containers."""
    steps = list(
        run.steps.filter(status=StepStatus.CHANGED, container_name__in=list(containers))
        .defer("spec")
        .order_by("container_name", "position")
    )
    said = _previews(steps)
    found: dict[str, list[Difference]] = {}
    for step in steps:
        shown = [Shown(text, kind_of(text)) for text in said.get(step.pk, [])]
        found.setdefault(step.container_name, []).append(Difference(step, shown))
    return list(found.items())


def kind_of(text: str) -> str:
    """Tell what a line of a preview is."""
    return next((kind for begin, kind in KINDS if text.startswith(begin)), "said")


def _previews(steps: list[Step]) -> dict[UUID, list[str]]:
    """Return what the last preview of each step printed."""
    lines = Line.objects.of_steps(steps).order_by("attempt__number", "sequence")
    said: dict[UUID, list[str]] = {}
    for pk, text in lines.values_list("attempt__step", "text"):
        if text == PREVIEW:
            said[pk] = []
        elif pk in said:
            said[pk].append(text)
    return said
