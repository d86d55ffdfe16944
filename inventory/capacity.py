"""What the nodes of a role carry together, and what is left when one is lost; pure."""

from dataclasses import dataclass
from math import ceil

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
    sizes = [_size(topology, node) for node in nodes]
    by_size = {size: _figure(role, size, metric) for size in set(sizes)}
    figures = [by_size[size] for size in sizes]
    known = [figure or 0 for figure in figures]
    nominal = sum(known)
    return RoleCapacity(metric, nominal, _usable(role, known), None not in figures)


def nodes_for(role: Role, metric: str, load: float) -> int | None:
    """Return how many nodes carry a load at the vendor's figure, None for a role without one."""
    figure = role.nominal_capacity(metric)
    return ceil(load / figure.value) if figure else None


def telephony_nodes(role: Role, *, extensions: int = 0, concurrent_calls: int = 0) -> int:
    """Return how many nodes a load needs, one in reserve included: R129, for peak calls (S7).

    The formula is max(extensions / figure, calls / figure), each rounded up, and one more. Offered
    erlangs are no calls: they go through Erlang B.
    """
    loads = {"extensions": extensions, "concurrent_calls": concurrent_calls}
    bare = max(nodes_for(role, metric, load) or 0 for metric, load in loads.items())
    return max(bare, 1) + reserve_nodes(role)


def reserve_nodes(role: Role) -> int:
    """Return how many nodes a role keeps beyond its load: one where nodes are pooled (S6)."""
    return int(role.failure.reserve is Reserve.POOLED)


def _size(topology: Topology, node: NodeView) -> tuple[int, int] | None:
    """Return vCPU and memory (MiB) of a node's machine, None for a node without one."""
    container = topology.container_of(node)
    return (container.vcpus, container.memory_mib) if container else None


def _figure(role: Role, size: tuple[int, int] | None, metric: str) -> int | None:
    """Return the documented figure for a size of machine, None when none fits."""
    found = role.capacity_for(metric, vcpu=size[0], memory_mib=size[1]) if size else None
    return found.value if found else None


def _usable(role: Role, figures: list[int]) -> int:
    """Return what is left with one node lost, by the role's kind of reserve (S6).

    Pooled nodes share the load, so the largest is missed; of a leader's nodes the smallest may have
    to carry all. Sharded nodes and a single one come back by the virtualisation, whose reserve is
    judged apart, and replicas of storage hold the same. One node alone has no reserve to keep.
    """
    if len(figures) < 2:
        return sum(figures)
    if role.failure.reserve is Reserve.POOLED:
        return sum(figures) - max(figures)
    if role.failure.reserve is Reserve.LEADER:
        return min(figures)
    return sum(figures)
