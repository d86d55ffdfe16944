"""What is lost with what: the blast radius of nodes, groups, hypervisors, locations; pure.

Everything follows from the platform's data: how a role keeps its reserve (S6), whether it needs a
quorum, a balancer, or the virtualisation. Shares of customers assume that they are spread evenly.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum

from inventory.capacity import role_capacity
from inventory.platforms.facts import HaLevel, Reserve, Source
from inventory.platforms.schema import Role
from inventory.topology import NodeView, Topology

# What can be lost, as subjects name it.
KINDS = ("node", "group", "container", "hypervisor", "location", "balancer")


class Verdict(IntEnum):
    """How bad a loss is for a role, from nothing to everything."""

    UNAFFECTED = 0
    DEGRADED = 1
    PARTIAL = 2
    LOST = 3

    @property
    def label(self) -> str:
        """Return the word that pages show."""
        return self.name.capitalize()


@dataclass(frozen=True)
class Quorum:
    """Members that vote, how many are left, and how many it takes."""

    name: str
    members: int
    left: int

    @property
    def majority(self) -> int:
        """Return the smallest number that is more than half."""
        return self.members // 2 + 1

    @property
    def holds(self) -> bool:
        """Tell whether those that are left can decide."""
        return self.left >= self.majority


@dataclass(frozen=True)
class Remaining:
    """What a role carries before and after a loss, in the metric's unit."""

    metric: str
    before: int
    after: int

    @property
    def label(self) -> str:
        """Return the metric in words."""
        return self.metric.replace("_", " ").capitalize()


@dataclass(frozen=True)
class RoleImpact:
    """What a loss does to one role.

    `share` is the part of its customers or calls that is hit, 0 to 1. `returns` tells that the
    virtualisation, or automation of the operator's, brings every lost node back elsewhere.
    """

    role: Role
    before: int
    after: int
    verdict: Verdict
    outcome: str
    source: Source
    quorums: tuple[Quorum, ...] = ()
    share: float = 0.0
    returns: bool = False
    notes: tuple[str, ...] = ()
    capacity: tuple[Remaining, ...] = ()


@dataclass(frozen=True)
class Impact:
    """What losing some units does, role by role; roles that lose nothing are left out."""

    units: tuple[str, ...]
    nodes: tuple[str, ...]
    roles: tuple[RoleImpact, ...] = field(default=())

    @property
    def worst(self) -> Verdict:
        """Return the worst that happens to a role."""
        return max((role.verdict for role in self.roles), default=Verdict.UNAFFECTED)


@dataclass(frozen=True)
class SinglePoint:
    """A unit whose loss alone takes a role away."""

    unit: str
    role: Role


def impact(topology: Topology, lost: Iterable[str]) -> Impact:
    """Return what losing units does, such as `node:sip-01`, `group:A` or `hypervisor:hv-01`.

    Raises ValueError for a unit that the cluster does not have.
    """
    units = tuple(sorted(set(lost)))
    nodes = lost_nodes(topology, units)
    impacts = (
        _about(topology, role, units, nodes)
        for role in topology.platform.roles
        if topology.nodes_with(role.key)
    )
    return Impact(units, tuple(sorted(nodes)), tuple(found for found in impacts if found))


def lost_nodes(topology: Topology, units: Iterable[str]) -> frozenset[str]:
    """Return the nodes that go with units; raises ValueError for one that is not there."""
    found: set[str] = set()
    for unit in units:
        found |= _nodes_of(topology, unit)
    return frozenset(found)


def single_points(topology: Topology, role: Role) -> Iterator[SinglePoint]:
    """Yield the units whose loss alone takes the role away; cheap for roles of many nodes."""
    nodes = topology.nodes_with(role.key)
    if not nodes or not _is_needed(role):
        return
    if _is_lost(role, len(nodes), 1):
        for node in _exposed(topology, role, nodes):
            yield SinglePoint(f"node:{node.name}", role)
        return
    for kind in ("hypervisor", "location"):
        units = _held_by(topology, nodes, kind, most=not role.failure.needs_quorum)
        fatal = sorted(n for n, count in units.items() if _is_lost(role, len(nodes), count))
        if fatal and (kind == "location" or _exposed(topology, role, nodes)):
            yield from (SinglePoint(f"{kind}:{name}", role) for name in fatal)


