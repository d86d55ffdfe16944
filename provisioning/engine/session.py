"""One container's thread: it logs in, begins attempts, follows their output, reconnects.

It never touches the ORM: what happens goes as events to the driver, who alone writes.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping
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

# After these the next step may begin.
WELL = {"ok", "changed", "skipped"}
# A host that does not answer is asked again this often.
RETRY_S = 3
LOST = {
    "restarted": "The host was restarted while the step ran.",
    "vanished": "The step's processes are gone and left no exit status.",
    "absent": "The step's folder is gone from the host.",
    "unbegun": "The host did not begin the step.",
}
CANCELLED = "The run was cancelled before it began."


@dataclass
class Job:
    """An attempt to carry on, from wherever it stands.

    `begun`: it is seen on the target; `sent`: the target may have it; `follows`: it begins by
    itself when the one before it has ended well.
    """

    attempt: UUID
    files: Mapping[str, str] = field(repr=False)
    timeout_s: float
    offset: int = 0
    begun: bool = False
    sent: bool = False
    follows: bool = False
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
    """The attempt is on the target, and its turn has come."""

    attempt: UUID


@dataclass(frozen=True)
class Withdrawn:
    """The attempt was not begun and never will be."""

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


Event = Answered | Begun | Withdrawn | Output | Trouble | Ended | FencedOut | Crashed | Stranger


class Session(threading.Thread):
    """Carries out the jobs of one container, one after the other, over one connection."""

    def __init__(self, target: Target, fence: Fence, events: Queue[Event], pace: Pace) -> None:
        super().__init__(name=f"session-{target.name}", daemon=True)
        self._target, self._fence, self._events, self._pace = target, fence, events, pace
        self._jobs: Queue[deque[Job] | Greeting | None] = Queue()
        self._stopped = threading.Event()
        self._connection: Connection | None = None
        self._shell: TargetShell | None = None
        self._usual_s = pace.first_poll_s

    def carry_out(self, jobs: Iterable[Job]) -> None:
        """Take on attempts that are begun together; each follows the one before it."""
        self._jobs.put(deque(jobs))

    def greet(self) -> None:
        """See whether the container answers."""
        self._jobs.put(Greeting(self._target.name))

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
            while (work := self._jobs.get()) and not self._stopped.is_set():
                if isinstance(work, Greeting):
                    self._greet(work)
                else:
                    self._carry_on(work)
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

    def _carry_on(self, jobs: deque[Job]) -> None:
        """Follow attempts to their end, through lost connections as long as patience lasts."""
        troubled_since: float | None = None
        if jobs[0].fresh_connection:
            self._disconnect()
        while jobs and not self._stopped.is_set():
            try:
                shell = self._connected()
                if troubled_since is not None:
                    self._emit(Trouble(jobs[0].attempt, ""))
                    troubled_since = None
                self._follow(jobs, shell)
            except TargetRefusedError as error:
                self._give_up(jobs, f"{self._target.name}: {error}")
            except (Unreachable, CommandTimeout) as error:
                self._disconnect()
                now = time.monotonic()
                troubled_since = troubled_since or now
                if self._is_patient(jobs[0], now - troubled_since):
                    self._emit(Trouble(jobs[0].attempt, str(error)))
                    self._stopped.wait(min(RETRY_S, self._pace.patience_s / 10))
                else:
                    cancelled = jobs[0].cancelled.is_set() and not jobs[0].sent
                    self._give_up(jobs, CANCELLED if cancelled else str(error))
            except SSHError as error:
                self._disconnect()
                self._give_up(jobs, str(error))

    def _is_patient(self, job: Job, troubled_s: float) -> bool:
        """Wait longer for what may be running meanwhile; a cancelled run need not wait so long."""
        if job.cancelled.is_set() and not job.sent:
            return False
        extra = job.timeout_s if job.sent and not job.cancelled.is_set() else 0
        return troubled_s < self._pace.patience_s + extra

    def _give_up(self, jobs: deque[Job], message: str) -> None:
        """Report the end: lost, where the attempt may have begun."""
        while jobs:
            job = jobs.popleft()
            if job.follows and not job.sent:
                self._emit(Withdrawn(job.attempt))
            else:
                outcome = "lost" if job.sent else "failed"
                self._emit(Ended(job.attempt, outcome, message=message))

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

    def _follow(self, jobs: deque[Job], shell: TargetShell) -> None:
        """Begin the attempts unless they have begun, and read until all have ended."""
        began, delay, count = time.monotonic(), self._pace.first_poll_s, len(jobs)
        if not jobs[0].begun and not jobs[0].follows:
            if jobs[0].cancelled.is_set() and not jobs[0].sent:
                return self._give_up(jobs, CANCELLED)
            self._begin(jobs, shell)
            delay = min(self._usual_s * count, self._pace.flush_s)
            self._stopped.wait(delay)
        while jobs and not self._stopped.is_set():
            polls = shell.poll([job.attempt for job in jobs], jobs[0].offset)
            if not self._take_in(jobs, polls, shell):
                self._usual_s = self._pace.first_look_s((time.monotonic() - began) / count)
                self._withdraw(jobs, shell)
            elif jobs and polls[-1].is_all:
                self._stopped.wait(delay)
                delay = min(2 * delay, self._pace.poll_s)
        return None

    def _take_in(self, jobs: deque[Job], polls: list[Poll], shell: TargetShell) -> bool:
        """Report what polls say; tells whether the rest of the attempts may go on."""
        for poll in polls:
            job = jobs[0]
            if job.follows and (
                poll.state in {"absent", "unbegun"}
                or (poll.state == "waiting" and job.cancelled.is_set())
            ):
                return False
            if not job.begun and poll.state not in {"absent", "waiting"}:
                self._note_begun(job)
            if self._end_if_due(job, shell, poll):
                return True
            if poll.data:
                self._emit(Output(job.attempt, job.offset, poll.data))
                job.offset += len(poll.data)
            if poll.state in {"running", "waiting"} or not poll.is_all:
                return True
            found = shell.registered(job.attempt) if job.registers else ""
            self._emit(_ended(job, poll, found))
            jobs.popleft()
            if poll.state != "ended" or poll.outcome not in WELL:
                return False
        return bool(jobs)

    def _withdraw(self, jobs: deque[Job], shell: TargetShell) -> None:
        """Keep the rest of the attempts from beginning; one that has begun is followed on."""
        if not jobs:
            return
        withdrawn = shell.withdraw(job.attempt for job in jobs)
        for job in list(jobs):
            if job.attempt in withdrawn:
                jobs.remove(job)
                self._emit(Withdrawn(job.attempt))
            else:
                job.follows = False

    def _begin(self, jobs: deque[Job], shell: TargetShell) -> None:
        """Begin attempts; sent twice over a broken connection, they still begin once."""
        was_sent = [job.sent for job in jobs]
        for job in jobs:
            job.sent = True
        try:
            shell.begin({job.attempt: job.files for job in jobs})
        except TargetRefusedError:
            for job, before in zip(jobs, was_sent, strict=True):
                job.sent = before
            raise
        self._note_begun(jobs[0])

    def _note_begun(self, job: Job) -> None:
        """Report that an attempt has begun."""
        job.begun = True
        self._emit(Begun(job.attempt))

    def _end_if_due(self, job: Job, shell: TargetShell, poll: Poll) -> bool:
        """End what was cancelled or takes too long, and tell whether that was so."""
        if poll.state not in {"running", "absent"}:
            return False
        if job.cancelled.is_set():
            shell.cancel(job.attempt, "cancelled")
        elif poll.elapsed_s > job.timeout_s:
            shell.cancel(job.attempt, "timeout")
        else:
            return False
        return True


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
