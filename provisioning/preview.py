"""A run before it exists: its plan, and the findings that stand in its way."""

from collections.abc import Mapping
from dataclasses import dataclass

from inventory.models import Cluster
from inventory.operations import Refused
from inventory.rules import Finding
from inventory.snapshot import load_topology
from provisioning.services import make_plan, obstacles
from provisioning.steps import CompiledStep, Plan, Stage


@dataclass(frozen=True)
class Preview:
    """What a run on a cluster would do now; it may start when nothing is in `findings`."""

    plan: Plan
    findings: list[Finding]


@dataclass(frozen=True)
class StepPreview:
    """A step as it will be on all its containers.

    `targets` maps paths to their contents, each with the containers that get it.
    """

    title: str
    containers: list[str]
    targets: Mapping[str, list[tuple[list[str], str]]]
    serial: bool
    manual: str | None


@dataclass(frozen=True)
class StagePreview:
    """A stage with its steps once each."""

    title: str
    containers: list[str]
    steps: list[StepPreview]


def preview_run(*, cluster: Cluster) -> Preview:
    """Plan a run on a cluster as it is; a faulty runbook is a finding beside an empty plan."""
    topology = load_topology(cluster)
    try:
        made = make_plan(topology)
    except Refused as refused:
        return Preview(Plan((), {}), refused.findings)
    return Preview(made, obstacles(cluster, topology, made))


def stage_previews(plan: Plan) -> list[StagePreview]:
    """Return a plan's stages as a person reads them: every step once, with its machines."""
    return [_stage(stage) for stage in plan.stages]


def _stage(stage: Stage) -> StagePreview:
    """Join the same step of several containers."""
    steps: dict[str, list[CompiledStep]] = {}
    for step in stage.steps:
        steps.setdefault(step.key, []).append(step)
    return StagePreview(stage.title, list(stage.by_container()), [_step(s) for s in steps.values()])


def _step(steps: list[CompiledStep]) -> StepPreview:
    """Join one step of several containers; files that differ are shown apart."""
    targets: dict[str, dict[str, list[str]]] = {}
    for step in steps:
        for path, name in step.targets.items():
            content = step.files.get(name, "")
            targets.setdefault(path, {}).setdefault(content, []).append(step.container)
    first = steps[0]
    titles = {step.title for step in steps}
    return StepPreview(
        title=first.title if len(titles) == 1 else first.title.replace(first.node, "‹name›"),
        containers=[step.container for step in steps],
        targets={
            path: [(containers, content) for content, containers in variants.items()]
            for path, variants in targets.items()
        },
        serial=first.serial,
        manual=first.manual,
    )
