"""One supervised process with all that it forks: start, watch, stop."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from voipadmin.processes import Family, kill_group
from voipadmin.startup import BASE_DIR

HEALTHY_AFTER_S = 60
LONGEST_PAUSE_S = 30


@dataclass(kw_only=True)
class Service:
    """A command that shall run, and what tells that it no longer works.

    `whole_family`: losing any process it forked means restarting all of it.
    `heartbeat`: a file or folder whose newest change may not be older than `stalled_after_s`.
    """

    name: str
    command: Sequence[str]
    env: dict[str, str]
    pass_fds: Sequence[int] = ()
    whole_family: bool = False
    heartbeat: Path | None = None
    stalled_after_s: float = 60
    process: subprocess.Popen[bytes] | None = None
    _family: Family = field(default_factory=lambda: Family(0))
    _started_at: float = 0
    _start_at: float = 0
    _pause_s: float = 0

    def start(self) -> None:
        """Start the command in a session of its own, out of reach of the terminal's Ctrl-C."""
        self._started_at = time.monotonic()
        self._clear_heartbeat()
        self.process = subprocess.Popen(
            [sys.executable, *self.command],
            env=self.env,
            cwd=BASE_DIR,
            pass_fds=self.pass_fds,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._family = Family(self.process.pid)

    def watch(self) -> None:
        """Restart what died or stalls, a little later each time."""
        if self.process is None:
            if time.monotonic() >= self._start_at:
                self.start()
        elif reason := self._fault(self.process):
            self.kill()
            self._pause()
            print(f"{self.name} {reason}; starting it again in {self._pause_s:.0f} s.", flush=True)

    def terminate(self) -> None:
        """Ask the command once, and only its first process, to end.

        django-q2 hangs when asked twice, as a group with its leader is.
        """
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the command and everything in its group at once."""
        if self.process:
            kill_group(self.process.pid)
            self.process.wait()
            self.process = None

    def _fault(self, process: subprocess.Popen[bytes]) -> str:
        code = process.poll()
        if code is not None:
            return f"ended ({signal.Signals(-code).name if code < 0 else f'exit {code}'})"
        if self.whole_family and self._family.lost_a_member():
            return "lost one of its processes"
        return "stalls" if self._is_stalled() else ""

    def _is_stalled(self) -> bool:
        age_s = time.monotonic() - self._started_at
        if self.heartbeat is None or age_s < self.stalled_after_s:
            return False
        beats = [*self.heartbeat.iterdir()] if self.heartbeat.is_dir() else [self.heartbeat]
        times = [path.stat().st_mtime for path in beats if path.exists()]
        return bool(times) and time.time() - max(times) > self.stalled_after_s

    def _clear_heartbeat(self) -> None:
        if self.heartbeat and self.heartbeat.is_dir():
            for path in self.heartbeat.iterdir():
                path.unlink(missing_ok=True)
        elif self.heartbeat:
            self.heartbeat.unlink(missing_ok=True)

    def _pause(self) -> None:
        now = time.monotonic()
        healthy = now - self._started_at > HEALTHY_AFTER_S
        self._pause_s = 1 if healthy else min(max(1, self._pause_s * 2), LONGEST_PAUSE_S)
        self._start_at = now + self._pause_s


def stop_all(services: Sequence[Service], *, within_s: float) -> None:
    """Ask all to end, wait for them together, then kill what stays."""
    for service in services:
        service.terminate()
    deadline = time.monotonic() + within_s
    while any(s.process and s.process.poll() is None for s in services):
        if time.monotonic() > deadline:
            break
        time.sleep(0.05)
    for service in services:
        service.kill()


def environment(data_dir: Path, mark: tuple[str, str]) -> dict[str, str]:
    """Return what every service finds in its environment."""
    return {
        **os.environ,
        "VOIPADMIN_DATA_DIR": str(data_dir),
        "DJANGO_SETTINGS_MODULE": "voipadmin.settings",
        "PYTHONUNBUFFERED": "1",
        mark[0]: mark[1],
    }
