"""From a topology and runbooks to a plan: pure, deterministic, complete."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from graphlib import TopologicalSorter
from typing import Any

from inventory.topology import Topology
from provisioning.compile.step import (
    Compiled,
    Place,
    compile_notified,
    compile_step,
    wanted_contexts,
)
from provisioning.links import Draft, check_values, linked
from provisioning.runbook.context import make_context
from provisioning.runbook.expressions import needed, tolerated
from provisioning.runbook.load import Runbook
from provisioning.runbook.rendering import RenderError
from provisioning.runbook.roles import placed_nodes
from provisioning.runbook.schema import ComponentSpec
from provisioning.steps import Plan, Stage

Context = Mapping[str, Any]


def plan(
    topology: Topology,
    runbooks: Mapping[str, Runbook],
    *,
    roles: Iterable[str] | None = None,
    components: Iterable[str] | None = None,
) -> Plan:
    """Return what has to be done, in order, to bring the topology's nodes into being.

    `runbooks` maps role keys to runbooks (`provisioning.runbook.load.load_runbooks`); `roles`
    limits the plan to some roles, `components` to some parts of their runbooks. Roles follow the
    platform's dependencies, their components the runbook's. Nodes that are active already are
    planned too: a second run verifies them.
    Raises RenderError when a template needs what the topology does not have.
    """
    wanted = set(roles) if roles is not None else None
    parts = set(components) if components is not None else None
    used = [key for key in role_order(topology) if topology.nodes_with(key)]
    chosen = [key for key in used if wanted is None or key in wanted]
    drafts = [
        draft
        for key in chosen
        if key in runbooks
        for draft in _role(topology, runbooks[key])
        if parts is None or draft.stage.key.partition(".")[2] in parts
    ]
    stages = tuple(linked(drafts))
    check_values(stages)
    return Plan(
        stages=stages,
        runbook_hashes={key: runbooks[key].hash for key in chosen if key in runbooks},
        notes=tuple(_notes(topology, runbooks, chosen)),
        runbook_files={
            runbooks[key].hash: runbooks[key].own_files for key in chosen if key in runbooks
        },
    )


def role_order(topology: Topology) -> list[str]:
    """Return all roles of the platform: first what others depend on, then by installation step."""
    step = {role.key: role.install_step for role in topology.platform.roles}
    graph = TopologicalSorter({role.key: role.depends_on for role in topology.platform.roles})
    return _static_order(graph, key=lambda key: (step.get(key, 0), key))


def _static_order(graph: TopologicalSorter[str], *, key: Any) -> list[str]:
    """Return a graph's nodes in an order that depends on nothing but the graph."""
    graph.prepare()
    order: list[str] = []
    waiting: list[str] = []
    while graph.is_active():
        waiting.extend(graph.get_ready())
        waiting.sort(key=key)
        order.append(waiting.pop(0))
        graph.done(order[-1])
    return order


def _role(topology: Topology, runbook: Runbook) -> Iterator[Draft]:
    """Yield a role's stages: one per component."""
    components = {component.key: component for component in runbook.spec.components}
    place = list(components).index
    graph = TopologicalSorter({c.key: c.depends_on for c in components.values()})
    nodes = [node for node, _ in placed_nodes(topology, runbook.spec.role)]
    contexts = [make_context(topology, runbook.spec, node) for node in nodes]
    role = topology.role(runbook.spec.role)
    for key in _static_order(graph, key=place):
        component = components[key]
        compiled = tuple(_component(runbook, component, contexts))
        if compiled:
            yield Draft(
                _stage(f"{role.key}.{key}", f"{role.name}: ", component, compiled, len(nodes)),
                compiled,
            )


def _stage(
    key: str, before: str, component: ComponentSpec, compiled: Sequence[Compiled], nodes: int
) -> Stage:
    """Return a component's stage: how many machines may fail, and how many must be well."""
    machines = {one.step.container for one in compiled}
    try:
        quorum = needed(component.quorum, len(machines))
    except RenderError as error:
        raise RenderError(f"{key}: {error}") from error
    return Stage(
        key,
        before + component.title,
        steps=(),
        tolerance=tolerated(component.tolerance, nodes),
        quorum=quorum,
    )


def _component(
    runbook: Runbook, component: ComponentSpec, contexts: Sequence[Context]
) -> Iterator[Compiled]:
    """Yield a component's steps, machine by machine, with its handlers behind them."""
    place = Place(runbook.spec.role, component.key, runbook.files)
    wanted = list(wanted_contexts(component, place, contexts))
    for machine in dict.fromkeys(context["container"]["name"] for context in wanted):
        seen = [context for context in wanted if context["container"]["name"] == machine]
        steps = [
            compiled
            for context in seen
            for step in component.steps
            if step.only_on == "all" or context["node"] is context["nodes"][0]
            for compiled in compile_step(step, place, context)
        ]
        yield from steps
        for handler in component.handlers:
            yield from compile_notified(handler, place, seen[-1], steps)


def _notes(topology: Topology, runbooks: Mapping[str, Runbook], roles: list[str]) -> Iterator[str]:
    """Yield what the plan leaves out, so that nothing is dropped in silence."""
    for key in roles:
        role = topology.role(key)
        nodes = topology.nodes_with(key)
        if key not in runbooks:
            names = ", ".join(node.name for node in nodes)
            yield f"{role.name} has no runbook yet and is left out: {names}."
            continue
        for node in nodes:
            if topology.container_of(node) is None:
                yield f"{node.name} has no container and is left out."
