"""How the task queue is: what waits in it, and who takes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Max, Min, Sum
from django.db.models.functions import Now
from django.utils import timezone
from django_q.brokers import get_broker
from django_q.models import OrmQ

from provisioning.models import Run, WorkerHeartbeat
from voipadmin.vitals import Vital

# A worker says every five seconds that it lives.
SILENT_AFTER = timedelta(seconds=30)
# Longer than a worker needs to find out itself that it stands still, and to start anew.
STALLED_AFTER_S = 60
STALLED = "stalled"


@dataclass(frozen=True)
class Queue:
    """The task queue with those who serve it."""

    depth: int
    oldest_s: float | None
    workers: int
    processes: int
    idle: int
    heartbeat_s: float | None

    @property
    def is_stalled(self) -> bool:
        """Tell whether tasks wait long although somebody is idle, or nobody is there at all."""
        waits = self.oldest_s is not None and self.oldest_s > STALLED_AFTER_S
        return waits and (self.idle > 0 or self.processes == 0)


def read_queue() -> Queue:
    """Look at the queue and the workers' last words."""
    alive = WorkerHeartbeat.objects.filter(at__gte=Now() - SILENT_AFTER)
    sums = alive.aggregate(processes=Sum("processes"), idle=Sum("idle"))
    newest = WorkerHeartbeat.objects.aggregate(at=Max("at"))["at"]
    return Queue(
        depth=get_broker().queue_size(),
        oldest_s=_oldest_s(),
        workers=alive.count(),
        processes=sums["processes"] or 0,
        idle=sums["idle"] or 0,
        heartbeat_s=_age_s(newest),
    )


def vitals() -> list[Vital]:
    """Return the queue's numbers."""
    queue = read_queue()
    fault = STALLED if queue.is_stalled else ""
    return [
        Vital("queue_depth", queue.depth, "Tasks that wait to be taken."),
        Vital("queue_oldest_s", queue.oldest_s, "Age of the oldest of them, seconds.", fault),
        Vital("workers", queue.workers, "Workers that gave a sign of life in the last 30 s."),
        Vital("worker_processes", queue.processes, "Processes in which they carry out tasks."),
        Vital("worker_processes_idle", queue.idle, "Those that have nothing to do."),
        Vital("worker_heartbeat_s", queue.heartbeat_s, "Age of the youngest sign of life."),
        Vital("runs_active", Run.objects.active().count(), "Runs that are on their way."),
    ]


def _oldest_s() -> float | None:
    """Return the age of the oldest task that nobody has taken; only our own broker tells."""
    if "orm" not in settings.Q_CLUSTER:
        return None
    # A task's lock is the time from which it may be taken.
    waiting = OrmQ.objects.filter(lock__lte=timezone.now())
    return _age_s(waiting.aggregate(at=Min("lock"))["at"])


def _age_s(at: datetime | None) -> float | None:
    """Return how long ago something was, to a tenth of a second."""
    if at is None:
        return None
    return max(0.0, round((timezone.now() - at).total_seconds(), 1))
