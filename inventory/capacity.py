"""What the nodes of a role carry together, and what is left when one is lost; pure."""

from dataclasses import dataclass

from inventory.platforms.facts import Reserve
from inventory.platforms.schema import Role
from inventory.topology import NodeView, Topology


@dataclass(frozen=True)
class RoleCapacity:
    """Figures of a role for one metric (K12); `documented` tells figures from guesses.

    `nominal` counts every node, `usable` is what is left without the one that would be missed most
    (S6). Both are in the metric's own unit: extensions, or concurrent calls.
    """

    metric: str
    nominal: int
    usable: int
    documented: bool


def role_capacity(
    topology: Topology, role: Role, metric: str, *, without: frozenset[str] = frozenset()
) -> RoleCapacity | None:
    """Return what a role's nodes carry by the vendor's figures for the size of their machines.

    Nodes named in `without` are left out. None for a role without figures for the metric. A machine
    smaller than every documented size counts nothing, and the result is not `documented`.
    """
    if role.nominal_capacity(metric) is None:
        return None
    nodes = [node for node in topology.nodes_with(role.key) if node.name not in without]
    figures = [_figure(topology, role, node, metric) for node in nodes]
    known = [figure or 0 for figure in figures]
    nominal = sum(known)
    return RoleCapacity(metric, nominal, _usable(role, known), None not in figures)


def _figure(topology: Topology, role: Role, node: NodeView, metric: str) -> int | None:
    """Return the documented figure for a node's machine, None when no size fits."""
    container = topology.container_of(node)
    if container is None:
        return None
    found = role.capacity_for(metric, vcpu=container.vcpus, memory_mib=container.memory_mib)
    return found.value if found else None


def _usable(role: Role, figures: list[int]) -> int:
    """Return what is left with one node lost; a single node has no reserve to keep (S6)."""
    if role.failure.reserve is Reserve.SINGLE or len(figures) < 2:
        return sum(figures)
    return sum(figures) - max(figures)
