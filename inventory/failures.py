"""Every single and every double failure of a cluster, as a matrix; pure.

What is alike in everything a loss depends on counts as one unit, "any of 40 SIP nodes", so that the
matrix of ten thousand nodes is as small as that of fifty.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from inventory.impact import Impact, Verdict, impact_within
from inventory.reach import Reach, is_protected
from inventory.topology import NodeView, Topology

# More units than that make no readable matrix.
MOST_UNITS = 40
SHOWN_ROLES = 3

Kind = tuple[object, ...]  # of a node: roles with the sizes of their groups, and its protection


@dataclass(frozen=True)
class Unit:
    """What may fail: one thing, or any of several that are alike. `members` are its subjects."""

    kind: str
    label: str
    members: tuple[str, ...]

    @property
    def subject(self) -> str:
        """Return the subject that stands for all."""
        return self.members[0]


@dataclass(frozen=True)
class Cell:
    """A failure, of the members that make it worst, and what it does."""

    lost: tuple[str, ...]
    verdict: Verdict
    returns: bool


@dataclass(frozen=True)
class Matrix:
    """What every unit alone and every pair does; `left_out` counts units that are not in it.

    `pairs` has the cells of row and column, up to the diagonal. That is the loss of two that are
    alike, None where there is one only.
    """

    units: tuple[Unit, ...]
    singles: tuple[Cell, ...]
    pairs: tuple[tuple[Cell | None, ...], ...]
    left_out: int

    def cells(self) -> Iterator[tuple[Unit, Unit | None, Cell]]:
        """Yield every failure with what fails: each unit alone, then with those before it."""
        for number, unit in enumerate(self.units):
            yield unit, None, self.singles[number]
            for other, cell in zip(self.units, self.pairs[number], strict=False):
                if cell is not None:
                    yield unit, other, cell


def failure_matrix(topology: Topology) -> Matrix:
    """Go through every single and every double failure."""
    reach = Reach(topology)
    everything = units(reach)
    shown = everything[:MOST_UNITS]
    singles = tuple(_cell(reach, (unit.subject,)) for unit in shown)
    pairs = tuple(
        tuple(_pair(reach, row, column) for column in shown[: number + 1])
        for number, row in enumerate(shown)
    )
    return Matrix(tuple(shown), singles, pairs, len(everything) - len(shown))


def details(topology: Topology, cells: Iterable[Cell]) -> list[Impact]:
    """Return what failures do, role by role, with the figures of capacity."""
    reach = Reach(topology)
    return [impact_within(reach, cell.lost) for cell in cells]


def units(reach: Reach) -> list[Unit]:
    """Return what may fail; of places those with the most nodes first, containers of one node not.

    Alike are nodes with the same roles, sizes of groups and protection, and places and groups with
    the same numbers of such nodes.
    """
    kinds = _kinds_of_nodes(reach)
    crowded = {name: n for name, n in reach.places["container"].items() if len(n) > 1}
    return [
        *_classes(reach.topology, kinds),
        *_alike(reach, "group", reach.groups, kinds),
        *_alike(reach, "location", reach.places["location"], kinds),
        *(
            Unit(kind, f"{kind.capitalize()} {name}", (f"{kind}:{name}",))
            for kind, names in (
                ("balancer", reach.topology.balancers),
                ("backend", reach.backends),
            )
            for name in sorted(names)
        ),
        *_alike(reach, "hypervisor", reach.places["hypervisor"], kinds),
        *_alike(reach, "container", crowded, kinds),
    ]


def _cell(reach: Reach, lost: tuple[str, ...]) -> Cell:
    """Judge a failure."""
    found = impact_within(reach, lost, capacity=False)
    return Cell(lost, found.worst, found.returns)


def _pair(reach: Reach, row: Unit, column: Unit) -> Cell | None:
    """Judge the loss of two units, or of two members of one, by the worst of their members."""
    cells = (_cell(reach, lost) for lost in dict.fromkeys(_candidates(reach, row, column)))
    return max(cells, key=lambda cell: (cell.verdict, not cell.returns), default=None)


def _candidates(reach: Reach, row: Unit, column: Unit) -> Iterator[tuple[str, ...]]:
    """Yield members to lose together: those that overlap least, and those that share a group."""
    for partner in _partners(reach, row.subject, column):
        yield row.subject, partner
    if row is not column:
        for partner in _partners(reach, column.subject, row):
            yield partner, column.subject


def _partners(reach: Reach, subject: str, unit: Unit) -> Iterator[str]:
    """Yield members of a unit that make the loss of something else worst.

    A node on the hypervisor that fails with it adds nothing, so one elsewhere is taken; two of one
    availability group may cost its quorum, where two of different groups do not (K15).
    """
    others = [member for member in unit.members if member != subject]
    first = reach.alone(subject)
    apart = (member for member in others if _is_apart(reach, first.nodes, member))
    if partner := next(apart, others[0] if others else None):
        yield partner
        if first.by_group and any(reach.alone(m).by_group for m in others[:1]):
            groups = first.by_group.keys()
            akin = (
                member
                for member in others
                if not groups.isdisjoint(reach.alone(member).by_group)
                and _is_apart(reach, first.nodes, member)
            )
            yield from (member for member in [next(akin, None)] if member)


def _is_apart(reach: Reach, nodes: frozenset[str], member: str) -> bool:
    """Tell whether neither takes all nodes of the other along."""
    others = reach.alone(member).nodes
    return not others <= nodes and not nodes <= others


def _kinds_of_nodes(reach: Reach) -> dict[str, Kind]:
    """Return what a loss of each node depends on, beyond its place."""
    sizes = reach.group_sizes
    return {
        node.name: (
            tuple(sorted((a.role, sizes[a.role, a.group or ""]) for a in node.assignments)),
            is_protected(reach.topology, node),
        )
        for node in reach.topology.nodes.values()
    }


def _classes(topology: Topology, kinds: Mapping[str, Kind]) -> list[Unit]:
    """Return nodes that are alike, in the order of their names."""
    alike: defaultdict[Kind, list[NodeView]] = defaultdict(list)
    for _, node in sorted(topology.nodes.items()):
        alike[kinds[node.name]].append(node)
    return [_class(topology, nodes) for nodes in alike.values()]


def _class(topology: Topology, nodes: list[NodeView]) -> Unit:
    """Name nodes that are alike."""
    names = " and ".join(topology.role(a.role).name for a in nodes[0].assignments) or "no role"
    label = nodes[0].name if len(nodes) == 1 else f"Any of {len(nodes)}: {names}"
    return Unit("node", label, tuple(f"node:{node.name}" for node in nodes))


def _alike(
    reach: Reach, kind: str, named: Mapping[str, frozenset[str]], kinds: Mapping[str, Kind]
) -> list[Unit]:
    """Return places or groups, those with the most nodes first; empty ones take nothing along."""
    alike: defaultdict[tuple[object, ...], list[str]] = defaultdict(list)
    for name in sorted(named, key=lambda name: (-len(named[name]), name)):
        if named[name]:
            contents = frozenset(Counter(kinds[node] for node in named[name]).items())
            groups = reach.alone(f"{kind}:{name}").by_group
            alike[contents, tuple(sorted(groups.values()))].append(name)
    return [_place(reach, kind, names) for names in alike.values()]


def _place(reach: Reach, kind: str, names: list[str]) -> Unit:
    """Name places or groups that are alike, by what they hold where they are several."""
    members = tuple(f"{kind}:{name}" for name in names)
    if len(names) == 1:
        return Unit(kind, f"{kind.capitalize()} {names[0]}", members)
    held = sorted(reach.alone(members[0]).by_role.items(), key=lambda item: (-item[1], item[0]))
    words = [f"{count} {reach.topology.role(role).name}" for role, count in held[:SHOWN_ROLES]]
    more = ", …" if len(held) > SHOWN_ROLES else ""
    return Unit(kind, f"Any of {len(names)} {kind}s with {', '.join(words)}{more}", members)
