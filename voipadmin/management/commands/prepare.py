"""Bring database, platforms, static files and first administrator up to date."""

import os
import sys
import time
from io import StringIO
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import DatabaseError, NotSupportedError, connection

from voipadmin.static_files import collect_changed

OLDEST_POSTGRESQL = 15


class Command(BaseCommand):
    """Everything between a reachable database and the first page, as often as one likes."""

    help = (
        "Migrate, sync platforms, make schedules, collect static files and the first administrator."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: Any) -> None:
        """Let the caller be patient or not."""
        default = float(os.environ.get("VOIPADMIN_DATABASE_WAIT_S", "30"))
        parser.add_argument("--wait", type=float, default=default, help="seconds for the database")

    def handle(self, *args: Any, **options: Any) -> None:
        """Stop at the first thing that is wrong, with one sentence."""
        if reason := database_fault(patience_s=options["wait"]):
            self.stderr.write(f"voipadmin: {reason}")
            sys.exit(1)
        call_command("migrate", verbosity=0, interactive=False)
        call_command("createcachetable", verbosity=0)
        call_command("sync_platforms", stdout=StringIO())
        call_command("ensure_schedules")
        collect_changed()
        call_command("ensure_administrator")


def database_fault(*, patience_s: float) -> str:
    """Wait for the database; return what is wrong with it, or nothing."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            connection.ensure_connection()
            return age_fault(server_version())
        except NotSupportedError as error:
            return f"The database cannot be used: {first_line(error)}."
        except DatabaseError as error:
            if time.monotonic() > deadline:
                return f"The database does not answer: {first_line(error)}."
            time.sleep(0.5)


def server_version() -> int:
    """Return PostgreSQL's major version."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        return int(cursor.fetchone()[0]) // 10_000


def age_fault(major: int) -> str:
    """Say what is wrong with a PostgreSQL of this major version, or nothing."""
    if major < OLDEST_POSTGRESQL:
        return f"PostgreSQL {major} is too old: voipadmin needs {OLDEST_POSTGRESQL} or later."
    return ""


def first_line(error: Exception) -> str:
    """Shorten the driver's message to what a person needs."""
    return str(error).strip().split("\n", 1)[0].rstrip(".")
