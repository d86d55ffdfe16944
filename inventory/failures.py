"""Every single and every double failure of a cluster, as a matrix; pure.

Nodes that are alike in everything a loss depends on count as one unit, "any of 40 SIP nodes".
"""

from collections import defaultdict
from dataclasses import dataclass

from inventory.impact import Verdict, impact
from inventory.topology import NodeView, Topology

# More units than that make no readable matrix, and too many pairs to go through.
MOST_UNITS = 40


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
class Matrix:
    """The worst verdict of every unit and of every pair; `left_out` units are not in it.

    `pairs` has a verdict for row and column; the diagonal is the loss of two that are alike, None
    where there is one only.
    """

    units: tuple[Unit, ...]
    singles: tuple[Verdict, ...]
    pairs: tuple[tuple[Verdict | None, ...], ...]
    left_out: int


def failure_matrix(topology: Topology) -> Matrix:
    """Go through every single and every double failure."""
    everything = units(topology)
    shown = everything[:MOST_UNITS]
    singles = tuple(impact(topology, [unit.subject]).worst for unit in shown)
    pairs = tuple(
        tuple(_pair(topology, row, column) for column in shown[: number + 1])
        for number, row in enumerate(shown)
    )
    return Matrix(tuple(shown), singles, pairs, len(everything) - len(shown))


def units(topology: Topology) -> list[Unit]:
    """Return what may fail: places, groups and balancers first, then classes of nodes."""
    found = [
        *_places(topology, "location"),
        *_places(topology, "hypervisor"),
        *_groups(topology),
        *(
            Unit("balancer", f"Balancer {name}", (f"balancer:{name}",))
            for name in sorted(topology.balancers)
        ),
    ]
    classes = _classes(topology, fine=True)
    if len(found) + len(classes) > MOST_UNITS:
        classes = _classes(topology, fine=False)
    return [*classes, *found]


def _pair(topology: Topology, row: Unit, column: Unit) -> Verdict | None:
    """Judge the loss of two units, or of two members of one."""
    if row is not column:
        return impact(topology, [row.subject, column.subject]).worst
    if len(row.members) < 2:
        return None
    return impact(topology, row.members[:2]).worst


def _places(topology: Topology, kind: str) -> list[Unit]:
    """Return hypervisors or locations that nodes run in, those with the most nodes first."""
    counts: defaultdict[str, int] = defaultdict(int)
    for node in topology.nodes.values():
        container = topology.container_of(node)
        if name := getattr(container, kind, None):
            counts[name] += 1
    order = sorted(counts, key=lambda name: (-counts[name], name))
    return [Unit(kind, f"{kind.capitalize()} {name}", (f"{kind}:{name}",)) for name in order]


def _groups(topology: Topology) -> list[Unit]:
    """Return the availability groups that have nodes."""
    names = {
        assignment.group
        for node in topology.nodes.values()
        for assignment in node.assignments
        if assignment.group
    }
    return [Unit("group", f"Group {name}", (f"group:{name}",)) for name in sorted(names)]


def _classes(topology: Topology, *, fine: bool) -> list[Unit]:
    """Return nodes by what a loss depends on; coarse classes leave the place out."""
    alike: defaultdict[tuple[object, ...], list[NodeView]] = defaultdict(list)
    for _, node in sorted(topology.nodes.items()):
        container = topology.container_of(node)
        roles = tuple(sorted((a.role, a.group or "") for a in node.assignments))
        place = (container.hypervisor, container.location) if container and fine else ()
        protected = node.auto_replace or bool(container and container.virtualisation_ha)
        alike[roles, place, protected].append(node)
    return [_class(topology, nodes) for nodes in alike.values()]


def _class(topology: Topology, nodes: list[NodeView]) -> Unit:
    """Name nodes that are alike."""
    names = " and ".join(topology.role(a.role).name for a in nodes[0].assignments) or "no role"
    label = nodes[0].name if len(nodes) == 1 else f"Any of {len(nodes)}: {names}"
    return Unit("node", label, tuple(f"node:{node.name}" for node in nodes))
