"""What units of a cluster take along when they are lost; found once for many losses, pure.

A unit is named like a finding's subject: `node:sip-01`, `group:A`, `hypervisor:hv-01`. A backend is
what stands outside of the cluster in the place of a role, such as a NAS (K20).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from inventory.platforms.facts import HaLevel
from inventory.platforms.schema import Role
from inventory.topology import BalancerView, NodeView, Topology

PLACES = ("container", "hypervisor", "location")
KINDS = ("node", "group", *PLACES, "balancer", "backend")

Group = tuple[str, str]  # of a role: its key, and the group's name


@dataclass(frozen=True)
class Lost:
    """Units that are lost together, and the nodes that go with them.

    Counted by role: nodes in all, those of each group, and the `exposed` ones that nothing starts
    again elsewhere. `sites` are locations lost as a whole, where nothing starts again.
    """

    units: tuple[str, ...] = ()
    nodes: frozenset[str] = frozenset()
    by_role: Mapping[str, int] = field(default_factory=dict)
    exposed: Mapping[str, int] = field(default_factory=dict)
    by_group: Mapping[Group, int] = field(default_factory=dict)
    sites: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Reach:
    """A cluster, with what is known by unit."""

    topology: Topology
    _alone: dict[str, Lost] = field(default_factory=dict, compare=False, repr=False)

    def lost(self, units: Iterable[str]) -> Lost:
        """Return what goes when units are lost together; raises ValueError for an unknown one."""
        found = Lost()
        for unit in sorted(set(units)):
            found = self._both(found, self.alone(unit))
        return found

    def alone(self, unit: str) -> Lost:
        """Return what goes with one unit; raises ValueError when the cluster does not have it."""
        if unit not in self._alone:
            kind, _, name = unit.partition(":")
            sites = frozenset({name} if kind == "location" else ())
            self._alone[unit] = self._counted((unit,), self._nodes_of(unit), sites)
        return self._alone[unit]

    @cached_property
    def places(self) -> dict[str, dict[str, frozenset[str]]]:
        """Find the nodes of each container, hypervisor and location, by kind and name."""
        found: dict[str, defaultdict[str, set[str]]] = {kind: defaultdict(set) for kind in PLACES}
        for container in self.topology.containers.values():
            nodes = {node.name for node in self.topology.nodes_on(container.name)}
            found["container"][container.name] = nodes
            if container.hypervisor:
                found["hypervisor"][container.hypervisor] |= nodes
            if container.location:
                found["location"][container.location] |= nodes
        return {
            kind: {name: frozenset(nodes) for name, nodes in named.items()}
            for kind, named in found.items()
        }

    @cached_property
    def groups(self) -> dict[str, frozenset[str]]:
        """Find the nodes of each availability group by its name, empty ones included."""
        found: dict[str, set[str]] = {group.name: set() for group in self.topology.groups}
        for node in self.topology.nodes.values():
            for assignment in node.assignments:
                if assignment.group:
                    found.setdefault(assignment.group, set()).add(node.name)
        return {name: frozenset(nodes) for name, nodes in found.items()}

    @cached_property
    def group_sizes(self) -> Counter[Group]:
        """Count the nodes of each group of each role."""
        return Counter(
            (assignment.role, assignment.group)
            for node in self.topology.nodes.values()
            for assignment in node.assignments
            if assignment.group
        )

    @cached_property
    def fronts(self) -> dict[str, list[BalancerView]]:
        """Find the balancers in front of each role."""
        found: defaultdict[str, list[BalancerView]] = defaultdict(list)
        for _, balancer in sorted(self.topology.balancers.items()):
            found[balancer.role].append(balancer)
        return dict(found)

    @cached_property
    def backends(self) -> dict[str, Role]:
        """Find what stands outside in the place of a role, by its name."""
        return {
            name: role for role in self.topology.platform.roles if (name := self._outside(role))
        }

    def is_redundant(self, backend: str) -> bool:
        """Tell whether the operator says that a backend survives the loss of a part of it."""
        return self.topology.parameter(f"{backend}_has_ha") is True

    def _outside(self, role: Role) -> str | None:
        """Name what replaces a role, where the platform asks whether it is highly available."""
        condition = role.not_needed_when
        if condition is None or self.topology.needs(role):
            return None
        asked = any(
            p.key == f"{condition.equals}_has_ha" for p in self.topology.platform.parameters
        )
        return str(condition.equals) if asked else None

    def _nodes_of(self, unit: str) -> frozenset[str]:
        """Return the nodes that one unit takes along."""
        kind, _, name = unit.partition(":")
        if kind == "node" and name in self.topology.nodes:
            return frozenset({name})
        if kind in PLACES and name in self.places[kind]:
            return self.places[kind][name]
        if kind == "group" and name in self.groups:
            return self.groups[name]
        if kind == "balancer" and name in self.topology.balancers:
            return frozenset()
        if kind == "backend" and name in self.backends:
            return frozenset()
        words = f"The cluster has no {kind} {name}." if name else f"{unit!r} names nothing."
        raise ValueError(words)

    def _both(self, one: Lost, other: Lost) -> Lost:
        """Put two losses together, counting again only where they overlap in part."""
        units, sites = (*one.units, *other.units), one.sites | other.sites
        if one.nodes.isdisjoint(other.nodes):
            return Lost(
                units,
                one.nodes | other.nodes,
                _sum(one.by_role, other.by_role),
                _sum(one.exposed, other.exposed),
                _sum(one.by_group, other.by_group),
                sites,
            )
        for large, small in ((one, other), (other, one)):
            if small.nodes <= large.nodes and small.sites <= large.sites:
                counts = (large.by_role, large.exposed, large.by_group)
                return Lost(units, large.nodes, *counts, sites)
        return self._counted(units, one.nodes | other.nodes, sites)

    def _counted(
        self, units: tuple[str, ...], nodes: frozenset[str], sites: frozenset[str]
    ) -> Lost:
        """Count nodes by role and group, and those that stay away."""
        by_role: Counter[str] = Counter()
        exposed: Counter[str] = Counter()
        by_group: Counter[Group] = Counter()
        levels = {role.key: role.failure.level for role in self.topology.platform.roles}
        for name in nodes:
            node = self.topology.nodes[name]
            comes_back = is_protected(self.topology, node, sites)
            for assignment in node.assignments:
                by_role[assignment.role] += 1
                if assignment.group:
                    by_group[assignment.role, assignment.group] += 1
                if not comes_back or levels[assignment.role] is HaLevel.APP:
                    exposed[assignment.role] += 1
        return Lost(units, nodes, by_role, exposed, by_group, sites)


def is_protected(topology: Topology, node: NodeView, sites: frozenset[str] = frozenset()) -> bool:
    """Tell whether virtualisation or automation starts a node again; not in a lost site (R65)."""
    container = topology.container_of(node)
    if container is None:
        return node.auto_replace
    if container.location is not None and container.location in sites:
        return False
    return node.auto_replace or container.virtualisation_ha != ""


Key = TypeVar("Key")


def _sum(one: Mapping[Key, int], other: Mapping[Key, int]) -> Counter[Key]:
    """Add counts."""
    total = Counter(one)
    total.update(other)
    return total
