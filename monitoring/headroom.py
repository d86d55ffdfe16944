"""How much of a role's usable capacity is used, its reserve kept; pure.

The reserve follows the role's kind (S6): a pool must carry on without its largest node, a leader's
load must fit the smallest node that may take over, shards and replica sets are judged by the
fullest, a single node has no reserve at all. Limits are those of capacity advice: CPU 70 %, memory
and disk 80 %, I/O wait 20 %.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from inventory.platforms.facts import Reserve

# A lost node moves load, never the data on its disk, nor its waiting: these are judged by the
# fullest node whatever the role's reserve.
STAYS = frozenset({"disk_used_percent", "disk_data_used_percent", "iowait_percent"})
LIMITS: dict[str, float] = {
    "cpu_percent": 70,
    "memory_used_percent": 80,
    "disk_used_percent": 80,
    "disk_data_used_percent": 80,
    "iowait_percent": 20,
}
NO_LIMIT = 100.0


@dataclass(frozen=True)
class NodeLoad:
    """A node's load in percent of its machine; `size` is the machine's (vCPUs, MiB)."""

    node: str
    percent: float | None
    size: float = 1
    leads: bool | None = None
    at: datetime | None = None


@dataclass(frozen=True)
class Headroom:
    """Used and usable in node-percent of the same size; None where nodes were not measured."""

    used: float | None
    usable: float
    expected: int
    seen: int
    single: bool
    explanation: str
    at: datetime | None = None

    @property
    def percent(self) -> float | None:
        """Return the share of the usable capacity that is used; above 100 the reserve is gone."""
        if self.used is None or self.usable <= 0:
            return None
        return 100 * self.used / self.usable


def headroom(metric: str, reserve: Reserve, loads: Sequence[NodeLoad]) -> Headroom:
    """Judge a role's nodes by one metric; raises KeyError for a metric without a limit."""
    limit = LIMITS[metric]
    single = len(loads) < 2 or reserve is Reserve.SINGLE
    if single:
        used, usable = _fullest(loads), NO_LIMIT
        why = "one node alone: all of it is usable, none of it is in reserve"
    elif metric in STAYS or reserve in (Reserve.SHARDED, Reserve.REPLICATED_STORAGE):
        used, usable = _fullest(loads), limit
        why = f"the fullest node, up to {limit:g} %"
    elif reserve is Reserve.LEADER:
        used, usable = _leader(loads, limit)
        why = f"the leader's load on the smallest node that may take over, up to {limit:g} %"
    else:
        used, usable = _pooled(loads, limit)
        why = f"all nodes but the largest, each up to {limit:g} %"
    times = [load.at for load in loads if load.at and load.percent is not None]
    return Headroom(
        used=used,
        usable=usable,
        expected=len(loads),
        seen=sum(load.percent is not None for load in loads),
        single=single,
        explanation=why,
        at=min(times, default=None),
    )


def _fullest(loads: Sequence[NodeLoad]) -> float | None:
    """Return the highest load; unknown while any is, for that one might be it."""
    known = [load.percent for load in loads if load.percent is not None]
    return max(known) if known and len(known) == len(loads) else None


def _pooled(loads: Sequence[NodeLoad], limit: float) -> tuple[float | None, float]:
    """Sum up the load; usable is what is left without the largest node."""
    largest = max(load.size for load in loads)
    usable = limit * (sum(load.size for load in loads) - largest) / largest
    if any(load.percent is None for load in loads):
        return None, usable
    return sum((load.percent or 0) * load.size for load in loads) / largest, usable


def _leader(loads: Sequence[NodeLoad], limit: float) -> tuple[float | None, float]:
    """Put the leader's load on the smallest other node; without a known leader, the highest."""
    leaders = [load for load in loads if load.leads]
    if len(leaders) == 1:
        leader = leaders[0]
        smallest = min(load.size for load in loads if load is not leader)
    else:
        if any(load.percent is None for load in loads):
            return None, limit
        leader = max(loads, key=lambda load: (load.percent or 0) * load.size)
        smallest = min(load.size for load in loads)
    return leader.percent, limit * smallest / leader.size
