"""What is lost with what: the blast radius of nodes, groups, hypervisors, locations; pure.

Everything follows from the platform's data: how a role keeps its reserve (S6), whether it needs a
quorum, a balancer, or the virtualisation. Shares of customers assume that they are spread evenly.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum

from inventory.capacity import role_capacity
from inventory.locks import is_number, known_extensions
from inventory.platforms.facts import HaLevel, Reserve, Source
from inventory.platforms.schema import Role
from inventory.reach import Lost, Reach
from inventory.topology import Topology


class Verdict(IntEnum):
    """How bad a loss is for a role, from nothing to everything.

    Degraded: it serves everybody, with less in reserve or slower. Partial: some customers or calls
    are hit, or all are in one reading of the documents. Lost: it serves nobody.
    """

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
    """What a role carries before and after a loss, in the metric's unit.

    `load` is what is known to be in use, None when nobody knows.
    """

    metric: str
    before: int
    after: int
    load: int | None = None

    @property
    def label(self) -> str:
        """Return the metric in words."""
        return self.metric.replace("_", " ").capitalize()

    @property
    def suffices(self) -> bool:
        """Tell whether what is left carries what is known to be in use."""
        return self.load is None or self.load <= self.after


@dataclass(frozen=True)
class RoleImpact:
    """What a loss does to one role.

    `share` is the part of its customers or calls that is hit, 0 to 1. `returns` tells that the
    virtualisation, or automation of the operator's, brings every lost node back elsewhere.
    `balanced` tells whether a balancer takes requests off the lost nodes, None where none is used.
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
    drops_calls: bool = False
    balanced: bool | None = None
    notes: tuple[str, ...] = ()
    capacity: tuple[Remaining, ...] = ()


@dataclass(frozen=True)
class Impact:
    """What losing some units does, role by role; roles that lose nothing are left out."""

    units: tuple[str, ...]
    nodes: tuple[str, ...]
    roles: tuple[RoleImpact, ...] = ()

    @property
    def worst(self) -> Verdict:
        """Return the worst that happens to a role."""
        return max((role.verdict for role in self.roles), default=Verdict.UNAFFECTED)

    @property
    def returns(self) -> bool:
        """Tell whether the worst lasts only until nodes are started again elsewhere."""
        hit = [role for role in self.roles if role.verdict is self.worst]
        return bool(hit) and self.worst is not Verdict.UNAFFECTED and all(r.returns for r in hit)


def impact(topology: Topology, lost: Iterable[str]) -> Impact:
    """Return what losing units does, such as `node:sip-01`, `group:A` or `hypervisor:hv-01`.

    Raises ValueError for a unit that the cluster does not have.
    """
    return impact_within(Reach(topology), lost)


def impact_within(reach: Reach, units: Iterable[str], *, capacity: bool = True) -> Impact:
    """Return what losing units does, for many losses of one cluster; figures of capacity cost."""
    lost = reach.lost(units)
    roles = (_about(reach, role, lost, capacity=capacity) for role in reach.topology.platform.roles)
    return Impact(lost.units, tuple(sorted(lost.nodes)), tuple(r for r in roles if r))


def is_lost(role: Role, count: int, gone: int) -> bool:
    """Tell whether a role stops with so many of its nodes gone."""
    if gone >= count:
        return True
    return role.failure.needs_quorum and count - gone < count // 2 + 1


def is_needed(topology: Topology, role: Role) -> bool:
    """Tell whether the cluster stops serving without the role: slaves only help."""
    is_there = topology.release.has_role(role.key) and topology.needs(role)
    return is_there and role.counts.minimum != 0


def _about(reach: Reach, role: Role, lost: Lost, *, capacity: bool) -> RoleImpact | None:
    """Return what a loss does to a role, None when it loses nothing."""
    count, gone = len(reach.topology.nodes_with(role.key)), lost.by_role.get(role.key, 0)
    if not count:
        return _about_backend(reach, role, lost)
    front = _front(reach, role, lost)
    if not gone and front is None:
        return None
    quorums = tuple(_quorums(reach, role, count, gone, lost)) if gone else ()
    balanced = _is_balanced(reach, role) if role.failure.needs_balancer else None
    verdict, notes = _verdict(reach.topology, role, count, gone, quorums, balanced)
    if front is not None:
        verdict, notes = max(verdict, front[0]), (*notes, front[1])
    returns = gone > 0 and not lost.exposed.get(role.key, 0)
    if returns:
        notes = (*notes, "The lost nodes are started again elsewhere; until then it is as told.")
    return RoleImpact(
        role=role,
        before=count,
        after=count - gone,
        verdict=verdict,
        outcome=role.failure.outcome,
        source=role.failure.source,
        quorums=quorums,
        share=_share(role, count, gone, verdict),
        returns=returns and (front is None or front[0] < verdict),
        drops_calls=gone > 0 and role.failure.drops_calls,
        balanced=balanced,
        notes=notes,
        capacity=tuple(_capacity(reach.topology, role, lost)) if capacity and gone else (),
    )


def _about_backend(reach: Reach, role: Role, lost: Lost) -> RoleImpact | None:
    """Return what the loss of what stands in a role's place does (K20)."""
    names = [name for name, other in reach.backends.items() if other is role]
    name = next((name for name in names if f"backend:{name}" in lost.units), None)
    if name is None or role.not_needed_when is None:
        return None
    source = role.not_needed_when.sources[-1]
    redundant = reach.is_redundant(name)
    note = (
        "It is said to be highly available: the loss of one part of it is not noticed."
        if redundant
        else "It stands in the place of this role, and nothing stands in for it."
    )
    verdict = Verdict.UNAFFECTED if redundant else Verdict.LOST
    share = 0.0 if redundant else 1.0
    return RoleImpact(role, 0, 0, verdict, source.text, source, share=share, notes=(note,))


