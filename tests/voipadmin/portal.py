"""A real `python -m voipadmin up` on a folder and port of its own."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Self

from voipadmin.postgres import Postgres, embedded_binaries
from voipadmin.processes import is_alive, marked
from voipadmin.startup import BASE_DIR
from voipadmin.supervisor import MARK

ALL_PROCESSES = 7
PATIENCE_S = 120


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Wait for something that must happen; say what did not."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"waited {PATIENCE_S} s for {what}"
        time.sleep(0.05)


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Portal:
    """One data folder with whatever is started on it; ends what is left at exit."""

    def __init__(self, data_dir: Path, static_root: Path, **environment: str) -> None:
        """Choose a free port; nothing starts yet."""
        self.data_dir = data_dir
        self.port = free_port()
        self.output = data_dir.parent / f"{data_dir.name}.log"
        self.postgres = Postgres(data_dir, binaries=embedded_binaries())
        inherited = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("VOIPADMIN_", "DJANGO_", "PG")) and key != "DATABASE_URL"
        }
        self.environment = {
            **inherited,
            "VOIPADMIN_DATA_DIR": str(data_dir),
            "VOIPADMIN_PORT": str(self.port),
            "VOIPADMIN_STATIC_ROOT": str(static_root),
            **environment,
        }
        self.started: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Self:
        """Nothing to do before the first start."""
        return self

    def __exit__(self, *_: object) -> None:
        """End what a failed test left."""
        for process in self.started:
            if process.poll() is None:
                process.terminate()
            process.wait(PATIENCE_S)
        for pid in self.processes():
            os.kill(pid, 9)
        self.postgres.stop()

    def start(self) -> subprocess.Popen[str]:
        """Start `up` with its output in a file, and wait for nothing."""
        with self.output.open("w") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "voipadmin", "up"],
                env=self.environment,
                cwd=BASE_DIR,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        self.started.append(process)
        return process

    def up(self) -> subprocess.Popen[str]:
        """Start and wait until it says that it is ready, and has all its processes.

        Those are two of gunicorn and five or more of django-q2, which come one after the other.
        """
        process = self.start()
        wait_until(
            lambda: "voipadmin is ready" in self.said() or process.poll() is not None, "ready"
        )
        assert process.poll() is None, self.said()
        wait_until(lambda: len(self.processes()) >= ALL_PROCESSES, "all processes")
        return process

    def run(self) -> tuple[int, str]:
        """Run `up` that is expected to end by itself; return exit code and what it said."""
        code = self.start().wait(PATIENCE_S)
        return code, self.said()

    def said(self) -> str:
        """Return what the last start printed so far."""
        return self.output.read_text()

    def processes(self) -> set[int]:
        """Return the living processes that this folder's supervisor started, database apart."""
        path = self.data_dir / "supervisor.mark"
        return (
            {pid for pid in marked(MARK, path.read_text()) if is_alive(pid)}
            if path.exists()
            else set()
        )

    def status(self, page: str = "healthz") -> int:
        """Ask for a page; 0 when nothing answers."""
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.port}/{page}", timeout=10
            ) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code
        except OSError:
            return 0

    def manage(self, *arguments: str) -> str:
        """Run a management command against this portal's database."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            env=self.environment,
            cwd=BASE_DIR,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
