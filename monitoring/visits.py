"""One visit of one host over its kept connection. Runs in threads: nothing here asks the ORM."""

import shlex
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum, auto
from pathlib import Path

from inventory.ssh import (
    AlgorithmsRefused,
    AuthenticationFailed,
    Connection,
    HostKeyChanged,
    HostKeyUnknown,
    Shell,
    SSHError,
)
from monitoring.hosts import HostPlan
from monitoring.ingest import SampleRow
from monitoring.metrics import HOST, LAYOUTS, POSTGRESQL
from monitoring.readings import ProbeError, Reading, host_values, parse, postgresql_values

PROBE = Path(__file__).with_name("probe.sh").read_text()
DATA_PATHS = "/var/lib/postgresql /var/lib/mysql /var/lib/etcd /srv /data /bricks"
PROBE_TIMEOUT_S = 20


class Outcome(Enum):
    """How a visit ended; BROKEN answers, but what it says is no reading."""

    SEEN = auto()
    SILENT = auto()
    REFUSED = auto()
    BROKEN = auto()


@dataclass(frozen=True)
class Visit:
    """What a visit found."""

    container_id: int
    at: datetime
    outcome: Outcome
    error: str = ""
    rows: tuple[SampleRow, ...] = ()
    values: Mapping[tuple[int, int], Mapping[str, float | None]] = field(default_factory=dict)
    reading: Reading | None = None
    clock_skew_s: float | None = None
    round_trip_ms: float | None = None
    shown_host_key: str = ""


class Visitor:
    """A host's connection, shell and last reading; used by one thread at a time."""

    def __init__(self, plan: HostPlan) -> None:
        self.plan = plan
        self._connection: Connection | None = None
        self._shell: Shell | None = None
        self._last: Reading | None = None
        self._load: float | None = None

    @property
    def broke(self) -> bool:
        """Tell whether a connection that stood is gone: worth a look before the next visit."""
        return self._connection is not None and not self._connection.alive

    def visit(self) -> Visit:
        """Ask the host; whatever the host does becomes a Visit, never an exception."""
        at = datetime.now(UTC)
        try:
            shell = self._open()
            at, started = datetime.now(UTC), time.monotonic()
            output = shell.call(self._script(), timeout_s=PROBE_TIMEOUT_S).text
            took_ms = (time.monotonic() - started) * 1000
            return self._read(parse(output), at, took_ms)
        except HostKeyChanged as error:
            self.close()
            # A bastion's key is none of the host's.
            shown = error.presented.fingerprint if error.name == self.plan.name else ""
            outcome = Outcome.REFUSED
            return Visit(self.plan.container_id, at, outcome, str(error), shown_host_key=shown)
        except (AlgorithmsRefused, AuthenticationFailed, HostKeyUnknown) as error:
            self.close()
            return Visit(self.plan.container_id, at, Outcome.REFUSED, str(error))
        except SSHError as error:
            self.close()
            return Visit(self.plan.container_id, at, Outcome.SILENT, str(error))
        except ProbeError as error:
            return Visit(self.plan.container_id, at, Outcome.BROKEN, str(error))

    def close(self) -> None:
        """End the connection."""
        connection, self._connection, self._shell = self._connection, None, None
        if connection:
            connection.close()

    def _open(self) -> Shell:
        """Return the shell, connecting first where needed."""
        if self._shell and self._connection and self._connection.alive:
            return self._shell
        self.close()
        if self.plan.target is None:
            raise AuthenticationFailed(self.plan.problem)
        self._connection = Connection.connect(self.plan.target)
        self._shell = self._connection.shell()
        return self._shell

    def _script(self) -> str:
        """Return the probe with what this host is asked."""
        probes = " ".join(sorted({probe.name for probe in self.plan.probes}))
        return (
            f"DATA_PATHS={shlex.quote(DATA_PATHS)} ROLE_PROBES={shlex.quote(probes)}"
            f" PRIVATE_IP={shlex.quote(self.plan.private_ip)}\n{PROBE}"
        )

    def _read(self, reading: Reading, at: datetime, took_ms: float) -> Visit:
        """Turn a reading into rows and keep it for the next rates."""
        host = host_values(self._last, reading, at=at.timestamp(), load_before=self._load)
        values = {(HOST.number, self.plan.container_id): host}
        for probe in self.plan.probes:
            if probe.layout == POSTGRESQL.number:
                values[(probe.layout, probe.node_id)] = postgresql_values(
                    self._last, reading, address=self.plan.private_ip
                )
        self._last, self._load = reading, host["load1"]
        return Visit(
            container_id=self.plan.container_id,
            at=at,
            outcome=Outcome.SEEN,
            rows=tuple(_rows(values, at)),
            values=values,
            reading=reading,
            clock_skew_s=host["clock_skew_s"],
            round_trip_ms=took_ms,
        )


def _rows(
    values: Mapping[tuple[int, int], Mapping[str, float | None]], at: datetime
) -> list[SampleRow]:
    """Quantise what was measured; a subject of which nothing is known gets no row."""
    second = at.replace(microsecond=0)
    rows = [
        SampleRow(second, subject, layout, LAYOUTS[layout].quantise(measured))
        for (layout, subject), measured in values.items()
    ]
    return [row for row in rows if any(value is not None for value in row.values)]
