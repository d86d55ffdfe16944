"""Machines of the portal: each runs `manage.py work`, kept alive as the supervisor keeps it."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django_q.status import Stat

from provisioning.models import Run
from tests.provisioning.engine.runs import environment, wait_until
from voipadmin.service import Service
from voipadmin.supervisor import WATCH_EVERY_S

# Shorter than an operator's, so that a hundred faults fit into the time that CI has.
PACE: dict[str, Any] = {
    "lease_s": 4,
    "heartbeat_s": 0.5,
    "ring_again_s": 2,
    "connect_s": 4,
    "call_s": 4,
}


class Machine:
    """One machine with one worker process; as a context it is switched off at the end."""

    def __init__(self, pace: dict[str, Any], *, workers: int) -> None:
        self._service = Service(
            name="worker",
            command=["manage.py", "work"],
            env={
                **environment(),
                "VOIPADMIN_RUN_PACE": json.dumps(pace),
                "VOIPADMIN_WORKERS": str(workers),
            },
            whole_family=True,
            heartbeat=Path(settings.DATA_DIR) / "heartbeat/worker",
        )
        self._off = threading.Event()
        self._keeper = threading.Thread(target=self._keep)

    def switch_on(self) -> None:
        """Start, and keep it alive from now on."""
        self._service.start()
        self._keeper.start()

    def switch_off(self) -> None:
        """Kill everything at once, and let it be."""
        self._off.set()
        self._keeper.join()
        self._service.kill()

    def has(self, pid: int) -> bool:
        """Tell whether a process is one of this machine's."""
        process = self._service.process
        return process is not None and os.getpgid(pid) == process.pid

    def _keep(self) -> None:
        while not self._off.wait(WATCH_EVERY_S):
            self._service.watch()


@contextmanager
def switched_on(
    count: int, *, workers: int = 1, pace: dict[str, Any] | None = None
) -> Iterator[list[Machine]]:
    """Run some machines, ready for work, and switch all off at the end."""
    machines = [Machine(pace or PACE, workers=workers) for _ in range(count)]
    try:
        for machine in machines:
            machine.switch_on()
        wait_until(lambda: len(queues()) >= count, seconds=90)
        yield machines
    finally:
        for machine in machines:
            machine.switch_off()


def queues() -> list[Stat]:
    """Return the task queues that say that they live, with all their parts."""
    return [stat for stat in Stat.get_all() if stat.pusher and stat.monitor and stat.workers]


def driver_of(run: Run) -> int:
    """Wait for a run to be driven; return the process that does."""

    def pid() -> int:
        driver: str = Run.objects.values_list("driver", flat=True).get(pk=run.pk)
        return int(driver.rpartition(":")[2] or 0)

    return int(wait_until(pid, seconds=60))


def kill(pid: int) -> None:
    """Kill as nobody expects it."""
    os.kill(pid, signal.SIGKILL)
