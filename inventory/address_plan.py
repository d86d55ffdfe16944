"""The IP plan of a cluster: what its networks have room for, against what is planned; pure.

R50 wants the private network planned for expansion; K14: the vendor's address pattern ends.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from itertools import islice

from inventory.addressing import free_addresses, public_balancers, reserved
from inventory.platforms.facts import AddressPattern, Need
from inventory.platforms.schema import Role
from inventory.topology import IPAddress, NetworkView, NodeView, Topology

KINDS = ("private", "public")
# A network with less of its addresses free than this share is called nearly full.
RESERVE = 0.2
MOST_GROWTH = 100_000


@dataclass(frozen=True)
class NetworkPlan:
    """A network's addresses: for machines at all, used here, by others, and what is left."""

    network: NetworkView
    size: int
    used: int
    taken: int
    free: int
    next_free: tuple[IPAddress, ...]

    @property
    def is_nearly_full(self) -> bool:
        """Tell whether little room is left."""
        return self.free < self.size * RESERVE


@dataclass(frozen=True)
class KindPlan:
    """The networks of a kind together: what is free against what is missing and planned."""

    kind: str
    free: int
    missing: int
    growth: int

    @property
    def short(self) -> int:
        """Return how many addresses are lacking; zero when there is room."""
        return max(0, self.missing + self.growth - self.free)


@dataclass(frozen=True)
class RolePlan:
    """A role's nodes now and planned, and how far the vendor's address pattern reaches."""

    role: Role
    nodes: int
    growth: int
    follows: bool

    @property
    def pattern(self) -> AddressPattern | None:
        """Return the vendor's pattern."""
        return self.role.addresses

    @property
    def beyond(self) -> int:
        """Return how many nodes the pattern has no number for, if the role goes by it (K14)."""
        if self.pattern is None or not self.follows:
            return 0
        return max(0, self.nodes + self.growth - self.pattern.size)


@dataclass(frozen=True)
class OddName:
    """A private DNS name that says nothing of its machine or what runs there (R49)."""

    container: str
    network: str
    name: str


@dataclass(frozen=True)
class AddressPlan:
    """What a cluster's addressing has room for."""

    networks: tuple[NetworkPlan, ...]
    kinds: tuple[KindPlan, ...]
    roles: tuple[RolePlan, ...]
    odd_names: tuple[OddName, ...]

    @property
    def fits(self) -> bool:
        """Tell whether everything that is planned has a place."""
        return not (
            any(kind.short for kind in self.kinds) or any(role.beyond for role in self.roles)
        )


def address_plan(topology: Topology, *, growth: Mapping[str, int] | None = None) -> AddressPlan:
    """Return the plan; `growth` says how many more nodes of which role are wanted.

    Each of them is taken to need a machine of its own. Raises KeyError for an unknown role.
    """
    wanted = {topology.role(key).key: count for key, count in (growth or {}).items() if count}
    networks = tuple(_network_plan(topology, name) for name in sorted(topology.networks))
    return AddressPlan(
        networks=networks,
        kinds=tuple(
            KindPlan(
                kind=kind,
                free=sum(plan.free for plan in networks if plan.network.kind == kind),
                missing=missing_addresses(topology, kind),
                growth=sum(
                    count
                    for key, count in wanted.items()
                    if _needs_address(topology, topology.role(key), kind)
                ),
            )
            for kind in KINDS
        ),
        roles=tuple(_role_plans(topology, wanted)),
        odd_names=tuple(_odd_names(topology)),
    )


def read_growth(
    topology: Topology, typed: Mapping[str, str]
) -> tuple[dict[str, int], dict[str, str]]:
    """Read numbers of planned nodes by role; returns them, and the faults by what was typed."""
    roles = {role.key for role in topology.platform.roles}
    growth, faults = {}, {}
    for key, text in typed.items():
        if key not in roles:
            faults[key] = f"{topology.platform.name} has no role {key}."
        elif not re.fullmatch(r"[0-9]{0,6}", text) or int(text or 0) > MOST_GROWTH:
            faults[key] = f"Write how many, up to {MOST_GROWTH:,}."
        elif int(text or 0):
            growth[key] = int(text)
    return growth, faults


