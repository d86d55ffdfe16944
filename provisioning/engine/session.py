"""One container's thread: it logs in, begins attempts, follows their output, reconnects.

It never touches the ORM: what happens goes as events to the driver, who alone writes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from queue import Full, Queue
from uuid import UUID

from inventory.ssh import CommandTimeout, Connection, HostKeyChanged, SSHError, Target, Unreachable
from provisioning.engine.pace import Pace
from provisioning.engine.target import (
    Fence,
    FencedOutError,
    Poll,
    TargetRefusedError,
    TargetShell,
)

# A host that does not answer is asked again this often.
RETRY_S = 3
LOST = {
    "restarted": "The host was restarted while the step ran.",
    "vanished": "The step's processes are gone and left no exit status.",
    "absent": "The step's folder is gone from the host.",
}


@dataclass
class Job:
    """An attempt to carry on, from wherever it stands.

    `begun`: the target has said that it has it; `sent`: it may have it.
    """

    attempt: UUID
    files: Mapping[str, str] = field(repr=False)
    timeout_s: float
    offset: int = 0
    begun: bool = False
    sent: bool = False
    fresh_connection: bool = False
    registers: bool = False
    cancelled: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True)
class Greeting:
    """Nothing but a login, to see whether a container answers."""

    container: str


@dataclass(frozen=True)
class Answered:
    """A container was greeted; the message says why it does not answer, empty when it does."""

    container: str
    message: str


@dataclass(frozen=True)
class Begun:
    """The attempt is on the target."""

    attempt: UUID


@dataclass(frozen=True)
class Output:
    """Bytes that the attempt printed, from an offset on."""

    attempt: UUID
    at: int
    data: bytes


@dataclass(frozen=True)
class Trouble:
    """The host cannot be reached for now; empty when it can again."""

    attempt: UUID
    message: str


@dataclass(frozen=True)
class Ended:
    """The attempt has ended; `outcome` is ok, changed, skipped, failed, lost or asks."""

    attempt: UUID
    outcome: str
    phase: str = ""
    exit_code: int | None = None
    message: str = ""
    registered: str = ""


@dataclass(frozen=True)
class FencedOut:
    """A newer driver was on the target."""


@dataclass(frozen=True)
class Crashed:
    """A bug in a session's thread; the driver raises it."""

    error: BaseException


@dataclass(frozen=True)
class Stranger:
    """A host shows another key than the pinned one."""

    container: str
    fingerprint: str


Event = Answered | Begun | Output | Trouble | Ended | FencedOut | Crashed | Stranger


