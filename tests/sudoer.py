"""Users of this machine that become root through sudo; needs root and sudo."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from inventory.ssh import Target
from tests import sshd


@dataclass(frozen=True)
class Sudoer:
    """A user with a password and, perhaps, a rule of sudo's."""

    name: str
    password: str
    home: Path

    def allow(self, *lines: str) -> None:
        """Write the user's rules; {user} stands for the name."""
        path = Path("/etc/sudoers.d") / self.name
        path.write_text("\n".join(lines).format(user=self.name) + "\n")
        path.chmod(0o440)
        subprocess.run(["visudo", "-cqf", path], check=True)

    def target(self, server: sshd.Sshd, **changes: object) -> Target:
        """Say how the user logs in with the server's key and becomes root."""
        (self.home / ".ssh").mkdir(exist_ok=True)
        shutil.copy(server.folder / "login.pub", self.home / ".ssh/authorized_keys")
        target = replace(server.target(self.name), username=self.name, sudo=True)
        return replace(target, **changes)  # type: ignore[arg-type]


def missing() -> str:
    """Say what this machine lacks for logins that become root, if anything."""
    return sshd.missing() or ("" if shutil.which("sudo") else "needs sudo")


@contextmanager
def living_here(password: str = "") -> Iterator[Sudoer]:
    """Have a user for a while."""
    name = f"vp{os.getpid()}-{secrets.token_hex(3)}"
    user = Sudoer(name, password or secrets.token_urlsafe(12), Path("/var/tmp") / name)
    home = ["--create-home", "--home-dir", str(user.home), "--shell", "/bin/sh"]
    subprocess.run(["useradd", *home, name], check=True)
    try:
        line = f"{name}:{user.password}".encode()
        subprocess.run(["chpasswd"], input=line, check=True)
        yield user
    finally:
        (Path("/etc/sudoers.d") / name).unlink(missing_ok=True)
        subprocess.run(["userdel", "--force", name], check=True, capture_output=True)
        shutil.rmtree(user.home, ignore_errors=True)
