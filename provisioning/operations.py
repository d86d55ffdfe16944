"""What the operations page shows: who works, what waits, what is held, how much room there is."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone
from django_q.models import OrmQ, Schedule, Task

from provisioning.models import ContainerLock, Run, SingletonLock, WorkerHeartbeat
from provisioning.vitals import SILENT_AFTER
from voipadmin import vitals

SHOWN = 10
# A schedule is looked at every 30 s by the task queue.
LATE_AFTER = timedelta(minutes=2)


@dataclass(frozen=True)
class Worker:
    """A worker's last word."""

    heartbeat: WorkerHeartbeat
    is_silent: bool


@dataclass(frozen=True)
class Room:
    """How much space something takes and has, in bytes."""

    free: int
    total: int


@dataclass(frozen=True)
class Database:
    """The database as it says of itself."""

    version: str
    size: int
    connections: int


def operations() -> dict[str, Any]:
    """Return all of it."""
    found = vitals.read()
    now = timezone.now()
    return {
        "verdict": vitals.verdict(found),
        "vitals": found,
        "workers": [
            Worker(row, is_silent=row.at < now - SILENT_AFTER)
            for row in WorkerHeartbeat.objects.all()
        ],
        "waiting": _waiting(now),
        "tasks": Task.objects.order_by("-stopped")[:SHOWN],
        "failed_tasks": Task.objects.filter(success=False).count(),
        "runs": Run.objects.active().select_related("cluster"),
        "locks": ContainerLock.objects.select_related("container", "run__cluster"),
        "singletons": SingletonLock.objects.select_related("cluster", "run__cluster"),
        "schedules": [(row, _is_late(row, now)) for row in Schedule.objects.order_by("next_run")],
        "database": _database(),
        "room": _room(),
        "now": now,
    }


def as_json() -> dict[str, Any]:
    """Return what machines may want of it."""
    shown = operations()
    return {
        "status": shown["verdict"],
        "vitals": {vital.name: vital.value for vital in shown["vitals"]},
        "workers": [
            {
                "name": worker.heartbeat.name,
                "at": worker.heartbeat.at,
                "processes": worker.heartbeat.processes,
                "idle": worker.heartbeat.idle,
                "silent": worker.is_silent,
            }
            for worker in shown["workers"]
        ],
        "late_schedules": [row.name for row, late in shown["schedules"] if late],
        "failed_tasks": shown["failed_tasks"],
        "database": vars(shown["database"]),
        "data_folder": vars(shown["room"]),
    }


def _waiting(now: datetime) -> list[OrmQ]:
    """Return the tasks that nobody has taken, the oldest first; only our own broker tells."""
    if "orm" not in settings.Q_CLUSTER:
        return []
    return list(OrmQ.objects.filter(lock__lte=now).order_by("lock")[:SHOWN])


def _is_late(schedule: Schedule, now: datetime) -> bool:
    """Tell whether a schedule should have been carried out by now."""
    return bool(schedule.repeats) and schedule.next_run < now - LATE_AFTER


def _database() -> Database:
    """Ask the database about itself."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('server_version'), pg_database_size(current_database()),"
            " (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database())"
        )
        return Database(*cursor.fetchone())


def _room() -> Room:
    """Look how much room the data folder has."""
    usage = shutil.disk_usage(settings.DATA_DIR)
    return Room(usage.free, usage.total)
