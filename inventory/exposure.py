"""What of a machine's firewall is too open, or closed to who needs it, for want of data: pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_network

from inventory.addressing import public_balancers
from inventory.firewall import (
    clients,
    firewall_rules,
    known_ssh_sources,
    port_sources,
    ports_of,
)
from inventory.platforms.schema import Port
from inventory.rules.base import Severity
from inventory.topology import Topology

# A range that holds more addresses than an office is as good as anybody: /16, or /48 of IPv6.
WIDEST = {4: 16, 6: 48}
SSH_SOURCES = "ssh_sources"


@dataclass(frozen=True, slots=True)
class Exposure:
    """A port that is open to more, or to fewer, than the port matrix means."""

    severity: Severity
    requirement: str
    ports: str
    message: str

    def as_json(self) -> dict[str, str]:
        """Return what the API shows."""
        return {
            "severity": self.severity.value,
            "requirement": self.requirement,
            "ports": self.ports,
            "message": self.message,
        }


def too_open(topology: Topology, container: str) -> tuple[Exposure, ...]:
    """Return what does not fit a machine's firewall, worst first (R151, K19, S8)."""
    try:
        sources = known_ssh_sources(topology)
    except ValueError as error:
        return (_unreadable(str(error)),)
    found = [
        *_unlisted(topology, container),
        *_open_logins(topology, container, sources),
        *_open_internal(topology, container, sources),
        *_closed(topology, container, sources),
        *_unreachable(topology, container),
    ]
    order = list(Severity)
    return tuple(sorted(found, key=lambda exposure: order.index(exposure.severity)))


def _unreadable(error: str) -> Exposure:
    """Say that nobody knows who may log in: no rules are handed out then."""
    message = f"The cluster's parameter {SSH_SOURCES} is no list of addresses: {error}."
    return Exposure(Severity.ERROR, "S8", "tcp 22", message)


def _unlisted(topology: Topology, container: str) -> Iterator[Exposure]:
    """Name roles that the port matrix says nothing of: these rules would shut them off."""
    roles = {a.role for node in topology.nodes_on(container) for a in node.assignments}
    listed = {
        role.key
        for port in ports_of(topology, container)
        if "all" not in port.to
        for role in topology.platform.selected_roles(port.to)
    }
    for key in sorted(roles - listed):
        message = (
            f"The vendor's documents list no port of {topology.role(key).name}: these rules let "
            "nobody reach it. Add its ports to the platform's file, or do not load them."
        )
        yield Exposure(Severity.ERROR, "S8", "none", message)


def _open_logins(topology: Topology, container: str, sources: Sequence[str]) -> Iterator[Exposure]:
    """Name a login that anybody may try, worse where the public network reaches the machine."""
    login = firewall_rules(topology, container, ssh_sources=sources)[0]
    if said := _openness(login.sources):
        message = (
            f"The login is open to {said}{_reach(topology, container)}: set the cluster's "
            f"parameter {SSH_SOURCES} to the addresses of portal and bastions."
        )
        yield Exposure(_severity(topology, container), "S8", f"tcp {login.ports}", message)


def _open_internal(
    topology: Topology, container: str, sources: Sequence[str]
) -> Iterator[Exposure]:
    """Name internal ports that are not held to the machines that need them."""
    for port in ports_of(topology, container):
        said = _openness(port_sources(topology, port, sources))
        if said and port.network == "private":
            message = (
                f"{port.purpose} is internal, but open to {said}{_reach(topology, container)}."
            )
            yield Exposure(_severity(topology, container), "R151", _shown(port), message)


def _closed(topology: Topology, container: str, sources: Sequence[str]) -> Iterator[Exposure]:
    """Name internal ports that some of their clients cannot reach, having no address there."""
    for port in ports_of(topology, container):
        if port.network != "private" or "external" in port.from_:
            continue
        machines = {node.container for node in clients(topology, port) if node.container}
        lost = sorted(name for name in machines if not topology.address(name, port.network))
        unplaced = [node.name for node in clients(topology, port) if not node.container]
        if names := [*lost, *unplaced]:
            message = (
                f"{port.purpose} stays closed to {', '.join(names[:5])}"
                f"{', …' if len(names) > 5 else ''}: no private address is known."
            )
            yield Exposure(Severity.WARNING, "K19", _shown(port), message)


def _unreachable(topology: Topology, container: str) -> Iterator[Exposure]:
    """Name external ports of a machine that has no public address (R151)."""
    if topology.address(container, "public"):
        return
    external = [port for port in ports_of(topology, container) if port.network == "public"]
    if not external:
        return
    roles = {a.role for node in topology.nodes_on(container) for a in node.assignments}
    behind = any(public_balancers(topology, topology.role(role)) for role in sorted(roles))
    how = "customers reach them through the balancer" if behind else "no customer reaches them"
    message = (
        f"External ports are open, but the machine has no public address: {how}, and whoever is in "
        "the private network does."
    )
    severity = Severity.INFO if behind else Severity.WARNING
    yield Exposure(severity, "R151", ", ".join(map(_shown, external)), message)


def _openness(sources: Sequence[str] | None) -> str:
    """Say to whom a port is too open, empty when it is held to few."""
    if sources is None:
        return "anybody"
    wide = [
        source
        for source in sources
        if (network := ip_network(source, strict=False)).prefixlen < WIDEST[network.version]
    ]
    return " and ".join(wide)


def _severity(topology: Topology, container: str) -> Severity:
    """Return how bad openness is: an error where the public network reaches the machine."""
    return Severity.ERROR if topology.address(container, "public") else Severity.WARNING


def _reach(topology: Topology, container: str) -> str:
    """Say where anybody may come from."""
    public = topology.address(container, "public")
    return f", and {public.ip} is public" if public else " in the private network"


def _shown(port: Port) -> str:
    """Return a port as people write it."""
    return f"{port.protocol} {port.ports}" if port.ports else port.protocol
