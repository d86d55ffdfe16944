"""Which connections a preflight tries: every port of the matrix, pings, what should be shut; pure.

A wire leads from a machine, or from outside, to an address and port of a machine.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from inventory.firewall import clients, ports_of
from inventory.platforms.schema import Port
from inventory.topology import Topology

# The source of what the portal itself tries, having no other machine outside.
PORTAL = ""
# What a request for the time, and one for the root of all names, look like.
PAYLOADS = {
    "time": "1b" + "00" * 47,
    "names": "5650010000010000000000000000020001",
}
OUTSIDE = frozenset({"names", "time"})
LOGIN = frozenset({"portal", "bastion"})


@dataclass(frozen=True, slots=True)
class Wire:
    """A connection to try; `key` is the port's key in the matrix, empty for a ping."""

    check: str
    key: str
    source: str
    target: str
    protocol: str
    source_ip: str
    target_ip: str
    number: int = 0
    payload: str = ""

    @property
    def held(self) -> tuple[str, str, int]:
        """Return what has to be listened on for it."""
        return self.protocol, self.target_ip, self.number


@dataclass(frozen=True, slots=True)
class Heard:
    """How a wire was: open, refused, silent, unreachable, or why it was not tried.

    `at_target` says how the target held the port: bound by us, busy, unbound, or not at all.
    """

    word: str
    why: str = ""
    at_target: str = ""
    why_at_target: str = ""


def pings(topology: Topology) -> Iterator[Wire]:
    """Yield a ping from every machine to every other one, over the private network."""
    addresses = _addresses(topology, "private")
    for source, source_ip in addresses.items():
        for target, target_ip in addresses.items():
            if source != target:
                yield Wire("private-network", "", source, target, "icmp", source_ip, target_ip)


def needed(topology: Topology) -> Iterator[Wire]:
    """Yield the ports that have to be open, from each machine that needs them (R142-R150)."""
    for target in sorted(topology.containers):
        for port in ports_of(topology, target):
            address = topology.address(target, port.network)
            if OUTSIDE.isdisjoint(port.to) and address is not None:
                for source, source_ip in sources(topology, port, target):
                    yield from _wires("ports", port, source, source_ip, target, str(address.ip))


def unwanted(topology: Topology) -> Iterator[Wire]:
    """Yield internal ports of public addresses, tried from outside (R151)."""
    for target in sorted(topology.containers):
        address = topology.address(target, "public")
        if address is None:
            continue
        # What is open to anybody anyway, and what another key of the matrix names again.
        known = {_what(port) for port in ports_of(topology, target) if port.network == "public"}
        source, source_ip = outside(topology, target)
        for port in ports_of(topology, target):
            if port.protocol != "vrrp" and _what(port) not in known:
                known.add(_what(port))
                ends = (source, source_ip, target, str(address.ip))
                yield from _wires("too-open-ports", port, *ends)


def services(topology: Topology, source: str, servers: Iterable[str], kind: str) -> Iterator[Wire]:
    """Yield how a machine reaches the name servers or time servers that it is set to ask."""
    for port in topology.platform.ports:
        payload = PAYLOADS[kind] if port.protocol == "udp" else ""
        for server in servers if kind in port.to else ():
            for number in samples(port):
                ends = (source, source, port.protocol, "", server)
                yield Wire("ports", port.key, *ends, number, payload)


def sources(topology: Topology, port: Port, target: str) -> list[tuple[str, str]]:
    """Return the machines that a port may come from, with the address they use."""
    if "external" in port.from_:
        return [outside(topology, target)]
    machines = {node.container for node in clients(topology, port) if node.container}
    if "all" in port.from_:
        machines = set(topology.containers)
    addresses = _addresses(topology, port.network)
    return [(name, addresses[name]) for name in sorted(machines - {target}) if name in addresses]


def outside(topology: Topology, target: str) -> tuple[str, str]:
    """Return who looks at a public address from outside: another machine's public leg, or we."""
    addresses = _addresses(topology, "public")
    return next(((n, ip) for n, ip in addresses.items() if n != target), (PORTAL, ""))


def samples(port: Port) -> tuple[int, ...]:
    """Return the ports to try: of a range its first, middle and last."""
    if port.first is None or port.last is None:
        return (0,)
    return tuple(sorted({port.first, (port.first + port.last) // 2, port.last}))


def _wires(
    check: str, port: Port, source: str, source_ip: str, target: str, target_ip: str
) -> Iterator[Wire]:
    """Yield a port's wires between two machines."""
    for number in samples(port):
        yield Wire(check, port.key, source, target, port.protocol, source_ip, target_ip, number)


def _addresses(topology: Topology, kind: str) -> dict[str, str]:
    """Return the machines that have an address of a kind, by name."""
    found = {name: topology.address(name, kind) for name in sorted(topology.containers)}
    return {name: str(address.ip) for name, address in found.items() if address}


def _what(port: Port) -> tuple[str, str | None]:
    """Return what a port is, whoever it is for."""
    return port.protocol, port.ports
