"""What the supervisor asks of /proc; imports nothing of Django."""

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

PROC = Path("/proc")


def is_alive(pid: int) -> bool:
    """Tell whether a process exists and is more than a zombie."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def working_directory(pid: int) -> Path | None:
    """Return where a process stands, or None when it is gone or not ours to ask."""
    try:
        return (PROC / str(pid) / "cwd").readlink()
    except OSError:
        return None


def children(pid: int) -> set[int]:
    """Return the direct children of a process; empty when it is gone."""
    try:
        return {int(child) for child in (PROC / f"{pid}/task/{pid}/children").read_text().split()}
    except OSError:
        return set()


@dataclass
class Family:
    """The children and grandchildren of a process; deeper ones are the business of those.

    A django-q2 process that is killed takes the lock of a shared queue with it: the rest never gets
    a task again, though all look alive.
    """

    head: int
    members: set[int] = field(default_factory=set)

    def lost_a_member(self) -> bool:
        """Look again; tell whether one is missing that was there the last time."""
        first = children(self.head)
        now = first.union(*(children(child) for child in first))
        lost = bool(self.members - now)
        self.members = now
        return lost

    def kill(self) -> None:
        """End all of them, also those whose parent is gone, but not the head."""
        left = self.members
        for child in children(self.head):
            send(child, signal.SIGSTOP)  # or it would replace those that die before it
        self.lost_a_member()
        for pid in left | self.members:
            send(pid, signal.SIGKILL)


def name(pid: int) -> str:
    """Return the name that a process gave itself; empty when it is gone."""
    try:
        return (PROC / str(pid) / "comm").read_text().strip()
    except OSError:
        return ""


def marked(variable: str, value: str) -> Iterator[int]:
    """Find the processes started with this environment variable, however deep below us.

    An inherited mark cannot be reused by a stranger as a pid can, and reaches grandchildren whose
    parents are gone.
    """
    mark = f"{variable}={value}".encode()
    for entry in PROC.iterdir():
        try:
            if entry.name.isdigit() and mark in (entry / "environ").read_bytes().split(b"\0"):
                yield int(entry.name)
        except OSError:  # gone meanwhile, or another user's
            continue


def kill_marked(variable: str, value: str) -> int:
    """Kill every process that carries the mark and wait until none is left; return how many."""
    killed: set[int] = set()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        left = {pid for pid in marked(variable, value) if is_alive(pid) and pid != os.getpid()}
        if not left:
            break
        for pid in left:
            send(pid, signal.SIGKILL)
        killed |= left
        time.sleep(0.05)
    return len(killed)


def send(pid: int, number: signal.Signals) -> None:
    """Signal one process; one that is gone already is fine."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def kill_group(pid: int) -> None:
    """Kill the whole process group that this process leads, also when the leader is gone."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
