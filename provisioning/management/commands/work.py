"""`manage.py work`: the task queue, and beside it the sweep for runs that lost their driver."""

import logging
import time
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError, close_old_connections
from django_q.cluster import Cluster

from provisioning.heartbeat import beat, leave
from provisioning.sweep import EVERY_S, sweep
from provisioning.watchdog import LOST, Watchdog, adopt_orphans, name_workers

logger = logging.getLogger(__name__)
WATCH_EVERY_S = 1


class Command(BaseCommand):
    """Run tasks until SIGTERM; the first process sweeps, and ends all when they stand still."""

    help = "Run the task queue, and find a driver for every run that lost its own."

    def handle(self, *args: Any, **options: Any) -> None:
        """Start the queue's processes; sweep while they live and work."""
        adopt_orphans()
        name_workers()
        # Before any query: the processes are forked, and a connection must not be shared.
        queue = Cluster()
        watchdog = Watchdog(queue, patience_s=settings.TASK_WAITS_S)
        try:
            queue.start()
            fault = _tend(queue, watchdog)
        finally:
            if not queue.has_stopped:  # as it does when it is asked to
                watchdog.end()
        if not queue.has_stopped:
            raise CommandError(f"The worker {fault or LOST}: it ends, to be started again.")


def _tend(queue: Cluster, watchdog: Watchdog) -> str:
    """Sweep and watch until the queue ends; return what is wrong with it, "" when nothing is."""
    sweep_at = time.monotonic()
    while queue.sentinel.is_alive():
        try:
            if time.monotonic() >= sweep_at:
                sweep_at = time.monotonic() + EVERY_S
                sweep()
                processes, idle = watchdog.workers()
                beat(processes=processes, idle=idle)
            if fault := watchdog.fault():
                return fault
        except (OperationalError, InterfaceError) as error:
            logger.warning("The database does not answer: %s", error)
            close_old_connections()
        queue.sentinel.join(WATCH_EVERY_S)
    with suppress(OperationalError, InterfaceError):
        leave()
    return ""