def usable(network: NetworkView) -> int:
    """Count the addresses that machines may have, the gateway's left out."""
    kept_back = set(reserved(network.cidr))
    if network.gateway is not None and network.gateway in network.cidr:
        kept_back.add(network.gateway)
    return network.cidr.num_addresses - len(kept_back)


def used_addresses(topology: Topology) -> Counter[str]:
    """Count the addresses of machines and balancers of the cluster, by network."""
    found: Counter[str] = Counter()
    for container in topology.containers.values():
        for address in container.addresses:
            found[address.network] += 1
    found.update(balancer.network for balancer in topology.balancers.values())
    return found


def taken_addresses(topology: Topology) -> Counter[str]:
    """Count the addresses that others have in the cluster's networks, by network."""
    return Counter(network for network, _ in topology.taken)


def missing_addresses(topology: Topology, kind: str) -> int:
    """Count machines without the address of a kind that a role there needs, and nodes without one.

    A node that has no machine yet will need one with addresses.
    """
    waiting = 0
    machines: set[str] = set()
    for node in topology.nodes.values():
        if not _lacks_address(topology, node, kind):
            continue
        if any(_needs_address(topology, topology.role(a.role), kind) for a in node.assignments):
            waiting += not node.container
            machines.update([node.container] if node.container else [])
    return waiting + len(machines)


def follows_pattern(topology: Topology, role: Role) -> bool:
    """Tell whether all private addresses of a role's nodes are numbered as in the vendor's example.

    A role whose nodes have no address yet may still go by it.
    """
    pattern = role.addresses
    return pattern is not None and all(
        pattern.first_host <= number <= pattern.last_host for number in host_numbers(topology, role)
    )


def host_numbers(topology: Topology, role: Role) -> Iterator[int]:
    """Yield the numbers of a role's nodes in their /24; 0 for an address that has none."""
    for node in topology.nodes_with(role.key):
        machine = topology.container_of(node)
        address = topology.address(machine.name, "private") if machine else None
        if address:
            yield int(address.ip) & 0xFF if isinstance(address.ip, IPv4Address) else 0


def _network_plan(topology: Topology, name: str) -> NetworkPlan:
    """Count one network's addresses."""
    network = topology.networks[name]
    size = usable(network)
    used, taken = used_addresses(topology)[name], taken_addresses(topology)[name]
    return NetworkPlan(
        network=network,
        size=size,
        used=used,
        taken=taken,
        free=max(0, size - used - taken),
        next_free=tuple(islice(free_addresses(topology, name), 3)),
    )


def _role_plans(topology: Topology, wanted: Mapping[str, int]) -> Iterator[RolePlan]:
    """Yield the roles that the cluster has, plans, or has a pattern for."""
    for role in topology.platform.roles:
        nodes, growth = len(topology.nodes_with(role.key)), wanted.get(role.key, 0)
        if nodes or growth or topology.release.has_role(role.key):
            yield RolePlan(role, nodes, growth, follows_pattern(topology, role))


def _lacks_address(topology: Topology, node: NodeView, kind: str) -> bool:
    """Tell whether a node's machine, if it has one, is without an address of a kind."""
    machine = topology.container_of(node)
    return machine is None or topology.address(machine.name, kind) is None


def _needs_address(topology: Topology, role: Role, kind: str) -> bool:
    """Tell whether each machine of a role needs an address of a kind; a balancer's may do (K5)."""
    if kind == "private":
        return role.networks.private is Need.REQUIRED
    if role.networks.public is not Need.REQUIRED:
        return False
    return not (role.networks.public_behind_balancer and public_balancers(topology, role))


def _odd_names(topology: Topology) -> Iterator[OddName]:
    """Yield private names whose first label is neither the machine's nor a node's on it."""
    private = {name for name, network in topology.networks.items() if network.kind == "private"}
    for name, container in sorted(topology.containers.items()):
        known = {name.lower(), *(node.name.lower() for node in topology.nodes_on(name))}
        labels = {label.partition(".")[0] for label in known}
        for address in container.addresses:
            first = address.name.lower().partition(".")[0]
            if address.network in private and address.name and first not in labels:
                yield OddName(name, address.network, address.name)
