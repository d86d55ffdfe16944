"""Importing this sets Django up on a throwaway PostgreSQL that keeps what it was told to.

The settings are the portal's own, and so is the database's durability: commits wait for the disk.
Processes started from here inherit both.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path
from urllib.parse import quote

from voipadmin.postgres import DATABASE, USER, Postgres, embedded_binaries

FOLDER = Path(tempfile.mkdtemp(prefix="voipadmin-bench-"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
server = Postgres(FOLDER, binaries=embedded_binaries())
atexit.register(server.stop)
server.start()
os.environ |= {
    "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
    "DATABASE_URL": f"postgres://{USER}@{quote(str(server.socket_dir()), safe='')}/{DATABASE}",
    "VOIPADMIN_DATA_DIR": str(FOLDER),
    "VOIPADMIN_SECRET_KEY": "only-for-benchmarks-" + "x" * 50,
    "VOIPADMIN_LOG_LEVEL": "WARNING",
}

import django  # noqa: E402 - reads what is set above

django.setup()

from django.core.management import call_command  # noqa: E402 - Django is set up first

call_command("migrate", verbosity=0, skip_checks=True)
call_command("createcachetable", verbosity=0)
call_command("sync_platforms", verbosity=0)