def _exposed(topology: Topology, role: Role, nodes: tuple[NodeView, ...]) -> list[NodeView]:
    """Return the nodes that nothing starts again elsewhere."""
    return [node for node in nodes if not _returns(topology, role, node, whole_site=False)]


def unplaced(topology: Topology, role: Role) -> int:
    """Count a role's nodes on machines of which nobody knows the hypervisor."""
    containers = topology.containers
    return sum(
        containers[node.container].hypervisor is None
        for node in topology.nodes_with(role.key)
        if node.container and node.container in containers
    )


def _nodes_of(topology: Topology, unit: str) -> set[str]:
    """Return the nodes that one unit takes along."""
    kind, _, name = unit.partition(":")
    if kind == "node" and name in topology.nodes:
        return {name}
    if kind == "container" and name in topology.containers:
        return {node.name for node in topology.nodes_on(name)}
    if kind == "balancer" and name in topology.balancers:
        return set()
    if kind == "group":
        found = {
            n.name for n in topology.nodes.values() if any(a.group == name for a in n.assignments)
        }
        if found or any(group.name == name for group in topology.groups):
            return found
    if kind in ("hypervisor", "location"):
        machines = [c.name for c in topology.containers.values() if getattr(c, kind) == name]
        if machines:
            return {node.name for machine in machines for node in topology.nodes_on(machine)}
    raise ValueError(f"The cluster has no {kind} {name}." if name else f"{unit!r} names nothing.")


def _about(
    topology: Topology, role: Role, units: tuple[str, ...], lost: frozenset[str]
) -> RoleImpact | None:
    """Return what a loss does to a role, None when it loses nothing."""
    nodes = topology.nodes_with(role.key)
    gone = [node for node in nodes if node.name in lost]
    front = _front(topology, role, units, lost)
    if not gone and front is None:
        return None
    whole_site = any(unit.startswith("location:") for unit in units)
    quorums = tuple(_quorums(role, nodes, lost)) if gone else ()
    verdict, notes = _verdict(topology, role, len(nodes), len(gone), quorums)
    if front is not None:
        verdict, notes = max(verdict, front[0]), (*notes, front[1])
    returns = bool(gone) and all(_returns(topology, role, n, whole_site=whole_site) for n in gone)
    if returns:
        notes = (*notes, "The lost nodes are started again elsewhere.")
    return RoleImpact(
        role=role,
        before=len(nodes),
        after=len(nodes) - len(gone),
        verdict=verdict,
        outcome=role.failure.outcome,
        source=role.failure.source,
        quorums=quorums,
        share=_share(role, len(nodes), len(gone), verdict),
        returns=returns,
        notes=notes,
        capacity=tuple(_capacity(topology, role, frozenset(node.name for node in gone))),
    )


def _verdict(
    topology: Topology, role: Role, count: int, gone: int, quorums: tuple[Quorum, ...]
) -> tuple[Verdict, tuple[str, ...]]:
    """Judge the loss of so many nodes of a role."""
    failure = role.failure
    if not gone:
        return Verdict.UNAFFECTED, ()
    if _is_lost(role, count, gone):
        return (Verdict.LOST if _is_needed(role) else Verdict.DEGRADED), ()
    broken = [quorum for quorum in quorums if not quorum.holds]
    if broken:  # In one of the readings of K15 only.
        names = ", ".join(f"{q.name} ({q.left} of {q.members})" for q in broken)
        return Verdict.PARTIAL, (f"Read group by group, the quorum is gone in {names}.",)
    if failure.reserve is Reserve.SHARDED:
        return Verdict.PARTIAL, ()
    if failure.drops_calls:
        return Verdict.PARTIAL, ("Calls on the lost nodes are dropped; new ones go on.",)
    if failure.needs_balancer and not _is_balanced(topology, role):
        return Verdict.PARTIAL, ("No balancer takes requests off the lost nodes.",)
    healthy = topology.parameter(f"{role.key.replace('-', '_')}_min_healthy")
    if isinstance(healthy, int) and count - gone < healthy:
        return Verdict.DEGRADED, (f"{healthy} must stay healthy, {count - gone} are left.",)
    shared = failure.reserve in (Reserve.POOLED, Reserve.REPLICATED_STORAGE)
    is_unaffected = shared and failure.level is HaLevel.APP
    return (Verdict.UNAFFECTED if is_unaffected else Verdict.DEGRADED), ()


