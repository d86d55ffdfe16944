"""The whole portal for a test: `python -m voipadmin up` with a data folder and port of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[2]
PASSWORD = "three-machines-in-a-row"
START_S = 120


@dataclass(frozen=True)
class Portal:
    """A portal that runs: where it is, and what it has printed."""

    url: str
    log: Path


@contextmanager
def running_portal(folder: Path) -> Iterator[Portal]:
    """Start everything as a user would, and stop it with Ctrl-C at the end."""
    portal = Portal(f"http://127.0.0.1:{_free_port()}", folder / "up.log")
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("DATABASE_URL", "PG", "VOIPADMIN_", "DJANGO_"))
    } | {
        "VOIPADMIN_DATA_DIR": str(folder / "data"),
        "VOIPADMIN_PORT": portal.url.rpartition(":")[2],
        "VOIPADMIN_ADMIN_PASSWORD": PASSWORD,
        "VOIPADMIN_STATIC_ROOT": str(folder / "static"),
    }
    with portal.log.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "voipadmin", "up"],
            cwd=PROJECT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_until_ready(portal, process)
            yield portal
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=60)


def _wait_until_ready(portal: Portal, process: subprocess.Popen[bytes]) -> None:
    """Wait for the health page to answer; fail with the log when it does not."""
    end = time.monotonic() + START_S
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{portal.url}/healthz", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise AssertionError(f"The portal did not start:\n{portal.log.read_text()[-3000:]}")


def _free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
