"""What steps of a plan have to do with each other: who follows whom, who registers what."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from provisioning.compile.step import Compiled
from provisioning.runbook.rendering import RenderError
from provisioning.steps import CompiledStep, Stage


@dataclass(frozen=True, slots=True)
class Draft:
    """A stage whose steps are not linked yet."""

    stage: Stage
    compiled: tuple[Compiled, ...]


def linked(drafts: Sequence[Draft]) -> Iterator[Stage]:
    """Yield the stages; every step names the earlier steps of its container that it follows.

    A step that watches a path follows the steps that write it.
    """
    writers: dict[tuple[str, str], list[str]] = {}
    for draft in drafts:
        steps = []
        for compiled in draft.compiled:
            step = compiled.step
            found = [writers.get((step.container, path), []) for path in compiled.watches]
            follows = dict.fromkeys((*step.follows, *(key for keys in found for key in keys)))
            steps.append(replace(step, follows=tuple(follows)))
            for path in compiled.writes:
                writers.setdefault((step.container, path), []).append(step.key)
        yield replace(draft.stage, steps=tuple(_with_units(steps)))


def _with_units(steps: Iterable[CompiledStep]) -> Iterator[CompiledStep]:
    """Yield a component's steps; what comes after a service on its node is about that service."""
    units: dict[str, str] = {}
    for step in steps:
        unit = step.unit or units.get(step.node, "")
        units[step.node] = unit
        yield replace(step, unit=unit)


def check_values(stages: Sequence[Stage]) -> None:
    """Raise RenderError where a step needs a value that no step before it registers.

    Before it: in an earlier stage, or earlier in the same stage on the same container.
    """
    known: set[str] = set()
    for stage in stages:
        # By container: what others of this stage register may not be there yet.
        here: dict[str, set[str]] = {}
        for step in stage.steps:
            own = here.setdefault(step.container, set())
            _refuse_unknown(step, known | own)
            if step.register:
                _register(step, known, own)
        known = known.union(*here.values())


def _register(step: CompiledStep, known: set[str], own: set[str]) -> None:
    """Note what a step registers; raises RenderError when its node has registered it before."""
    value = f"{step.node}/{step.register}"
    if value in known | own:
        raise RenderError(f"{step.key} on {step.node}: {step.register} is registered already")
    own.add(value)


def _refuse_unknown(step: CompiledStep, known: set[str]) -> None:
    """Raise RenderError when a step refers to what is not known before it."""
    for node, _, name in (value.partition("/") for value in sorted(step.values - known)):
        raise RenderError(
            f"{step.key} on {step.node}: no earlier step registers {name} on {node} "
            "(on another node: in an earlier component)"
        )
