"""Real Debian 13 hosts on one computer: systemd as PID 1, two networks, SSH as root by key.

A test stand-in; see README.md for what is not real about it.
"""

import base64
import hashlib
import json
import re
import shlex
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.lab import cache, cgroups, disks, network
from tests.lab.machine import HERE, LabError, require, run

RUNS = Path("/var/tmp/voipadmin-lab")
BOOT_TIMEOUT_S = 60
INOTIFY_INSTANCES = Path("/proc/sys/fs/inotify/max_user_instances")
SSH_OPTIONS = [
    "-oBatchMode=yes",
    "-oStrictHostKeyChecking=no",
    "-oUserKnownHostsFile=/dev/null",
    "-oLogLevel=ERROR",
    "-oControlMaster=no",
    "-oConnectTimeout=10",
]


@dataclass(frozen=True)
class Host:
    """One host of a lab; `private` and `public` are its addresses."""

    name: str
    index: int
    private: str
    public: str


class Lab:
    """Some hosts under a common name, in two networks of their own; as a context it cleans up."""

    def __init__(
        self,
        name: str = "va",
        private: str = "10.203.0",
        public: str = "10.204.0",
        layers: tuple[str, ...] = ("db",),
        init: str = "systemd",
    ) -> None:
        """Describe a lab; `private` and `public` are /24 prefixes, no layers means bare hosts.

        With `init="sshd"` an SSH server is all that a host starts: there is no systemd.
        """
        if not re.fullmatch(r"[a-z][a-z0-9]{0,5}", name):
            raise LabError("A lab's name is at most six small letters and digits: links bear it.")
        self.name, self.private, self.public, self.layers = name, private, public, layers
        self.init = init
        self.folder = RUNS / name
        self.key_path = self.folder / "id_ed25519"

    @classmethod
    def existing(cls, name: str) -> Self:
        """The lab of this name as it was brought up."""
        record = RUNS / name / "lab.json"
        if not record.exists():
            raise LabError(f"There is no lab {name}; bring one up first.")
        saved = json.loads(record.read_text())
        layers = tuple(saved["layers"])
        return cls(name, saved["private"], saved["public"], layers, saved["init"])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.down()

    # What there is

    def host(self, index: int) -> Host:
        """The host of this number, whether it is up or not."""
        if not 1 <= index <= 200:
            raise LabError("Hosts are numbered from 1 to 200.")
        return Host(
            f"{self.name}-h{index:02d}",
            index,
            f"{self.private}.{10 + index}",
            f"{self.public}.{10 + index}",
        )

    def hosts(self) -> list[Host]:
        """All hosts that have a disk, powered on or off."""
        disks = (self.folder / "hosts").glob(f"{self.name}-h*")
        return [self.host(index) for index in sorted(int(d.name.rpartition("h")[2]) for d in disks)]

    def host_key(self, host: Host) -> str:
        """The host's public SSH key as `type base64`, read from its disk and not from the net."""
        public_key = self._root(host) / "etc/ssh/ssh_host_ed25519_key.pub"
        return " ".join(public_key.read_text().split()[:2])

    def host_fingerprint(self, host: Host) -> str:
        """The SHA256 fingerprint of the host's SSH key."""
        digest = hashlib.sha256(base64.b64decode(self.host_key(host).split()[1])).digest()
        return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")

    def is_running(self, host: Host) -> bool:
        """Whether the host has any process."""
        return cgroups.is_populated(self._group(host))

    def boot_id(self, host: Host) -> str | None:
        """What tells one boot of the host from another; None while it does not answer."""
        try:
            return self.ssh(host, "cat /proc/sys/kernel/random/boot_id", timeout_s=5).strip()
        except LabError:
            return None

    def ssh(self, host: Host, command: str, timeout_s: float = 120) -> str:
        """Run a shell command as root on the host; LabError with its output when it fails."""
        to = f"root@{host.private}"
        return run("ssh", "-i", self.key_path, *SSH_OPTIONS, to, command, timeout_s=timeout_s)

    # Bringing up and taking down

    def up(self, count: int, start: int = 1) -> list[Host]:
        """Bring hosts up, `start` being the first's number; those that are up stay as they are."""
        require()
        group = cgroups.cgroup_root() / f"{self.name}lab"
        lower = cache.lower_folders(self.layers)
        hosts = [self.host(index) for index in range(start, start + count)]
        self._prepare(group)
        for host in hosts:
            if not self.is_running(host):
                self._boot(host, lower)
        for host in hosts:
            self._wait_for_ssh(host)
        return hosts

    def down(self) -> None:
        """Remove all hosts with their disks, networks and processes; fine when nothing is up."""
        hosts = self.hosts()
        for host in hosts:
            cgroups.kill(self._group(host))
        for host in hosts:
            network.remove_namespace(host.name, self.name, host.index)
            disks.unmount(self._root(host))
            cgroups.sweep(self._group(host))
        for leg in network.LEGS:
            network.remove_link(f"{self.name}{leg}")
        cgroups.sweep(cgroups.cgroup_root() / f"{self.name}lab")
        shutil.rmtree(self.folder, ignore_errors=True)

    # Faults

    def power_off(self, host: Host) -> None:
        """Pull the plug: every process dies at once, the disk stays, the network forgets."""
        cgroups.kill(self._group(host))
        network.remove_namespace(host.name, self.name, host.index)

    def power_on(self, host: Host) -> None:
        """Start a host that was powered off, and wait until it answers."""
        if not self._root(host).parent.exists():
            raise LabError(f"There is no host {host.name}.")
        self.up(1, start=host.index)

    def reboot(self, host: Host) -> None:
        """Ask the host to reboot, and wait until it answers anew."""
        before = self.boot_id(host)
        self.ssh(host, "systemd-run --quiet --on-active=0.1 systemctl reboot")
        deadline = time.monotonic() + BOOT_TIMEOUT_S
        while self.boot_id(host) in (before, None):
            if time.monotonic() > deadline:
                raise LabError(f"{host.name} did not come back from its reboot.")
            time.sleep(0.1)

    def freeze(self, host: Host) -> None:
        """Hang the host: connections stay open and nothing answers."""
        cgroups.freeze(self._group(host), True)

    def thaw(self, host: Host) -> None:
        """Let a hung host go on."""
        cgroups.freeze(self._group(host), False)

    def cut(self, host: Host) -> None:
        """Cut the host off the private network."""
        network.set_private_leg(self.name, host.index, False)

    def join(self, host: Host) -> None:
        """Join the host to the private network again."""
        network.set_private_leg(self.name, host.index, True)

    # Steps

    def _root(self, host: Host) -> Path:
        return self.folder / "hosts" / host.name / "root"

    def _group(self, host: Host) -> Path:
        return cgroups.cgroup_root() / f"{self.name}lab" / host.name

    def _prepare(self, group: Path) -> None:
        """Make what the lab's hosts share: folder, key, networks, control group."""
        self.folder.mkdir(parents=True, exist_ok=True)
        saved = {
            "private": self.private,
            "public": self.public,
            "layers": self.layers,
            "init": self.init,
        }
        (self.folder / "lab.json").write_text(json.dumps(saved))
        if not self.key_path.exists():
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", self.key_path)
        if int(INOTIFY_INSTANCES.read_text()) < 4096:  # each systemd takes several
            INOTIFY_INSTANCES.write_text("4096")
        Path("/run/systemd/nspawn").mkdir(parents=True, exist_ok=True)
        for leg, prefix in zip(network.LEGS, (self.private, self.public), strict=True):
            network.add_bridge(f"{self.name}{leg}", f"{prefix}.1")
        group.mkdir(exist_ok=True)

    def _boot(self, host: Host, lower: list[Path]) -> None:
        """Mount the host's disk, give it a network, start its systemd; does not wait."""
        group, root = self._group(host), self._root(host)
        cgroups.sweep(group)
        group.mkdir()
        disks.mount(root, lower)
        disks.personalise(root, host.name, self.key_path.with_suffix(".pub"))
        addresses = (host.private, host.public)
        network.add_namespace(host.name, self.name, host.index, addresses)
        offered = (cache.repository(), cache.standins())
        where = (root, RUNS, *offered, cgroups.cgroup_root())
        boot = shlex.join(map(str, (HERE / "boot.sh", host.name, *where, *addresses, self.init)))
        enter = f"echo $$ > {shlex.quote(str(group))}/cgroup.procs"
        with (root.parent / "console.log").open("a") as console:
            subprocess.run(
                ["sh", "-c", f"{enter} && exec setsid -f unshare -m --propagation private {boot}"],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                check=True,
            )

    def _wait_for_ssh(self, host: Host) -> None:
        """Wait until the host's SSH server says its name."""
        deadline = time.monotonic() + BOOT_TIMEOUT_S
        while not _speaks_ssh(host.private):
            if time.monotonic() > deadline or not self.is_running(host):
                log = self._root(host).parent / "console.log"
                lines = log.read_text(errors="replace").splitlines()[-8:]
                raise LabError(f"{host.name} did not come up ({log}):\n" + "\n".join(lines))
            time.sleep(0.1)


def _speaks_ssh(address: str) -> bool:
    """Whether an SSH server greets at the address."""
    try:
        with socket.create_connection((address, 22), timeout=2) as connection:
            connection.settimeout(2)
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


if __name__ == "__main__":
    from tests.lab.__main__ import main

    raise SystemExit(main())
