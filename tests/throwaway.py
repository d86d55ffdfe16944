"""A data folder and a PostgreSQL for one test run, gone afterwards.

VOIPADMIN_TEST_POSTGRES=debian takes the newest PostgreSQL of Debian instead of the embedded one.
"""

import atexit
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path
from urllib.parse import quote

from voipadmin.postgres import DATABASE, USER, Postgres, embedded_binaries

# Nothing of a test run must outlive a power cut.
CARELESS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def use_throwaway_data_dir() -> None:
    """Point settings at an empty folder; workers of pytest-xdist inherit it."""
    if "VOIPADMIN_TEST_DATA_DIR" not in os.environ:
        folder = tempfile.mkdtemp(prefix="voipadmin-tests-")
        os.environ["VOIPADMIN_TEST_DATA_DIR"] = folder
        atexit.register(_remove, folder, os.getpid())
    os.environ["VOIPADMIN_DATA_DIR"] = os.environ["VOIPADMIN_TEST_DATA_DIR"]


def use_throwaway_database() -> None:
    """Start a database unless one is named; workers of pytest-xdist inherit it."""
    if os.environ.get("DATABASE_URL"):
        return
    server = throwaway_server()
    server.start()
    atexit.register(_stop, server, os.getpid())
    os.environ["DATABASE_URL"] = (
        f"postgres://{USER}@{quote(str(server.socket_dir()), safe='')}/{DATABASE}"
    )


@cache
def throwaway_server() -> Postgres:
    """Describe the server of this test run, for those who stop and start it."""
    return Postgres(Path(os.environ["VOIPADMIN_DATA_DIR"]), binaries=binaries(), extra=CARELESS)


def binaries() -> Path:
    """Find the PostgreSQL that the tests run on."""
    if os.environ.get("VOIPADMIN_TEST_POSTGRES") != "debian":
        return embedded_binaries()
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name)
    )
    if not found:
        raise RuntimeError("Debian's PostgreSQL is missing: apt-get install postgresql")
    return found[-1]


def _stop(server: Postgres, owner: int) -> None:
    if os.getpid() == owner:  # a forked child runs its parent's exit handlers too
        server.stop()


def _remove(folder: str, owner: int) -> None:
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)