class Session(threading.Thread):
    """Carries out the jobs of one container, one after the other, over one connection."""

    def __init__(self, target: Target, fence: Fence, events: Queue[Event], pace: Pace) -> None:
        super().__init__(name=f"session-{target.name}", daemon=True)
        self._target, self._fence, self._events, self._pace = target, fence, events, pace
        self._jobs: Queue[Job | Greeting | None] = Queue()
        self._stopped = threading.Event()
        self._connection: Connection | None = None
        self._shell: TargetShell | None = None
        self._usual_s = pace.first_poll_s

    def carry_out(self, job: Job | Greeting) -> None:
        """Take on one more attempt, or greet the container."""
        self._jobs.put(job)

    def _emit(self, event: Event) -> None:
        """Hand an event over; wait while the driver is behind with storing."""
        while not self._stopped.is_set():
            try:
                return self._events.put(event, timeout=1)
            except Full:
                continue
        return None

    def stop(self) -> None:
        """Leave; what runs on the target goes on."""
        self._stopped.set()
        self._jobs.put(None)

    def run(self) -> None:
        """Carry out jobs until told to stop."""
        try:
            while (job := self._jobs.get()) and not self._stopped.is_set():
                if isinstance(job, Greeting):
                    self._greet(job)
                else:
                    self._carry_on(job)
        except FencedOutError:
            self._emit(FencedOut())
        except Exception as error:  # noqa: BLE001 - raised again in the driver's thread
            self._emit(Crashed(error))
        finally:
            self._disconnect()

    def _greet(self, greeting: Greeting) -> None:
        """Log in; a container that does not answer is asked again as long as patience lasts."""
        until = time.monotonic() + self._pace.patience_s
        message = ""
        while not self._stopped.is_set():
            try:
                self._connected()
            except (SSHError, TargetRefusedError) as error:
                self._disconnect()
                message = str(error)
                if isinstance(error, Unreachable | CommandTimeout) and time.monotonic() < until:
                    self._stopped.wait(min(RETRY_S, self._pace.patience_s / 10))
                    continue
            else:
                message = ""
            return self._emit(Answered(greeting.container, message))
        return None

    def _carry_on(self, job: Job) -> None:
        """Follow an attempt to its end, through lost connections as long as patience lasts."""
        troubled_since: float | None = None
        if job.fresh_connection:
            self._disconnect()
        while not self._stopped.is_set():
            try:
                shell = self._connected()
                if troubled_since is not None:
                    self._emit(Trouble(job.attempt, ""))
                    troubled_since = None
                return self._follow(job, shell)
            except TargetRefusedError as error:
                return self._give_up(job, f"{self._target.name}: {error}")
            except (Unreachable, CommandTimeout) as error:
                self._disconnect()
                if job.cancelled.is_set() and not job.sent:
                    return self._give_up(job, "The run was cancelled before it began.")
                now = time.monotonic()
                troubled_since = troubled_since or now
                if now - troubled_since >= self._patience_s(job):
                    return self._give_up(job, str(error))
                self._emit(Trouble(job.attempt, str(error)))
                self._stopped.wait(min(RETRY_S, self._pace.patience_s / 10))
            except SSHError as error:
                self._disconnect()
                return self._give_up(job, str(error))
        return None

    def _patience_s(self, job: Job) -> float:
        """Wait longer for what may be running meanwhile; a cancelled run need not wait so long."""
        extra = job.timeout_s if job.sent and not job.cancelled.is_set() else 0
        return self._pace.patience_s + extra

    def _give_up(self, job: Job, message: str) -> None:
        """Report the end: lost, where the attempt may have begun."""
        self._emit(Ended(job.attempt, "lost" if job.sent else "failed", message=message))

    def _connected(self) -> TargetShell:
        """Return the shell, logging in where needed."""
        if self._shell and self._connection and self._connection.alive:
            return self._shell
        self._disconnect()
        self._connection = self._connect()
        self._shell = TargetShell.open(self._connection, self._fence, self._pace)
        return self._shell

    def _connect(self) -> Connection:
        """Log in; a host that shows another key than the pinned one is told of."""
        pace = self._pace
        try:
            return Connection.connect(
                self._target, connect_timeout_s=pace.connect_s, read_timeout_s=pace.read_s
            )
        except HostKeyChanged as error:
            if error.name == self._target.name:
                self._emit(Stranger(self._target.name, error.presented.fingerprint))
            raise

    def _disconnect(self) -> None:
        """End the connection, if there is one."""
        if self._connection:
            self._connection.close()
        self._connection = self._shell = None

    def _follow(self, job: Job, shell: TargetShell) -> None:
        """Begin the attempt unless it has begun, and read until it ends."""
        began, delay = time.monotonic(), self._pace.first_poll_s
        if not job.begun and not job.cancelled.is_set():
            self._begin(job, shell)
            self._stopped.wait(self._usual_s)
        while not self._stopped.is_set():
            self._end_if_due(job, shell, poll := shell.poll(job.attempt, job.offset))
            if poll.data:
                self._emit(Output(job.attempt, job.offset, poll.data))
                job.offset += len(poll.data)
            if poll.state != "running" and poll.is_all:
                found = shell.registered(job.attempt) if job.registers else ""
                self._usual_s = self._pace.first_look_s(time.monotonic() - began)
                return self._emit(_ended(job, poll, found))
            if poll.is_all:
                self._stopped.wait(delay)
                delay = min(2 * delay, self._pace.poll_s)
        return None

    def _begin(self, job: Job, shell: TargetShell) -> None:
        """Begin an attempt; sent twice over a broken connection, it still begins once."""
        was_sent, job.sent = job.sent, True
        try:
            shell.begin(job.attempt, job.files)
        except TargetRefusedError:
            job.sent = was_sent
            raise
        job.begun = True
        self._emit(Begun(job.attempt))

    def _end_if_due(self, job: Job, shell: TargetShell, poll: Poll) -> None:
        """End what was cancelled or takes too long."""
        if poll.state not in {"running", "absent"}:
            return
        if job.cancelled.is_set():
            shell.cancel(job.attempt, "cancelled")
        elif poll.elapsed_s > job.timeout_s:
            shell.cancel(job.attempt, "timeout")


def _ended(job: Job, poll: Poll, registered: str) -> Ended:
    """Say how an attempt ended."""
    if poll.state in LOST:
        return Ended(job.attempt, "lost", message=LOST[poll.state])
    phase = "" if poll.phase == "-" else poll.phase
    message = ""
    if phase == "timeout":
        message = f"It took longer than {job.timeout_s:g} s and was ended."
    elif phase == "cancelled":
        message = "It was ended, for the run was cancelled."
    elif phase == "full":
        message = "No space left on device: what it printed may be incomplete."
    elif poll.outcome == "failed":
        message = f"{phase.capitalize()} ended with exit status {poll.exit_code}."
    return Ended(job.attempt, poll.outcome, phase, poll.exit_code, message, registered)
