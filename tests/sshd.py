"""A real OpenSSH server on loopback, with keys of its own; needs root for logins as root."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from inventory.ssh import Target

# sshd takes the first word it finds on a matter: what a test adds comes first.
AS_ROOT = """\
HostKey {folder}/host_key
PidFile {folder}/sshd.pid
AuthorizedKeysFile {folder}/authorized_keys
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
StrictModes no
UsePAM no
UseDNS no
PrintMotd no
"""
CONFIG = f"""\
{{extra}}
ListenAddress 127.0.0.1:{{port}}
ListenAddress 127.0.0.2:{{port}}
ListenAddress 127.0.0.3:{{port}}
{AS_ROOT}\
MaxStartups 200
MaxSessions 50
"""


@dataclass
class Sshd:
    """A server that can be stopped, started again and given another host key."""

    folder: Path
    port: int
    config: str = field(default=CONFIG, repr=False)
    prefix: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    extra: str = ""

    @property
    def key(self) -> str:
        """Return the private key that may log in."""
        return (self.folder / "login").read_text()

    @property
    def host_key(self) -> str:
        """Return the public host key as a container keeps it."""
        return " ".join((self.folder / "host_key.pub").read_text().split()[:2])

    def target(self, name: str = "loopback") -> Target:
        """Say how to log in."""
        return Target(name, "127.0.0.1", self.port, "root", self.key, None, self.host_key)

    def make_host_key(self, kind: str = "ed25519") -> None:
        """Make a new host key; a running server must be started again to show it."""
        for path in self.folder.glob("host_key*"):
            path.unlink()
        keygen(self.folder / "host_key", kind)

    def start(self) -> None:
        """Start and wait until it answers."""
        Path("/run/sshd").mkdir(exist_ok=True)
        config = self.config.format(port=self.port, folder=self.folder, extra=self.extra)
        (self.folder / "config").write_text(config)
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*self.prefix, "/usr/sbin/sshd", "-D", "-e", "-f", str(self.folder / "config")],
                stderr=log,
                start_new_session=True,
            )
        for _ in range(500):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            time.sleep(0.01)
        raise AssertionError((self.folder / "log").read_text())

    def restart(self, *lines: str) -> None:
        """Start again with these lines before its others."""
        self.stop()
        self.extra = "\n".join(lines)
        self.start()

    @property
    def connections(self) -> int:
        """Count the connections that it serves now."""
        assert self.process
        pid = self.process.pid
        return len(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())

    def stop(self) -> None:
        """End the server and every connection that it serves."""
        if self.process:
            for pid in [*children(self.process.pid), self.process.pid]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


def children(pid: int) -> list[int]:
    """List the sessions' processes below the server: sshd only, not what they started."""
    found = []
    with contextlib.suppress(OSError):  # It ended meanwhile.
        for child in map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()):
            if "sshd" in Path(f"/proc/{child}/comm").read_text():
                found += [child, *children(child)]
    return found


def keygen(path: Path, kind: str, *, passphrase: str = "", options: Sequence[str] = ()) -> None:
    """Make a key pair."""
    command = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, *options, "-f", str(path)]
    subprocess.run(command, check=True)


def missing() -> str:
    """Say what this machine lacks for a server, if anything."""
    if os.geteuid() != 0:
        return "needs root"
    return "" if shutil.which("sshd", path="/usr/sbin") else "needs openssh-server"


@contextmanager
def serving(folder: Path, *, config: str = CONFIG, prefix: tuple[str, ...] = ()) -> Iterator[Sshd]:
    """Run a server for a while; `prefix` is a command that executes another one."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    server = Sshd(folder, port, config, prefix)
    server.make_host_key()
    keygen(folder / "login", "ed25519")
    shutil.copy(folder / "login.pub", folder / "authorized_keys")
    server.start()
    try:
        yield server
    finally:
        server.stop()
