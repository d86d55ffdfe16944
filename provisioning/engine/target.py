"""The protocol with a target: begin, poll and cancel attempts over one resident shell."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import shlex
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
STANDING = ("state", "elapsed", "code", "outcome", "phase", "bytes")
# A file of up to so many bytes is written by the shell itself, a larger one by base64.
SMALL = 16_384
DAY_S = 86_400
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
    """How an attempt stands.

    `state` is absent, running, ended, restarted or vanished; where it is carried out after others,
    waiting until it begins, or unbegun when it will not.
    """

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
        self._is_announced = False

    @classmethod
    def open(cls, connection: Connection, fence: Fence, pace: Pace) -> TargetShell:
        """Start the shell; the first call announces this driver, and a newer one refuses it."""
        shell = connection.shell(timeout_s=pace.call_s)
        base = pace.base.replace("{container}", connection.target.name)
        prelude = (
            f"VP_BASE={shlex.quote(base)} VP_STARTER={shlex.quote(pace.starter)} "
            f"VP_PATIENCE={pace.patience_s:.0f} VP_TODAY={time.time() // DAY_S:.0f}\n"
        )
        _accept(shell.define(prelude + _functions(), timeout_s=pace.call_s))
        return cls(shell, fence, pace)

    def begin(self, attempts: Mapping[UUID, Mapping[str, str]]) -> None:
        """Send attempts with their files and start them, one after the other.

        That they have begun before is no error. `files` are the phases by name and `files/NAME`;
        they reach the target as 0600 files.
        """
        answer = self._shell.call(
            f"{_writer(attempts)}{self._fenced('vp_begin')} {_words(attempts)}",
            timeout_s=self._timeout_s,
        )
        if answer.exit_code != TAKEN:
            _accept(answer)
        self._is_announced = True

    def poll(self, attempts: Sequence[UUID], offset: int) -> list[Poll]:
        """Ask how attempts stand that were begun together, up to the first that has not ended.

        Output comes with it, of the first one from a byte offset on.
        """
        first, *others = attempts
        answer = self._call(f"vp_poll {first} {offset} {_words(others)}")
        head, _, data = answer.output.partition(b"\n\n")
        polls = []
        for line in head.decode(errors="replace").splitlines():
            words = line.split()
            if len(words) != len(STANDING):
                raise TargetRefusedError(answer.text.strip())
            size = READ_AT_MOST if words[-1] == "-" else int(words[-1])
            polls.append(_stand(words, data[:size]))
            data = data[size:]
        if not polls:
            raise TargetRefusedError("it does not say how the step stands")
        return polls

    def withdraw(self, attempts: Iterable[UUID]) -> set[UUID]:
        """Forbid attempts that have not begun to begin; returns which those are."""
        answer = self._call(f"{self._fenced('vp_withdraw')} {_words(attempts)}")
        return {UUID(name) for name in answer.text.split()}

    def registered(self, attempt: UUID) -> str:
        """Return what a step left for later ones, without the line ends that follow it."""
        return self._call(f"vp_registered {attempt}").text.rstrip("\n")

    def cancel(self, attempt: UUID, why: str) -> None:
        """End an attempt's processes and keep it from starting later."""
        self._call(f"{self._fenced('vp_cancel')} {attempt} {shlex.quote(why)}")

    def _fenced(self, function: str) -> str:
        """Name a function with the run and epoch that it checks."""
        return f"{function} {self._fence.run} {self._fence.epoch}"

    def _call(self, script: str) -> Completed:
        """Call a function of target.sh."""
        if not self._is_announced:
            script = f"{self._fenced('vp_hello')} && {script}"
        answer = _accept(self._shell.call(script, timeout_s=self._timeout_s))
        self._is_announced = True
        return answer


def _accept(answer: Completed) -> Completed:
    """Return a good answer; raises for the others."""
    if answer.exit_code == FENCED:
        raise FencedOutError
    if answer.exit_code != 0:
        raise TargetRefusedError(answer.text.strip() or f"exit status {answer.exit_code}")
    return answer


def _stand(words: Sequence[str], data: bytes) -> Poll:
    """Make a poll of what the target says."""
    state, elapsed, code, outcome, phase, _ = words
    return Poll(state, int(elapsed), int(code), outcome, phase, data)


def _words(attempts: Iterable[UUID]) -> str:
    """Return attempts as arguments."""
    return " ".join(map(str, attempts))


def _writer(attempts: Mapping[UUID, Mapping[str, str]]) -> str:
    """Return a shell function that writes an attempt's files into the current folder."""
    lines = ["vp_files() {\ncase $1 in"]
    for attempt, files in attempts.items():
        lines += [f"{attempt})", *_writing(files), ";;"]
    return "\n".join([*lines, "esac\n}\n"])


def _writing(files: Mapping[str, str]) -> Iterator[str]:
    """Yield the commands that write files into the current folder."""
    if any(name.startswith("files/") for name in files):
        yield "mkdir files || return"
    for name, content in files.items():
        folder, _, base = name.rpartition("/")
        if folder not in {"", "files"} or not FILE_NAME.fullmatch(base):
            raise ValueError(f"{name!r} is no name for a file of a step.")
        yield f"{_written(content, name)} || return"


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
