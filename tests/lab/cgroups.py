"""Control groups (version 2): how a host is found alive, frozen, killed, and swept up."""

import time
from pathlib import Path

from tests.lab.machine import LabError


def cgroup_root(base: Path = Path("/sys/fs/cgroup")) -> Path:
    """Where version 2 is mounted: at the base itself, or beside version 1 in the hybrid layout."""
    for candidate in (base, base / "unified"):
        if (candidate / "cgroup.controllers").exists():
            return candidate
    raise LabError(f"No cgroup version 2 at {base} nor at {base}/unified: boot with systemd.")


def is_populated(group: Path) -> bool:
    """Whether any process lives in the group or below it."""
    try:
        return "populated 1" in (group / "cgroup.events").read_text()
    except FileNotFoundError:
        return False


def freeze(group: Path, frozen: bool) -> None:
    """Hang everything in the group, or let it go on."""
    if not is_populated(group):
        raise LabError(f"{group.name} is not running.")
    (group / "cgroup.freeze").write_text(str(int(frozen)))


def kill(group: Path, timeout_s: float = 10) -> None:
    """SIGKILL everything in the group and wait until it is gone; fine when nothing is there."""
    if not is_populated(group):
        return
    if not (group / "cgroup.kill").exists():
        raise LabError("The kernel has no cgroup.kill: Linux 5.14 or later is needed.")
    (group / "cgroup.freeze").write_text("0")
    (group / "cgroup.kill").write_text("1")
    deadline = time.monotonic() + timeout_s
    while is_populated(group):
        if time.monotonic() > deadline:
            raise LabError(f"{group.name} still has processes {timeout_s:g} s after their kill.")
        time.sleep(0.02)


def sweep(group: Path) -> None:
    """Remove a dead group with all below it.

    A killed host's groups must go before it starts again: they remember the kill, and the kernel
    would kill whatever systemd next starts in them.
    """
    if not group.exists():
        return
    for folder in sorted((p for p in group.rglob("*") if p.is_dir()), reverse=True):
        folder.rmdir()
    group.rmdir()
