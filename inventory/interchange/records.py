"""What a file says, entry by entry: the shape of its rows and the words of what is wrong.

Every field but the name may be left out, which leaves it as it is; an empty one is none, or its
default. What a value may be beyond its shape, the columns and constraints of the models say.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Annotated, Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainValidator

from inventory.changes import RoleChoice
from inventory.interchange.faults import Fault
from inventory.topology import AddressView, DiskView, IPAddress, IPNetwork

EMPTY = ("", None)
# Line breaks of every kind, other control characters, and halves of characters.
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def _text(value: Any) -> str:
    """Take a line of text; whole numbers, which nobody quotes, are text too."""
    if value is None:
        return ""
    if isinstance(value, float):
        raise ValueError("Write it in quotes, lest 24.10 be read as 24.1.")
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError("Write text here.")
    text = str(value).strip()
    if CONTROL.search(text):
        raise ValueError("Line breaks and control characters are not allowed.")
    return text


def _filled(value: Any) -> str:
    """Take text that is not empty."""
    text = _text(value)
    if not text:
        raise ValueError("Fill this in.")
    return text


def _name_or_none(value: Any) -> str | None:
    """Take a name; empty is none."""
    return _text(value) or None


def _whole(value: Any) -> int:
    """Take a whole number."""
    if value in EMPTY:
        raise ValueError("Fill this in.")
    text = str(value).strip()
    is_number = isinstance(value, int | str) and not isinstance(value, bool)
    if not is_number or not text.isascii() or not text.isdigit() or len(text) > 18:
        raise ValueError("Write a whole number.")
    return int(text)


def _yes_no(value: Any) -> bool:
    """Take yes or no, true or false."""
    answers = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
    try:
        return answers[str(value).strip().lower()]
    except KeyError:
        raise ValueError("Write yes or no.") from None


def _ip(value: Any) -> IPAddress:
    """Take an address."""
    try:
        text = _filled(value)
        return ip_address("" if "%" in text else text)
    except ValueError:
        raise ValueError("Write an IP address, such as 192.168.10.11.") from None


def _range(value: Any) -> IPNetwork:
    """Take a network's range; bits beyond the prefix are a mistake."""
    try:
        text = _filled(value)
        return ip_network(text if "/" in text and "%" not in text else "")
    except ValueError:
        raise ValueError("Write a range in CIDR notation, such as 192.168.10.0/24.") from None


def _role(value: Any) -> RoleChoice:
    """Take a role, such as `database`, with its availability group: `database@A`."""
    role, at, group = _filled(value).partition("@")
    role, group = role.strip(), group.strip()
    if not role or (at and not group):
        raise ValueError("Write a role such as database, or with its group: database@A.")
    if len(group) > 50:
        raise ValueError("A group's name has at most 50 characters.")
    return RoleChoice(role, group or None)


def or_default(default: Any, check: Callable[[Any], Any]) -> BeforeValidator:
    """Check a value; an empty one is the default."""
    return BeforeValidator(lambda value: default if value in EMPTY else check(value))


def _list(value: Any) -> Any:
    """Take a list; empty is an empty one."""
    if value in EMPTY:
        return ()
    if not isinstance(value, list | tuple):
        raise ValueError("Write a list here.")
    return value


Text = Annotated[str, BeforeValidator(_text)]
Filled = Annotated[str, BeforeValidator(_filled)]
NameOrNone = Annotated[str | None, BeforeValidator(_name_or_none)]
Whole = Annotated[int, BeforeValidator(_whole)]
No = Annotated[bool, or_default(False, _yes_no)]
Yes = Annotated[bool, or_default(True, _yes_no)]
Ip = Annotated[Any, PlainValidator(_ip)]
IpOrNone = Annotated[Any, or_default(None, _ip)]
Range = Annotated[Any, PlainValidator(_range)]
RoleText = Annotated[Any, PlainValidator(_role)]
Listed = BeforeValidator(_list)


