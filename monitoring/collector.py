"""The collector's loop: lease, dispatch, gather, write. Only this thread talks to the database."""

import logging
import os
import threading
import time
import zlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from queue import Empty, SimpleQueue

from django.db import DatabaseError, InterfaceError, close_old_connections, connection
from django.utils import timezone

from monitoring import leases
from monitoring.heard import Heard
from monitoring.hosts import HostPlan, host_plans
from monitoring.partitions import ensure_ahead
from monitoring.pool import Pool, Result
from monitoring.states import HostStatus
from monitoring.strangers import Strangers
from monitoring.tracking import Track, retry_after
from monitoring.visits import Outcome, Visit, Visitor
from monitoring.writer import Facts, Found, load_tracks, write

log = logging.getLogger(__name__)

LEASE_EVERY_S = 5.0
TICK_S = 0.5
# What is kept while the database does not answer: ten minutes of a hundred hosts.
KEPT = 20_000
RETRY_DATABASE_S = 2.0
SUSPECT_THREADS = 8


@dataclass
class Host:
    """A host that we visit."""

    visitor: Visitor
    track: Track
    due_at: float
    under_way: bool = False
    visits: int = 0


class Collector:
    """Visits its share of the hosts every interval, until it is told to stop."""

    def __init__(self, *, name: str, interval_s: float, threads: int) -> None:
        self.name = name
        self.interval = timedelta(seconds=interval_s)
        self.hosts: dict[int, Host] = {}
        self.visits = self.failures = 0
        self._results: SimpleQueue[Result] = SimpleQueue()
        self._pool = Pool("visit", threads, self._results)
        # Hosts that did not answer have threads of their own: they cost the others nothing.
        self._suspects = Pool("suspect", SUSPECT_THREADS, self._results)
        self._pending: deque[Found] = deque(maxlen=KEPT)
        self._facts = Facts()
        self._heard = Heard()
        self._strangers = Strangers()
        self._lease_at = self._write_at = self._ahead_at = 0.0
        self._started = False
        # The supervisor restarts a collector that stops touching this file.
        beat = os.environ.get("VOIPADMIN_HEARTBEAT")
        self._heartbeat = Path(beat) if beat else None

    def run(self, stop: threading.Event) -> None:
        """Collect until `stop`; then write what is there and free the shards."""
        try:
            while not stop.is_set():
                self.step()
                if self._heartbeat:
                    self._heartbeat.touch()
        finally:
            self.close()

    def step(self) -> None:
        """Do once what is due, waiting for results at most a tick."""
        now = time.monotonic()
        if now >= self._lease_at:
            self._with_database(self._lease, now)
        self._dispatch(time.monotonic())
        self._gather()
        self._watch()
        if self._pending and time.monotonic() >= self._write_at:
            self._with_database(self._flush, now)

    def close(self) -> None:
        """Write what was found, free the shards, end the connections."""
        self._pool.close()
        self._suspects.close()
        try:
            self._flush(time.monotonic())
            leases.end(self.name)
        except (DatabaseError, InterfaceError) as error:
            log.warning("The database does not answer at the end: %s", error)
        for host in self.hosts.values():
            host.visitor.close()

    def _with_database(self, work: Callable[[float], None], now: float) -> None:
        """Do work that needs the database; when it does not answer, visits go on and wait."""
        try:
            close_old_connections()
            work(now)
        except (DatabaseError, InterfaceError) as error:
            log.warning("The database does not answer, trying again: %s", str(error).strip())
            if not connection.in_atomic_block:
                connection.close()
            self._lease_at = max(self._lease_at, now + RETRY_DATABASE_S)
            self._write_at = now + RETRY_DATABASE_S

    def _lease(self, now: float) -> None:
        """Renew the lease and learn which hosts are ours."""
        if not self._started:
            leases.start(self.name)
            self._started = True
        if now >= self._ahead_at:
            ensure_ahead(timezone.now())
            self._ahead_at = now + 3600
        held = leases.renew(
            self.name, hosts=len(self.hosts), visits=self.visits, failures=self.failures
        )
        self._learn(host_plans(held), now)
        self._lease_at = now + min(LEASE_EVERY_S, self.interval.total_seconds())

    def _learn(self, plans: dict[int, HostPlan], now: float) -> None:
        """Take on new hosts, let go of others, follow what was changed."""
        for pk in self.hosts.keys() - plans.keys():
            self._drop(self.hosts.pop(pk))
        new = plans.keys() - self.hosts.keys()
        for pk, track in load_tracks(new, now=timezone.now()).items() if new else ():
            self.hosts[pk] = Host(Visitor(plans[pk]), track, due_at=now)
        for pk, plan in plans.items():
            host = self.hosts[pk]
            if host.visitor.plan.target != plan.target:
                # Other login, address or key: begin again. A visit under way ends on its own.
                self._drop(host)
                self.hosts[pk] = Host(Visitor(plan), host.track, due_at=now)
            elif host.visitor.plan != plan:
                host.visitor.plan = plan

    def _drop(self, host: Host) -> None:
        """End a host's connection, without waiting for a visit under way."""
        host.visitor.close()

    def _dispatch(self, now: float) -> None:
        """Send threads to the hosts that are due, and to those whose connection broke."""
        for host in self.hosts.values():
            if not host.under_way and (host.due_at <= now or host.visitor.broke):
                host.under_way = True
                pool = self._suspects if host.track.failures else self._pool
                pool.submit(host.visitor)

    def _gather(self) -> None:
        """Take the results that are there, or come within a tick."""
        timeout = TICK_S
        while True:
            try:
                pool, visitor, visit = self._results.get(timeout=timeout)
            except Empty:
                return
            timeout = 0.0
            pool.done()
            self._take(visitor, visit)

    def _take(self, visitor: Visitor, visit: Visit) -> None:
        """Note a visit, unless the host is no longer ours or has been begun again."""
        host = self.hosts.get(visit.container_id)
        if host is None or host.visitor is not visitor:
            visitor.close()
            return
        host.under_way = False
        host.visits += 1
        self.visits += 1
        self.failures += visit.outcome is not Outcome.SEEN
        before = host.track.status
        host.track = host.track.after(visit, now=timezone.now(), interval=self.interval)
        self._found(host, before, visit)
        host.due_at = self._next_due(host, visit, time.monotonic())

    def _next_due(self, host: Host, visit: Visit, now: float) -> float:
        """Say when a host is visited next: its own moment of each interval, sooner at first.

        A second visit soon after the first gives the rates that need two; a host that failed is
        looked at again soon.
        """
        interval = self.interval.total_seconds()
        if visit.outcome in (Outcome.SILENT, Outcome.REFUSED):
            return now + retry_after(self.interval).total_seconds()
        if host.visits == 1:
            return now + min(interval, 5.0)
        phase = zlib.crc32(str(visit.container_id).encode()) % 1000 / 1000 * interval
        return now - (now - phase) % interval + interval

    def _watch(self) -> None:
        """Let time tell: a silent host goes down although no visit has ended."""
        now = timezone.now()
        for host in self.hosts.values():
            if host.track.failures:
                before = host.track.status
                host.track = host.track.at(now, self.interval)
                if host.track.status is not before:
                    self._found(host, before, None)

    def _found(self, host: Host, before: HostStatus, visit: Visit | None) -> None:
        """Keep for the next write."""
        plan = host.visitor.plan
        self._pending.append(Found(plan.container_id, plan.name, host.track, before, visit))

    def _flush(self, now: float) -> None:
        """Write what is pending; on an error it stays pending."""
        batch = list(self._pending)
        if not batch:
            return
        written_at: datetime = timezone.now()
        write(batch, collector=self.name, now=written_at)
        for _ in batch:
            self._pending.popleft()
        self._facts.write((item.visit for item in batch if item.visit), now=written_at)
        self._heard.write(batch, now=written_at)
        self._strangers.write(item.visit for item in batch if item.visit)
        self._write_at = now + TICK_S