def _verdict(
    topology: Topology,
    role: Role,
    count: int,
    gone: int,
    quorums: tuple[Quorum, ...],
    balanced: bool | None,
) -> tuple[Verdict, tuple[str, ...]]:
    """Judge the loss of so many nodes of a role."""
    failure = role.failure
    if not gone:
        return Verdict.UNAFFECTED, ()
    if is_lost(role, count, gone):
        return (Verdict.LOST if is_needed(topology, role) else Verdict.DEGRADED), ()
    broken = [quorum for quorum in quorums if not quorum.holds]
    if broken:  # In one of the readings only (K15, S10).
        names = ", ".join(f"{q.name} ({q.left} of {q.members} left)" for q in broken)
        return Verdict.PARTIAL, (f"Counted apart, the quorum is gone in {names}.",)
    if failure.reserve is Reserve.SHARDED:
        return Verdict.PARTIAL, ()
    if failure.drops_calls:
        return Verdict.PARTIAL, ("New calls go to the nodes that are left.",)
    if balanced is False:
        return Verdict.PARTIAL, ("No balancer takes requests off the lost nodes.",)
    is_shared = failure.reserve in (Reserve.POOLED, Reserve.REPLICATED_STORAGE)
    if failure.level is not HaLevel.APP or not is_shared:
        return Verdict.DEGRADED, ()
    if failure.needs_quorum or failure.reserve is Reserve.REPLICATED_STORAGE:
        return Verdict.UNAFFECTED, ()
    return _pooled(topology, role, count - gone, gone)


def _pooled(
    topology: Topology, role: Role, left: int, gone: int
) -> tuple[Verdict, tuple[str, ...]]:
    """Judge what is left of nodes that share the load, by what must stay healthy (K24, S6)."""
    healthy = topology.parameter(f"{role.key.replace('-', '_')}_min_healthy")
    if isinstance(healthy, int):
        if left < healthy:
            return Verdict.DEGRADED, (f"{healthy} must stay healthy, {left} are left.",)
        return Verdict.UNAFFECTED, ()
    if gone > 1:
        words = "The reserve is for the loss of one node; whether fewer suffice nobody has said."
        return Verdict.DEGRADED, (words,)
    return Verdict.UNAFFECTED, ()


def _quorums(reach: Reach, role: Role, count: int, gone: int, lost: Lost) -> Iterator[Quorum]:
    """Yield the votes of a role: as a whole, by group (K15), and by replica set (S10).

    Which nodes are of one set is not recorded: the worst is taken, all lost ones in one set.
    """
    if not role.failure.needs_quorum:
        return
    names = [component.name for component in role.components if component.odd]
    yield Quorum(names[0] if names else "all nodes", count, count - gone)
    size = role.counts.multiple_of
    if role.failure.reserve is Reserve.REPLICATED_STORAGE and size and count > size:
        yield Quorum("a replica set, at worst", size, size - min(gone, size))
    for (key, name), number in sorted(lost.by_group.items()):
        if key == role.key:
            members = reach.group_sizes[key, name]
            yield Quorum(f"group {name}", members, members - number)


def _front(reach: Reach, role: Role, lost: Lost) -> tuple[Verdict, str] | None:
    """Judge what is lost in front of a role: its balancers, or the nodes that balance it."""
    keys = [other.key for other in reach.topology.platform.roles if role.key in other.balances]
    balancing = sum(len(reach.topology.nodes_with(key)) for key in keys)
    if balancing and all(
        lost.by_role.get(key, 0) == len(reach.topology.nodes_with(key)) for key in keys
    ):
        return Verdict.LOST, "The nodes that balance it, the only way to it, are gone."
    fronts = reach.fronts.get(role.key, [])
    gone = [b for b in fronts if f"balancer:{b.name}" in lost.units and b.instances < 2]
    if not gone:
        return None
    left = {_kind(reach, b.network) for b in fronts if b not in gone}
    if balancing or all(_kind(reach, b.network) in left for b in gone):
        return Verdict.DEGRADED, "Another balancer is left."
    return Verdict.LOST, "The balancer, the only way to its nodes, is gone."


def _kind(reach: Reach, network: str) -> str:
    """Tell from which kind of network a balancer is reached."""
    found = reach.topology.networks.get(network)
    return found.kind if found else ""


def _is_balanced(reach: Reach, role: Role) -> bool:
    """Tell whether something takes requests off nodes that fail."""
    if any(balancer.health_based for balancer in reach.fronts.get(role.key, ())):
        return True
    return any(
        role.key in other.balances and reach.topology.nodes_with(other.key)
        for other in reach.topology.platform.roles
    )


def _share(role: Role, count: int, gone: int, verdict: Verdict) -> float:
    """Return the part of customers or calls that a loss hits, spread evenly."""
    if verdict is Verdict.LOST:
        return 1.0
    is_shared_out = role.failure.reserve is Reserve.SHARDED or role.failure.drops_calls
    return gone / count if is_shared_out else 0.0


def _capacity(topology: Topology, role: Role, lost: Lost) -> Iterator[Remaining]:
    """Yield what a role carries before and after, where figures exist (K12)."""
    for metric in ("extensions", "concurrent_calls"):
        before = role_capacity(topology, role, metric)
        after = role_capacity(topology, role, metric, without=lost.nodes)
        if before and after:
            yield Remaining(metric, before.nominal, after.nominal, _load(topology, metric))


def _load(topology: Topology, metric: str) -> int | None:
    """Return what is known to be in use of a metric, by the whole cluster."""
    if metric == "extensions":
        fact = known_extensions(topology)
    else:
        fact = topology.fact("cluster", metric)
    return int(fact.value) if fact and is_number(fact.value) else None
