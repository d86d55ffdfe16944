"""Rings for runs without a driver every few seconds; the loop of `provisioning.sweep`."""

import logging
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import InterfaceError, OperationalError, close_old_connections

from provisioning.sweep import EVERY_S, sweep

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    """Find a driver for every run that lost its own."""

    help = "Finds runs whose driver died and hands them to another worker."

    def add_arguments(self, parser: CommandParser) -> None:
        """Let it run once, for a cron or a test."""
        parser.add_argument("--once", action="store_true", help="Look once and leave.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Sweep until ended."""
        while True:
            try:
                sweep()
            except (OperationalError, InterfaceError) as error:
                if options["once"]:
                    raise
                logger.warning("The database does not answer: %s", error)
                close_old_connections()
            if options["once"]:
                return
            time.sleep(EVERY_S)
