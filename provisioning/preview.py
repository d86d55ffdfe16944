"""A run before it exists: its plan, and the findings that stand in its way."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.conf import settings

from inventory.models import Cluster
from inventory.rules import Blocks, Finding, findings
from inventory.snapshot import load_topology
from inventory.topology import Topology
from provisioning.planning import plan
from provisioning.runbook.load import load_runbooks
from provisioning.steps import CompiledStep, Plan, Stage


@dataclass(frozen=True)
class Preview:
    """What a run on a cluster would do now; it may start when nothing is in `findings`."""

    topology: Topology
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
    """Plan a run on a cluster as it is; raises RunbookError or RenderError for a faulty runbook."""
    topology = load_topology(cluster)
    runbooks = load_runbooks(topology.platform.key, directories=settings.RUNBOOK_DIRS)
    made = plan(topology, runbooks)
    return Preview(topology, made, in_the_way(topology, {step.role for step in made.steps}))


def in_the_way(topology: Topology, roles: Iterable[str]) -> list[Finding]:
    """Return the findings that hold a run of these roles back."""
    wanted = {"", *roles}
    return [f for f in findings(topology) if f.blocks is Blocks.RUN and f.role in wanted]


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
    return StepPreview(
        title=first.title,
        containers=[step.container for step in steps],
        targets={
            path: [(containers, content) for content, containers in variants.items()]
            for path, variants in targets.items()
        },
        serial=first.serial,
        manual=first.manual,
    )
