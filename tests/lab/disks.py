"""A host's disk: its own changes laid over the read-only folders that all hosts share."""

import shutil
import time
from pathlib import Path

from tests.lab.machine import LabError, run


def mount(root: Path, lower: list[Path]) -> None:
    """Mount the disk at `root`, its changes beside it; fine when it is mounted already."""
    if root.is_mount():
        return
    upper, work = root.parent / "upper", root.parent / "work"
    for folder in (root, upper, work):
        folder.mkdir(parents=True, exist_ok=True)
    options = f"lowerdir={':'.join(map(str, lower))},upperdir={upper},workdir={work}"
    run("mount", "-t", "overlay", root.parent.name, "-o", options, root)


def personalise(root: Path, name: str, authorised: Path) -> None:
    """Give the disk its host's name and SSH identity, and let the public key's owner in."""
    host_key = root / "etc/ssh/ssh_host_ed25519_key"
    if not host_key.exists():
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"root@{name}", "-f", host_key)
    hostname = root / "etc/hostname"
    if not hostname.exists():  # An installed host keeps the name that it was given since.
        hostname.write_text(f"{name}\n")
        (root / "etc/hosts").write_text(f"127.0.0.1 localhost\n127.0.1.1 {name}\n")
    shutil.copy(authorised, root / "root/.ssh/authorized_keys")


def unmount(root: Path, timeout_s: float = 10) -> None:
    """Unmount a disk whose last process may be just about to go."""
    deadline = time.monotonic() + timeout_s
    while root.is_mount():
        try:
            run("umount", root)
        except LabError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
