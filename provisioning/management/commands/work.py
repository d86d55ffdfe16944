"""`manage.py work`: the task queue, and beside it the sweep for runs that lost their driver."""

import logging
from typing import Any

from django.core.management.base import BaseCommand
from django.db import InterfaceError, OperationalError, close_old_connections
from django_q.cluster import Cluster

from provisioning.sweep import EVERY_S, sweep

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    """Run tasks until SIGTERM; the first process, which only waits for the others, sweeps."""

    help = "Run the task queue, and find a driver for every run that lost its own."

    def handle(self, *args: Any, **options: Any) -> None:
        """Start the queue's processes; sweep while they live."""
        # Before any query: the processes are forked, and a connection must not be shared.
        queue = Cluster()
        queue.start()
        while queue.sentinel.is_alive():
            sweep_once()
            queue.sentinel.join(EVERY_S)


def sweep_once() -> None:
    """Sweep; a database that is away is tried again at the next turn."""
    try:
        sweep()
    except (OperationalError, InterfaceError) as error:
        logger.warning("The database does not answer: %s", error)
        close_old_connections()