def _is_lost(role: Role, count: int, gone: int) -> bool:
    """Tell whether a role stops with so many of its nodes gone."""
    if gone >= count:
        return True
    return role.failure.needs_quorum and count - gone < count // 2 + 1


def _is_needed(role: Role) -> bool:
    """Tell whether the platform stops serving without the role: slaves only help."""
    return role.counts.minimum != 0


def _quorums(role: Role, nodes: tuple[NodeView, ...], lost: frozenset[str]) -> Iterator[Quorum]:
    """Yield the votes of a role: as a whole, and group by group where it has groups (K15)."""
    if not role.failure.needs_quorum:
        return
    names = [component.name for component in role.components if component.odd]
    left = sum(node.name not in lost for node in nodes)
    yield Quorum(names[0] if names else "all nodes", len(nodes), left)
    if role.grouping is None:
        return
    groups: Counter[str] = Counter()
    alive: Counter[str] = Counter()
    for node in nodes:
        for assignment in node.assignments:
            if assignment.role == role.key and assignment.group:
                groups[assignment.group] += 1
                alive[assignment.group] += node.name not in lost
    for name, members in sorted(groups.items()):
        if alive[name] < members:
            yield Quorum(f"group {name}", members, alive[name])


def _front(
    topology: Topology, role: Role, units: tuple[str, ...], lost: frozenset[str]
) -> tuple[Verdict, str] | None:
    """Judge what is lost in front of a role: its balancers, or the nodes that balance it."""
    fronts = [b for b in topology.balancers.values() if b.role == role.key]
    gone = [b for b in fronts if f"balancer:{b.name}" in units and b.instances < 2]
    keys = [other.key for other in topology.platform.roles if role.key in other.balances]
    balancing = [node for key in keys for node in topology.nodes_with(key)]
    dark = bool(balancing) and all(node.name in lost for node in balancing)
    if not gone and not dark:
        return None
    if len(gone) < len(fronts) or (fronts and dark and len(gone) < len(fronts)):
        return Verdict.DEGRADED, "Another balancer is left."
    return Verdict.LOST, "The only way to its nodes, the balancer, is gone."


def _is_balanced(topology: Topology, role: Role) -> bool:
    """Tell whether something takes requests off nodes that fail."""
    if any(b.role == role.key and b.health_based for b in topology.balancers.values()):
        return True
    return any(
        role.key in other.balances and topology.nodes_with(other.key)
        for other in topology.platform.roles
    )


def _returns(topology: Topology, role: Role, node: NodeView, *, whole_site: bool) -> bool:
    """Tell whether something starts a node again elsewhere; no one does when a site is lost."""
    if whole_site or role.failure.level is HaLevel.APP:
        return False
    container = topology.container_of(node)
    return node.auto_replace or bool(container and container.virtualisation_ha)


def _share(role: Role, count: int, gone: int, verdict: Verdict) -> float:
    """Return the part of customers or calls that a loss hits, spread evenly."""
    if verdict is Verdict.LOST:
        return 1.0
    is_shared_out = role.failure.reserve is Reserve.SHARDED or role.failure.drops_calls
    return gone / count if is_shared_out else 0.0


def _capacity(topology: Topology, role: Role, gone: frozenset[str]) -> Iterator[Remaining]:
    """Yield what a role carries before and after, where figures exist (K12)."""
    for metric in ("extensions", "concurrent_calls"):
        before = role_capacity(topology, role, metric)
        after = role_capacity(topology, role, metric, without=gone)
        if before and after and gone:
            yield Remaining(metric, before.nominal, after.nominal)


def _held_by(
    topology: Topology, nodes: tuple[NodeView, ...], kind: str, *, most: bool
) -> Counter[str]:
    """Count nodes by hypervisor or location.

    With `most` only one that has them all matters: at the second one, counting stops.
    """
    counts: Counter[str] = Counter()
    for node in nodes:
        container = topology.container_of(node)
        name = getattr(container, kind) if container else None
        if most and (name is None or (counts and name not in counts)):
            return Counter()
        if name is not None:
            counts[name] += 1
    return counts
