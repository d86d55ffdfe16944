"""Which single things take a role away; cheap, because every check of a cluster asks; pure."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from inventory.impact import is_lost, is_needed
from inventory.platforms.facts import HaLevel
from inventory.platforms.schema import Role
from inventory.reach import PLACES, is_protected
from inventory.topology import NodeView, Topology


@dataclass(frozen=True)
class SinglePoint:
    """A unit, as findings name subjects, whose loss alone takes a role away."""

    unit: str
    role: Role


def single_points(topology: Topology) -> tuple[SinglePoint, ...]:
    """Return what takes a role away alone: nodes, containers, hypervisors and locations.

    Balancers and what stands in a role's place, a NAS, have rules of their own.
    """
    return tuple(
        point for role in topology.platform.roles for point in single_points_of(topology, role)
    )


def single_points_of(topology: Topology, role: Role) -> Iterator[SinglePoint]:
    """Yield the single points of one role, in time that grows with its nodes at most.

    Nodes that something starts again elsewhere are gone with their whole location only.
    """
    nodes = topology.nodes_with(role.key)
    if not nodes or not is_needed(topology, role):
        return
    if is_lost(role, len(nodes), 1) and (exposed := _exposed(topology, role, nodes)):
        yield from (SinglePoint(f"node:{node.name}", role) for node in exposed)
        return
    for kind in PLACES:
        counts = _held_by(topology, role, nodes, kind)
        fatal = sorted(name for name, count in counts.items() if is_lost(role, len(nodes), count))
        yield from (SinglePoint(f"{kind}:{name}", role) for name in fatal)


def unplaced(topology: Topology, role: Role) -> int:
    """Count a role's nodes on machines of which nobody knows the hypervisor."""
    containers = topology.containers
    return sum(
        containers[node.container].hypervisor is None
        for node in topology.nodes_with(role.key)
        if node.container and node.container in containers
    )


def _exposed(topology: Topology, role: Role, nodes: tuple[NodeView, ...]) -> list[NodeView]:
    """Return the nodes that nothing starts again elsewhere."""
    return [node for node in nodes if not _returns(topology, role, node)]


def _returns(topology: Topology, role: Role, node: NodeView) -> bool:
    """Tell whether a node of a role that relies on it is started again elsewhere (R62, R65)."""
    return role.failure.level is not HaLevel.APP and is_protected(topology, node)


def _held_by(
    topology: Topology, role: Role, nodes: tuple[NodeView, ...], kind: str
) -> Counter[str]:
    """Count the nodes that each container, hypervisor or location takes away.

    Without a quorum only a place that takes all of them matters: at the second, counting stops.
    """
    counts: Counter[str] = Counter()
    for node in nodes:
        name = _place(topology, node, kind)
        if kind != "location" and name is not None and _returns(topology, role, node):
            name = None
        if not role.failure.needs_quorum and (name is None or (counts and name not in counts)):
            return Counter()
        if name is not None:
            counts[name] += 1
    return counts


def _place(topology: Topology, node: NodeView, kind: str) -> str | None:
    """Name the container, hypervisor or location that a node is on."""
    container = topology.container_of(node)
    if container is None:
        return None
    return container.name if kind == "container" else getattr(container, kind)
