"""The platform's installation order on a cluster: what is done, what may be done next; pure.

A step is done when the last run of each of its roles did all that the plan of today would do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from inventory.platforms.schema import InstallStep
from inventory.topology import Topology
from provisioning.steps import CompiledStep


class Progress(StrEnum):
    """How far a step of the installation is."""

    NOT_NEEDED = "not needed"
    NO_NODES = "no nodes"
    NO_RUNBOOK = "no runbook"
    NOT_BEGUN = "not begun"
    RUNNING = "running"
    FAILED = "failed"
    CHANGED = "changed since"
    DONE = "done"


# The worst of a step's roles is what is said of the step.
ORDER = (
    Progress.RUNNING,
    Progress.FAILED,
    Progress.NOT_BEGUN,
    Progress.CHANGED,
    Progress.DONE,
    Progress.NO_RUNBOOK,
    Progress.NO_NODES,
    Progress.NOT_NEEDED,
)
# What later steps wait for; nobody waits for what the cluster does without, or is done by hand.
UNSETTLED = frozenset({Progress.NOT_BEGUN, Progress.RUNNING, Progress.FAILED})


@dataclass(frozen=True, slots=True)
class Past:
    """What the last run of a role did: hashes of its steps, and whether all were done."""

    run: UUID
    is_active: bool
    all_done: bool
    hashes: frozenset[str]
    started_at: datetime | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True)
class GuideStep:
    """A step of the order as it stands on a cluster."""

    step: InstallStep
    progress: Progress
    machines: tuple[str, ...]
    roles: tuple[str, ...]
    without_runbook: tuple[str, ...]
    planned: tuple[CompiledStep, ...]
    pasts: tuple[Past, ...]
    waits_for: tuple[InstallStep, ...] = ()

    @property
    def number(self) -> int:
        """Return its place in the order."""
        return self.step.number

    @property
    def may_run(self) -> bool:
        """Tell whether it has anything to do, and all that it builds upon is there."""
        return bool(self.planned) and not self.waits_for and self.progress != Progress.RUNNING

    @property
    def took_s(self) -> float | None:
        """Return how long it took the last time, in seconds."""
        begun = [past.started_at for past in self.pasts if past.started_at]
        ended = [past.finished_at for past in self.pasts if past.finished_at]
        if not begun or not ended or self.progress == Progress.RUNNING:
            return None
        return (max(ended) - min(begun)).total_seconds()


@dataclass(frozen=True)
class Known:
    """What is known beside the topology: runbooks, today's plan by role, the past by role."""

    runbooks: frozenset[str]
    planned: Mapping[str, tuple[CompiledStep, ...]] = field(default_factory=dict)
    pasts: Mapping[str, Past] = field(default_factory=dict)


def guide(topology: Topology, known: Known) -> list[GuideStep]:
    """Return the platform's installation order as it stands."""
    steps = [_step(topology, known, step) for step in topology.platform.install_order]
    return [_with_waits(topology, step, steps) for step in steps]


def _step(topology: Topology, known: Known, step: InstallStep) -> GuideStep:
    """Put together how a step stands, without what it waits for."""
    used = [role for role in step.roles if topology.nodes_with(role)]
    nodes = (node for role in used for node in topology.nodes_with(role))
    return GuideStep(
        step=step,
        progress=min((_progress(topology, known, r) for r in step.roles), key=ORDER.index),
        machines=tuple(sorted({node.container for node in nodes if node.container})),
        roles=tuple(role for role in used if role in known.runbooks),
        without_runbook=tuple(role for role in used if role not in known.runbooks),
        planned=tuple(s for role in used for s in known.planned.get(role, ())),
        pasts=tuple(known.pasts[role] for role in used if role in known.pasts),
    )


def _progress(topology: Topology, known: Known, role: str) -> Progress:
    """Say how far one role is."""
    if not topology.needs(topology.role(role)):
        return Progress.NOT_NEEDED
    if not topology.nodes_with(role):
        return Progress.NO_NODES
    if role not in known.runbooks:
        return Progress.NO_RUNBOOK
    past = known.pasts.get(role)
    if past is None:
        return Progress.NOT_BEGUN
    if past.is_active:
        return Progress.RUNNING
    if not past.all_done:
        return Progress.FAILED
    today = frozenset(step.hash for step in known.planned.get(role, ()))
    return Progress.DONE if today <= past.hashes else Progress.CHANGED


def _with_waits(topology: Topology, own: GuideStep, steps: Iterable[GuideStep]) -> GuideStep:
    """Add the earlier steps that it builds upon and that are not done."""
    needed = set(_needed(topology, own.step.roles)) - set(own.step.roles)
    waits = tuple(
        other.step
        for other in steps
        if needed & set(other.step.roles) and other.progress in UNSETTLED
    )
    return GuideStep(**{**vars(own), "waits_for": waits})


def _needed(topology: Topology, roles: Iterable[str]) -> Iterator[str]:
    """Yield the roles that roles depend on, through others too."""
    for role in roles:
        if topology.nodes_with(role):
            depends_on = topology.role(role).depends_on
            yield from depends_on
            yield from _needed(topology, depends_on)
