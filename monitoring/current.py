"""What was measured last: the newest sample of a subject, the mean of the last five minutes."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from inventory.models import Cluster
from inventory.platforms.schema import Role
from inventory.snapshot import load_topology
from inventory.topology import NodeView, Topology
from monitoring.headroom import LIMITS, Headroom, NodeLoad, headroom
from monitoring.metrics import HOST, POSTGRESQL, Layout

WINDOW = timedelta(minutes=5)

MEANS = """
SELECT s.subject_id, u.i - 1, avg(u.v)::float8, max(s.at)
FROM monitoring_sample s CROSS JOIN LATERAL unnest(s.values) WITH ORDINALITY AS u (v, i)
WHERE s.layout = %s AND s.subject_id = ANY(%s) AND s.at > %s AND s.at <= %s AND u.v IS NOT NULL
GROUP BY 1, 2
"""
LATEST = """
SELECT DISTINCT ON (subject_id) subject_id, values[%s] FROM monitoring_sample
WHERE layout = %s AND subject_id = ANY(%s) AND at > %s AND at <= %s
ORDER BY subject_id, at DESC
"""


@dataclass(frozen=True)
class Line:
    """One line of a role's headroom."""

    title: str
    headroom: Headroom


@dataclass(frozen=True)
class RoleHeadroom:
    """A role's lines; the fullest comes first, as it is the one that binds."""

    role: Role
    nodes: int
    lines: tuple[Line, ...]

    @property
    def single(self) -> bool:
        """Tell whether the role hangs on one node."""
        return any(line.headroom.single for line in self.lines)


Means = dict[tuple[int, int], tuple[float, datetime]]


def cluster_headroom(cluster: Cluster, *, now: datetime) -> list[RoleHeadroom]:
    """Judge every role that has nodes, from the samples of the last five minutes."""
    topology = load_topology(cluster, now=now)
    containers = [c.pk for c in topology.containers.values() if c.pk]
    means = _means(HOST, containers, now)
    leaders = _leaders([n.pk for n in topology.nodes.values() if n.pk], now)
    return [
        _judge(topology, role, nodes, means, leaders)
        for role in topology.platform.roles
        if (nodes := topology.nodes_with(role.key))
    ]


def _judge(
    topology: Topology,
    role: Role,
    nodes: tuple[NodeView, ...],
    means: Means,
    leaders: dict[int, bool],
) -> RoleHeadroom:
    """Judge one role by every metric with a limit that somebody measured."""
    lines = []
    for key in LIMITS:
        loads = [_load(topology, node, key, means, leaders) for node in nodes]
        if key == "cpu_percent" or any(load.percent is not None for load in loads):
            title = HOST.metrics[HOST.index(key)].title
            lines.append(Line(title, headroom(key, role.failure.reserve, loads)))
    lines.sort(key=lambda line: -(line.headroom.percent or 0))
    return RoleHeadroom(role, len(nodes), tuple(lines))


def _load(
    topology: Topology, node: NodeView, key: str, means: Means, leaders: dict[int, bool]
) -> NodeLoad:
    """Return a node's load by one metric, with the size of its machine in that respect."""
    machine = topology.container_of(node)
    place = HOST.index(key)
    mean = means.get((machine.pk, place)) if machine and machine.pk else None
    sizes = {"cpu_percent": "vcpus", "memory_used_percent": "memory_mib"}
    size = getattr(machine, sizes[key]) if machine and key in sizes else 1
    percent = HOST.metrics[place].value(mean[0]) if mean else None
    return NodeLoad(node.name, percent, size, leaders.get(node.pk or 0), mean[1] if mean else None)


def _means(layout: Layout, subjects: Iterable[int], now: datetime) -> Means:
    """Return means and newest times of the window, by subject and place."""
    with connection.cursor() as cursor:
        cursor.execute(MEANS, [layout.number, list(subjects), now - WINDOW, now])
        return {(row[0], row[1]): (row[2], row[3]) for row in cursor.fetchall()}


def _leaders(nodes: Iterable[int], now: datetime) -> dict[int, bool]:
    """Tell for each node whether it led at its last sample."""
    place = POSTGRESQL.index("patroni_role") + 1
    with connection.cursor() as cursor:
        cursor.execute(LATEST, [place, POSTGRESQL.number, list(nodes), now - WINDOW, now])
        return {row[0]: row[1] == 1 for row in cursor.fetchall() if row[1] is not None}
