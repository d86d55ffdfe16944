"""What is measured, as data: every metric with its unit and the resolution it is stored at.

A sample row holds all metrics of one layout in a fixed order, as integers counted in the metric's
resolution. Layouts only grow at their end: what is stored stays readable.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

INT4_MAX = 2**31 - 1


class Subject(StrEnum):
    """What a series belongs to: host series to the machine, role series to the software."""

    CONTAINER = "container"
    NODE = "node"


@dataclass(frozen=True)
class Metric:
    """A metric; `resolution` is its quantum in `unit`, `labels` name the values of a state."""

    key: str
    title: str
    unit: str
    resolution: float
    minimum: float | None = 0
    maximum: float | None = None
    labels: Mapping[int, str] = field(default_factory=dict, hash=False)
    note: str = ""

    def quantise(self, value: float | None) -> int | None:
        """Count a value in the resolution; what cannot be (negative, beyond 32 bit) is missing."""
        if value is None or value != value:  # a NaN is unequal to itself
            return None
        if self.minimum is not None and value < self.minimum:
            return None
        if self.maximum is not None:
            value = min(value, self.maximum)
        stored = round(value / self.resolution)
        return stored if abs(stored) <= INT4_MAX else None

    def value(self, stored: float | None) -> float | None:
        """Return the value of a stored integer, without the noise of binary fractions."""
        return None if stored is None else round(stored * self.resolution, 6)


@dataclass(frozen=True)
class Layout:
    """The order of metrics in a sample row; `roles` have it, all containers when empty."""

    number: int
    subject: Subject
    metrics: tuple[Metric, ...]
    roles: frozenset[str] = frozenset()

    def index(self, key: str) -> int:
        """Return the place of a metric; raises KeyError when the layout lacks it."""
        for place, metric in enumerate(self.metrics):
            if metric.key == key:
                return place
        raise KeyError(key)

    def quantise(self, values: Mapping[str, float | None]) -> tuple[int | None, ...]:
        """Order and count the values of one visit."""
        return tuple(metric.quantise(values.get(metric.key)) for metric in self.metrics)


HOST = Layout(
    1,
    Subject.CONTAINER,
    (
        Metric("cpu_percent", "CPU", "%", 0.01, maximum=100),
        Metric("memory_used_percent", "Memory", "%", 0.01, maximum=100),
        Metric("memory_used_bytes", "Memory used", "B", 65_536),
        Metric(
            "load1",
            "Load (1 min)",
            "",
            0.01,
            note="In a system container: processes that run or wait, damped over a minute.",
        ),
        Metric("disk_used_percent", "Disk: system", "%", 0.01, maximum=100),
        Metric(
            "disk_data_used_percent",
            "Disk: data",
            "%",
            0.01,
            maximum=100,
            note="The fullest file system of the data folders, where it is not the system's.",
        ),
        Metric(
            "iowait_percent",
            "I/O wait",
            "%",
            0.01,
            maximum=100,
            note="In a system container: share of time in which a process waited for I/O.",
        ),
        Metric("net_rx_bytes_per_s", "Network in", "B/s", 64),
        Metric("net_tx_bytes_per_s", "Network out", "B/s", 64),
        Metric("disk_read_bytes_per_s", "Disk read", "B/s", 64),
        Metric("disk_write_bytes_per_s", "Disk write", "B/s", 64),
        Metric(
            "clock_skew_s",
            "Clock skew",
            "s",
            0.01,
            minimum=None,
            note="The host's clock less the portal's; samples carry the portal's time.",
        ),
    ),
)

POSTGRESQL = Layout(
    2,
    Subject.NODE,
    (
        Metric("patroni_role", "Patroni role", "", 1, labels={0: "replica", 1: "leader"}),
        Metric("patroni_running", "PostgreSQL", "", 1, labels={0: "not running", 1: "running"}),
        Metric("replication_lag_bytes", "Replication lag", "B", 1024),
        Metric("timeline", "Timeline", "", 1),
        Metric("connections", "Connections", "", 1),
        Metric("transactions_per_s", "Transactions", "1/s", 0.01),
        Metric("etcd_healthy", "etcd", "", 1, labels={0: "unhealthy", 1: "healthy"}),
    ),
    roles=frozenset({"database"}),
)

LAYOUTS: Mapping[int, Layout] = {layout.number: layout for layout in (HOST, POSTGRESQL)}


def layouts_of(subject: Subject) -> tuple[Layout, ...]:
    """Return the layouts whose series belong to such a subject."""
    return tuple(layout for layout in LAYOUTS.values() if layout.subject is subject)


def layout_with(key: str) -> Layout:
    """Return the layout that holds a metric; raises KeyError for a key nobody measures."""
    for layout in LAYOUTS.values():
        if any(metric.key == key for metric in layout.metrics):
            return layout
    raise KeyError(key)
