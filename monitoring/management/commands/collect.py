"""`manage.py collect`: visits the monitored hosts until it is told to stop."""

import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from monitoring.collector import Collector
from monitoring.leases import own_name


class Command(BaseCommand):
    """Run a collector; several of them, on several machines, share the hosts."""

    # The checks load every page's code, which a collector never needs: 30 MiB.
    requires_system_checks = ()

    help = "Visit every monitored host each interval over SSH and store what it does."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take what settings say, unless told otherwise."""
        parser.add_argument("--name", default=own_name(), help="who holds the leases")
        parser.add_argument("--interval", type=float, default=settings.COLLECT_INTERVAL_S)
        parser.add_argument("--threads", type=int, default=settings.COLLECT_THREADS)

    def handle(self, *args: Any, **options: Any) -> None:
        """Collect until SIGTERM or SIGINT."""
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        collector = Collector(
            name=options["name"], interval_s=options["interval"], threads=options["threads"]
        )
        self.stdout.write(f"collecting as {collector.name} every {options['interval']:g} s")
        collector.run(stop)
