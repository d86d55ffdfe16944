"""Tells when the task queue's processes no longer take tasks, though all of them look alive."""

from __future__ import annotations

import ctypes
import os
import time
from pathlib import Path
from typing import Any

from django_q.brokers import get_broker
from django_q.cluster import Cluster
from django_q.signals import post_execute_in_worker, post_spawn, pre_execute

from voipadmin.processes import Family, name

IDLE, BUSY = "q-idle", "q-busy"
OWN_NAME = Path("/proc/self/comm")
LOST = "lost one of its processes"
SET_CHILD_SUBREAPER = 36
UNTAKEN = "takes no tasks, though some wait and it is idle"


def name_workers() -> None:
    """Let every worker that is forked from here say by its name, as in `top`, what it does."""
    post_spawn.connect(_idle)
    pre_execute.connect(_busy)
    post_execute_in_worker.connect(_idle)


def adopt_orphans() -> None:
    """Become the parent of what is forked below, when the parent in between is killed."""
    ctypes.CDLL(None).prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0)


class Watchdog:
    """Watches a queue whose processes were forked from this one."""

    def __init__(self, queue: Cluster, *, patience_s: float) -> None:
        self._queue, self._patience_s = queue, patience_s
        self._family = Family(os.getpid())
        self._untaken_since: float | None = None

    def fault(self) -> str:
        """Look once; return what is wrong, "" when nothing is. May ask the database."""
        if self._family.lost_a_member():
            return LOST
        if not self._is_idle_beside_tasks():
            self._untaken_since = None
            return ""
        now = time.monotonic()
        self._untaken_since = self._untaken_since or now
        return UNTAKEN if now - self._untaken_since >= self._patience_s else ""

    def workers(self) -> tuple[int, int]:
        """Return how many processes carry out tasks, and how many of them are idle."""
        names = [name(pid) for pid in self._queue.stat.workers]
        return len(names), names.count(IDLE)

    def end(self) -> None:
        """Kill all of the queue's processes."""
        self._family.kill()

    def _is_idle_beside_tasks(self) -> bool:
        """Tell whether a worker has nothing to do while a task waits, here or at the broker."""
        state = self._queue.stat
        idle = any(name(pid) == IDLE for pid in state.workers)
        return idle and bool(state.task_q_size or get_broker().queue_size())


def _idle(**_: Any) -> None:
    OWN_NAME.write_text(IDLE)


def _busy(**_: Any) -> None:
    OWN_NAME.write_text(BUSY)
