"""The protocol with a target: begin, poll and cancel attempts over one resident shell."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from uuid import UUID

from inventory.ssh import Completed, Connection, Shell
from provisioning.engine.pace import Pace

HERE = Path(__file__).parent
TAKEN, FENCED = 73, 77
# What one poll returns at most; less says that there is no more.
READ_AT_MOST = 65_536
# A file of up to so many bytes is written by the shell itself, a larger one by base64.
SMALL = 16_384
FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


class FencedOutError(Exception):
    """A newer driver has been on the target: this one must stop."""


class TargetRefusedError(Exception):
    """The target could not do what it was asked; the text is its answer."""


@dataclass(frozen=True)
class Fence:
    """Which driver speaks: the run and its epoch."""

    run: UUID
    epoch: int


@dataclass(frozen=True)
class Poll:
    """How an attempt stands; `state` is absent, running, ended, restarted or vanished."""

    state: str
    elapsed_s: int
    exit_code: int
    outcome: str
    phase: str
    data: bytes

    @property
    def is_all(self) -> bool:
        """Tell whether there was no more output."""
        return len(self.data) < READ_AT_MOST


class TargetShell:
    """One connection's resident shell that knows the functions of target.sh."""

    def __init__(self, shell: Shell, fence: Fence, pace: Pace) -> None:
        self._shell = shell
        self._fence = fence
        self._timeout_s = pace.call_s

    @classmethod
    def open(cls, connection: Connection, fence: Fence, pace: Pace) -> TargetShell:
        """Start the shell and announce this driver; a newer one refuses it."""
        shell = connection.shell(timeout_s=pace.call_s)
        base = pace.base.replace("{container}", connection.target.name)
        prelude = f"VP_BASE={shlex.quote(base)} VP_STARTER={shlex.quote(pace.starter)}\n"
        hello = f"(vp_hello {fence.run} {fence.epoch})"
        _accept(shell.define(prelude + _functions() + hello, timeout_s=pace.call_s))
        return cls(shell, fence, pace)

    def begin(self, attempt: UUID, files: Mapping[str, str]) -> None:
        """Send an attempt's files and start it; that it has begun before is no error.

        `files` are the phases by name and `files/NAME`; they reach the target as 0600 files.
        """
        answer = self._shell.call(
            f"{_writer(files)}vp_begin {self._fence.run} {self._fence.epoch} {attempt}",
            timeout_s=self._timeout_s,
        )
        if answer.exit_code != TAKEN:
            _accept(answer)

    def poll(self, attempt: UUID, offset: int) -> Poll:
        """Ask how an attempt stands, and for its output from a byte offset on."""
        answer = self._call(f"vp_poll {attempt} {offset}")
        head, _, data = answer.output.partition(b"\n")
        words = head.decode(errors="replace").split()
        if len(words) != len(("state", "elapsed", "code", "outcome", "phase")):
            raise TargetRefusedError(answer.text.strip())
        state, elapsed, code, outcome, phase = words
        return Poll(state, int(elapsed), int(code), outcome, phase, data)

    def registered(self, attempt: UUID) -> str:
        """Return what a step left for later ones, without the line ends that follow it."""
        return self._call(f"vp_registered {attempt}").text.rstrip("\n")

    def cancel(self, attempt: UUID, why: str) -> None:
        """End an attempt's processes and keep it from starting later."""
        self._call(f"vp_cancel {self._fence.run} {self._fence.epoch} {attempt} {shlex.quote(why)}")

    def _call(self, script: str) -> Completed:
        """Call a function of target.sh."""
        return _accept(self._shell.call(script, timeout_s=self._timeout_s))


def _accept(answer: Completed) -> Completed:
    """Return a good answer; raises for the others."""
    if answer.exit_code == FENCED:
        raise FencedOutError
    if answer.exit_code != 0:
        raise TargetRefusedError(answer.text.strip() or f"exit status {answer.exit_code}")
    return answer


def _writer(files: Mapping[str, str]) -> str:
    """Return a shell function that writes files into the current folder."""
    lines = ["vp_files() {"]
    if any(name.startswith("files/") for name in files):
        lines.append("mkdir files || return")
    for name, content in files.items():
        folder, _, base = name.rpartition("/")
        if folder not in {"", "files"} or not FILE_NAME.fullmatch(base):
            raise ValueError(f"{name!r} is no name for a file of a step.")
        lines.append(f"{_written(content, name)} || return")
    lines.append(":\n}\n")
    return "\n".join(lines)


def _written(content: str, name: str) -> str:
    """Return a command that writes a file; nothing of it is in the arguments of a process."""
    quoted = shlex.quote(content)
    if len(quoted) <= SMALL and "\0" not in content:
        return f"printf %s {quoted} >{name}"
    tag = f"EOF-{secrets.token_hex(8)}"
    return (
        f"{{ base64 -d >{name} <<'{tag}'\n{base64.encodebytes(content.encode()).decode()}{tag}\n}}"
    )


@cache
def _functions() -> str:
    """Return the functions of the resident shell, with the launcher's path and its printer."""
    launcher = _source("launcher.sh")
    digest = hashlib.sha256(launcher.encode()).hexdigest()[:16]
    return (
        f'VP_LAUNCHER="$VP_BASE/launcher-{digest}"\n'
        f"vp_launcher() {{ printf %s {shlex.quote(launcher)}; }}\n{_source('target.sh')}"
    )


def _source(name: str) -> str:
    """Read one of the shell sources beside this module."""
    return (HERE / name).read_text()
