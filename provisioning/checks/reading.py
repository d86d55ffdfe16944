"""Reads what `look.sh` printed of a machine; pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_interface

from inventory.topology import IPAddress

GIB = 1024**3
# Not disks: in memory, of files, optical.
PRETENDED = ("zram", "ram", "loop", "sr", "fd", "nbd")
PAIR = re.compile(r'([A-Z-]+)="([^"]*)"')
PROCESS = re.compile(r'users:\(\("([^"]+)"')


class Incomplete(Exception):
    """What was printed has no end: the visit broke off."""


@dataclass(frozen=True, slots=True)
class BlockDevice:
    """A disk or a part of one, as lsblk lists it; `holds` says what it has on it."""

    name: str
    parent: str
    type: str
    size_gib: float
    rotates: bool
    holds: str

    @property
    def kind(self) -> str:
        """Return what it is made of, in the inventory's words."""
        if self.name.startswith("nvme"):
            return "nvme"
        return "hdd" if self.rotates else "ssd"


@dataclass(frozen=True, slots=True)
class Place:
    """The file system that a path lies on, or will; sizes in GiB."""

    device: str
    mount: str
    size_gib: float
    free_gib: float


@dataclass(frozen=True, slots=True)
class Listener:
    """A socket that something listens on; an empty address is any."""

    protocol: str
    ip: str
    port: int
    process: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """How a repository answered."""

    url: str
    outcome: str
    said: str = ""


@dataclass(frozen=True)
class Machine:
    """A machine as it says it is; `faults` are what it could not say, by section."""

    user: str = ""
    uid: int = -1
    os_id: str = ""
    os_version: str = ""
    arch: str = ""
    inside: str = ""
    vcpus: int = 0
    memory_mib: int = 0
    devices: tuple[BlockDevice, ...] = ()
    places: Mapping[str, Place] = field(default_factory=dict)
    addresses: Mapping[IPAddress, str] = field(default_factory=dict)
    listeners: tuple[Listener, ...] = ()
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    nameservers: tuple[str, ...] = ()
    timeservers: tuple[str, ...] = ()
    time_services: tuple[str, ...] = ()
    synchronised: str = ""
    fetched: tuple[Fetched, ...] = ()
    processes: frozenset[str] = frozenset()
    traces: tuple[str, ...] = ()
    faults: Mapping[str, str] = field(default_factory=dict)
    clock_offset_s: float = 0.0
    clock_doubt_s: float = 0.0

    @property
    def disks(self) -> tuple[BlockDevice, ...]:
        """Return the real disks."""
        return tuple(
            device
            for device in self.devices
            if device.type == "disk" and not device.name.startswith(PRETENDED)
        )

    @property
    def free_disks(self) -> tuple[BlockDevice, ...]:
        """Return the disks with nothing on them."""
        parents = {device.parent for device in self.devices}
        return tuple(d for d in self.disks if not d.holds and d.name not in parents)

    def disk_under(self, device: str) -> BlockDevice | None:
        """Return the disk below a file system's device, through partitions and volumes."""
        known = {d.name: d for d in self.devices}
        found = known.get(device.removeprefix("/dev/mapper/").removeprefix("/dev/"))
        while found and found.parent and found.parent in known:
            found = known[found.parent]
        return found

    def listener(self, protocol: str, port: int) -> Listener | None:
        """Return who listens on a port."""
        of_port = (li for li in self.listeners if (li.protocol, li.port) == (protocol, port))
        return next(of_port, None)


def read_machine(text: str, *, clock_offset_s: float = 0.0, clock_doubt_s: float = 0.0) -> Machine:
    """Read a whole visit; raises Incomplete when its end is missing."""
    said: dict[str, list[list[str]]] = {}
    for line in text.splitlines():
        key, *words = line.split("\t")
        said.setdefault(key, []).append(words)
    if "end" not in said:
        raise Incomplete((text.strip().splitlines() or ["nothing was printed"])[-1][:300])

    def first(key: str, length: int) -> list[str]:
        return [*said.get(key, [[]])[0], *[""] * length][:length]

    def every(key: str) -> tuple[str, ...]:
        return tuple(words[0] for words in said.get(key, ()) if words and words[0])

    uid, user = first("user", 2)
    os_id, os_version, arch = first("system", 3)
    return Machine(
        user=user,
        uid=_number(uid, -1),
        os_id=os_id,
        os_version=os_version,
        arch=arch,
        inside=first("inside", 1)[0].replace("none", ""),
        vcpus=_number(first("cpus", 1)[0], 0),
        memory_mib=_number(first("memory", 1)[0], 0) // 1024,
        devices=tuple(_device(words[0]) for words in said.get("block", ())),
        places={words[0]: _place(words) for words in said.get("place", ())},
        addresses={ip_interface(ip).ip: name for name, ip in said.get("address", ())},
        listeners=tuple(filter(None, (_listener(words[0]) for words in said.get("listens", ())))),
        names={words[0]: tuple(words[1].split()) for words in said.get("name", ())},
        nameservers=every("nameserver"),
        timeservers=every("timeserver"),
        time_services=every("timeservice"),
        synchronised=first("synchronised", 1)[0],
        fetched=tuple(Fetched(*words[:3]) for words in said.get("fetched", ())),
        processes=frozenset(every("process")),
        traces=every("trace"),
        faults={words[0]: words[1] for words in said.get("fault", ())},
        clock_offset_s=clock_offset_s,
        clock_doubt_s=clock_doubt_s,
    )


def _number(text: str, otherwise: int) -> int:
    """Read a number; what is none says nothing."""
    return int(text) if text.isdigit() else otherwise


def _device(line: str) -> BlockDevice:
    """Read a line of lsblk -P."""
    pairs = dict(PAIR.findall(line))
    return BlockDevice(
        name=pairs.get("NAME", ""),
        parent=pairs.get("PKNAME", ""),
        type=pairs.get("TYPE", ""),
        size_gib=_number(pairs.get("SIZE", ""), 0) / GIB,
        rotates=pairs.get("ROTA") == "1",
        holds=pairs.get("FSTYPE") or pairs.get("MOUNTPOINT") or "",
    )


def _place(words: list[str]) -> Place:
    """Read where a path lies: kibibytes become GiB."""
    _, device, size, free, mount = words
    return Place(device, mount, _number(size, 0) / 1024**2, _number(free, 0) / 1024**2)


def _listener(line: str) -> Listener | None:
    """Read a line of ss -lntup."""
    words = line.split()
    if len(words) < 5 or words[0] not in ("tcp", "udp"):
        return None
    ip, _, port = words[4].rpartition(":")
    ip = ip.strip("[]").partition("%")[0]
    process = PROCESS.search(line)
    any_address = ip in ("*", "0.0.0.0", "::")  # noqa: S104 - read, not bound
    return Listener(
        words[0],
        "" if any_address else ip,
        _number(port, 0),
        process.group(1) if process else "a process that is not shown",
    )
