"""Brings the database in step with the platforms' files."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from inventory.platform_sync import SyncResult, sync_platforms
from inventory.platforms.errors import PlatformError
from inventory.platforms.loading import BUILTIN, load_all


class Command(BaseCommand):
    """Read the platforms that come along, and those in VOIPADMIN_PLATFORM_DIRS."""

    help = "Write the platforms' files into the database as revisions, and print what changed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Let the files be checked alone."""
        parser.add_argument("--check", action="store_true", help="only read and check the files")

    def handle(self, *args: Any, **options: Any) -> None:
        """Refuse all files when one has a fault; write, and print."""
        try:
            platforms = load_all((BUILTIN, *map(Path, settings.PLATFORM_DIRS)))
        except PlatformError as error:
            raise CommandError(f"No platform was changed.\n{error}") from error
        if options["check"]:
            self.stdout.write(f"{', '.join(p.key for p in platforms)}: no fault.")
            return
        for result in sync_platforms(platforms=platforms, retire_missing=True):
            self._print(result)

    def _print(self, result: SyncResult) -> None:
        """Print what happened to one platform."""
        for line in result.changes or [f"unchanged, revision {result.revision}"]:
            self.stdout.write(f"{result.platform}: {line}")
        for line in result.warnings:
            self.stderr.write(f"{result.platform}: {line}")
