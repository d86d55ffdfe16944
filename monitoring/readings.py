"""From the text of a probe to values: counters become rates between two visits."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SHORTEST_S = 0.5  # of two visits closer than this the rates would be noise


class ProbeError(Exception):
    """The probe's output is no whole reading; the message is for people."""


@dataclass(frozen=True)
class Reading:
    """What one visit saw. Counters and gauges may be split by a label: `net_rx_bytes/eth0`."""

    clock: float
    uptime: float
    boot_id: str
    counters: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    gauges: Mapping[str, float] = field(default_factory=dict)
    info: Mapping[str, str] = field(default_factory=dict)
    documents: Mapping[str, Any] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)


def parse(output: str) -> Reading:
    """Read the probe's lines: kind (c, g, i, j, e), name, value; raises ProbeError."""
    lines = output.splitlines()
    if not lines or lines[-1].strip() != "end":
        raise ProbeError(f"The probe ended early: {(lines[-1] if lines else 'no output')[:200]}")
    counters: dict[str, dict[str, float]] = {}
    gauges: dict[str, float] = {}
    info: dict[str, str] = {}
    documents: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for line in lines[:-1]:
        kind, _, rest = line.partition(" ")
        name, _, value = rest.partition(" ")
        try:
            if kind == "c":
                base, _, label = name.partition("/")
                counters.setdefault(base, {})[label] = float(value)
            elif kind == "g":
                gauges[name] = float(value)
            elif kind == "i":
                info[name] = value
            elif kind == "j":
                documents[name] = json.loads(value)
            elif kind == "e":
                errors[name] = value[:300] or "failed without a word"
        except ValueError:
            errors[name] = f"unreadable: {value[:100]!r}"
    if "clock" not in gauges or "uptime" not in gauges:
        raise ProbeError("The probe did not say what time it is on the host.")
    clock, uptime = gauges.pop("clock"), gauges.pop("uptime")
    return Reading(
        clock, uptime, info.get("boot_id", ""), counters, gauges, info, documents, errors
    )


def rate(name: str, before: Reading | None, after: Reading) -> float | None:
    """Return a counter's growth per second; None across a reboot, a reset or without two visits.

    Time is the host's own uptime, so neither a wrong clock nor a slow network bends a rate. A
    label (an interface, a disk) that only one visit has does not count.
    """
    if before is None or before.boot_id != after.boot_id:
        return None
    elapsed = after.uptime - before.uptime
    old, new = before.counters.get(name), after.counters.get(name)
    if elapsed < SHORTEST_S or not old or not new:
        return None
    growth = [new[label] - old[label] for label in new.keys() & old.keys()]
    if not growth or min(growth) < 0:
        return None
    return sum(growth) / elapsed


def host_values(
    before: Reading | None, after: Reading, *, at: float, load_before: float | None = None
) -> dict[str, float | None]:
    """Return the values of the host layout; `at` is the portal's time of the visit."""
    gauges = after.gauges
    cpus = gauges.get("cpus") or None
    cpu = rate("cpu_s", before, after)
    iowait = rate("iowait_s", before, after)
    used, total = gauges.get("memory_used_bytes"), gauges.get("memory_total_bytes")
    return {
        "cpu_percent": None if cpu is None or cpus is None else 100 * cpu / cpus,
        "memory_used_percent": None if used is None or not total else 100 * used / total,
        "memory_used_bytes": used,
        "load1": load(before, after, load_before),
        "disk_used_percent": gauges.get("disk_used_percent"),
        "disk_data_used_percent": gauges.get("disk_data_used_percent"),
        "iowait_percent": None if iowait is None else 100 * iowait,
        "net_rx_bytes_per_s": rate("net_rx_bytes", before, after),
        "net_tx_bytes_per_s": rate("net_tx_bytes", before, after),
        "disk_read_bytes_per_s": rate("disk_read_bytes", before, after),
        "disk_write_bytes_per_s": rate("disk_write_bytes", before, after),
        "clock_skew_s": after.clock - at,
    }


def load(before: Reading | None, after: Reading, load_before: float | None) -> float | None:
    """Return the load: the kernel's, or in a system container the damped count of busy processes.

    A container's /proc/loadavg is the whole machine's. The kernel damps with exp(-t/60); so do we,
    with one observation a visit.
    """
    if "load1" in after.gauges:
        return after.gauges["load1"]
    busy = after.gauges.get("busy_processes")
    if busy is None or before is None or load_before is None or before.boot_id != after.boot_id:
        return busy
    keep: float = 2.718281828 ** (-max(after.uptime - before.uptime, 0) / 60)
    return load_before * keep + busy * (1 - keep)


def postgresql_values(
    before: Reading | None, after: Reading, *, address: str
) -> dict[str, float | None]:
    """Return the values of the PostgreSQL layout, from Patroni's REST API, etcd and PostgreSQL."""
    patroni = _mapping(after.documents.get("patroni"))
    role = patroni.get("role")
    state = patroni.get("state")
    return {
        "patroni_role": None if role is None else float(role in ("primary", "master")),
        "patroni_running": None if state is None else float(state in ("running", "streaming")),
        "replication_lag_bytes": _lag(after, address),
        "timeline": _number(patroni.get("timeline")),
        "connections": after.gauges.get("pg_connections"),
        "transactions_per_s": rate("pg_transactions", before, after),
        "etcd_healthy": _healthy(after.documents.get("etcd")),
    }


def _lag(reading: Reading, address: str) -> float | None:
    """Find this member in Patroni's view of the cluster; the leader lags behind nobody."""
    for member in _mapping(reading.documents.get("patroni_cluster")).get("members") or ():
        if isinstance(member, dict) and member.get("host") == address:
            if member.get("role") in ("leader", "standby_leader"):
                return 0.0
            return _number(member.get("lag"))
    return None


def _healthy(document: Any) -> float | None:
    """Read etcd's /health, which says "true" as text."""
    health = _mapping(document).get("health")
    return None if health is None else float(str(health).lower() == "true")


def _mapping(document: Any) -> Mapping[str, Any]:
    """Return a JSON object, empty for anything else."""
    return document if isinstance(document, dict) else {}


def _number(value: Any) -> float | None:
    """Return a JSON number; Patroni says "unknown" where it has none."""
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