class Record(BaseModel):
    """An entry of a file; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    required: ClassVar[tuple[str, ...]] = ("name",)  # of something new


class AddressRecord(Record):
    """An address of a container."""

    network: Filled
    ip: Ip
    name: Text = ""

    def view(self) -> AddressView:
        """Return it as pictures have it."""
        return AddressView(self.network, self.ip, self.name)


class DiskRecord(Record):
    """A disk of a container."""

    device: Filled
    size_gib: Whole
    kind: Filled
    purpose: Annotated[str, or_default("system", _text)] = "system"

    def view(self) -> DiskView:
        """Return it as pictures have it."""
        return DiskView(self.device, self.size_gib, self.kind, self.purpose)


class ContainerRecord(Record):
    """A machine; its host key is not part of a file: importing one would be trusting it."""

    required = ("name", "os_id", "os_version", "vcpus", "memory_mib")

    name: Filled = ""
    state: Annotated[str, or_default("running", _text)] = "running"
    os_id: Filled = ""
    os_version: Filled = ""
    arch: Annotated[str, or_default("x86_64", _text)] = "x86_64"
    vcpus: Whole = 0
    memory_mib: Whole = 0
    disks: Annotated[tuple[DiskRecord, ...], Listed] = ()
    addresses: Annotated[tuple[AddressRecord, ...], Listed] = ()
    location: NameOrNone = None
    hypervisor: NameOrNone = None
    virtualisation_ha: Text = ""
    behind_nat: No = False
    ssh_port: Annotated[int, or_default(22, _whole)] = 22
    ssh_network: Annotated[str, or_default("private", _text)] = "private"
    credential: NameOrNone = None


class NodeRecord(Record):
    """A node; how far its roles are installed is for runs to say."""

    required = ("name", "container", "roles")

    name: Filled = ""
    container: NameOrNone = None
    roles: Annotated[tuple[RoleText, ...], Listed] = ()
    auto_replace: No = False


class HypervisorRecord(Record):
    """A physical host; added when it is not there, never changed."""

    required = ("name", "location")

    name: Filled = ""
    location: NameOrNone = None
    technology: Text = ""


class LocationRecord(Record):
    """A place; added when it is not there."""

    name: Filled = ""


class NetworkRecord(Record):
    """A network; added when it is not there, never changed: other clusters may use it."""

    required = ("name", "kind", "cidr")

    name: Filled = ""
    kind: Filled = ""
    cidr: Range = None
    gateway: IpOrNone = None
    location: NameOrNone = None


class BalancerRecord(Record):
    """A load balancer or virtual address."""

    required = ("name", "role", "network", "ip")

    name: Filled = ""
    role: Filled = ""
    network: Filled = ""
    ip: Ip = None
    dns_name: Text = ""
    health_based: Yes = True
    instances: Annotated[int, or_default(1, _whole)] = 1


class FactRecord(Record):
    """A typed value of the cluster, a container or a node."""

    required = ("subject", "key", "value")

    subject: Filled = ""
    key: Filled = ""
    value: Any = None


class ClusterRecord(Record):
    """The cluster itself, by slug."""

    required = ("slug", "name", "platform", "release")

    slug: Filled = ""
    name: Filled = ""
    platform: Filled = ""
    release: Filled = ""
    kind: Annotated[str, or_default("distributed", _text)] = "distributed"
    state: Annotated[str, or_default("planning", _text)] = "planning"
    infrastructure: Annotated[str, or_default("own", _text)] = "own"
    time_zone: Annotated[str, or_default("UTC", _text)] = "UTC"
    country: Text = ""
    availability_guarantee: Text = ""
    parameters: Annotated[Any, or_default({}, lambda value: _mapping(value))] = {}


def _mapping(value: Any) -> dict[str, Any]:
    """Take values by name."""
    if not isinstance(value, dict):
        raise ValueError("Write values by name, such as cdr_days: 30.")
    return value


R = TypeVar("R", bound=Record)


@dataclass(frozen=True)
class Entry(Generic[R]):
    """A record, where it stands, and which of its fields were given and are good."""

    record: R
    row: int
    given: frozenset[str] = frozenset()
    faulty: frozenset[str] = frozenset()
    path: str = ""
    lines: Mapping[str, int] = field(default_factory=dict)

    @property
    def good(self) -> frozenset[str]:
        """Return the fields that may be judged further."""
        return self.given - self.faulty

    @property
    def values(self) -> dict[str, Any]:
        """Return what was given and is good, by field."""
        return {name: getattr(self.record, name) for name in sorted(self.good)}

    def fault(self, column: str, message: str) -> Fault:
        """Make a fault of one of its fields."""
        place = ".".join(part for part in (self.path, column) if part)
        return Fault(self.lines.get(column, self.row), place, message)


@dataclass(frozen=True)
class Document:
    """Everything a file says; a section that it does not have is None."""

    cluster: Entry[ClusterRecord] | None = None
    locations: tuple[Entry[LocationRecord], ...] = ()
    hypervisors: tuple[Entry[HypervisorRecord], ...] = ()
    networks: tuple[Entry[NetworkRecord], ...] | None = None
    containers: tuple[Entry[ContainerRecord], ...] | None = None
    nodes: tuple[Entry[NodeRecord], ...] | None = None
    balancers: tuple[Entry[BalancerRecord], ...] | None = None
    facts: tuple[Entry[FactRecord], ...] | None = None
    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()
