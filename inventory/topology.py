"""An immutable picture of one cluster: what rules, planners and what-if look at.

Things are identified by their names, which are unique in a cluster, so that a picture can hold what
does not exist yet (`pk` is then None). Nothing here asks a database or a clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any

from inventory.platforms.schema import Platform, Release, Role

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network


@dataclass(frozen=True)
class ClusterView:
    """The cluster itself; `pk` is None for the free pool, `revision` numbers the vendor's facts."""

    pk: int | None
    slug: str
    name: str
    kind: str = "distributed"
    state: str = "planning"
    infrastructure: str = "own"
    time_zone: str = "UTC"
    country: str = ""
    availability_guarantee: str = ""
    revision: int = 0
    is_example: bool = False
    parameters: Mapping[str, Any] = field(default_factory=dict)
    credential: str | None = None
    bastion: str | None = None


@dataclass(frozen=True)
class NetworkView:
    """A network of the cluster; kind is private or public."""

    pk: int | None
    name: str
    kind: str
    cidr: IPNetwork
    gateway: IPAddress | None = None


@dataclass(frozen=True)
class AddressView:
    """An address of a container in the network of that name."""

    network: str
    ip: IPAddress
    name: str = ""


@dataclass(frozen=True)
class DiskView:
    """A disk; size in GiB."""

    device: str
    size_gib: int
    kind: str
    purpose: str = "system"


@dataclass(frozen=True)
class ContainerView:
    """A machine; memory in MiB. Location, hypervisor, credential and bastion are names."""

    name: str
    os_id: str
    os_version: str
    vcpus: int
    memory_mib: int
    pk: int | None = None
    arch: str = "x86_64"
    state: str = "running"
    addresses: tuple[AddressView, ...] = ()
    disks: tuple[DiskView, ...] = ()
    location: str | None = None
    hypervisor: str | None = None
    virtualisation_ha: str = ""
    behind_nat: bool = False
    ssh_port: int = 22
    ssh_network: str = "private"
    credential: str | None = None
    host_key: str = ""
    bastion: str | None = None
    skips_bastion: bool = False

    @property
    def disk_gib(self) -> int:
        """Sum up all disks, GiB."""
        return sum(disk.size_gib for disk in self.disks)


@dataclass(frozen=True)
class AssignmentView:
    """A role of a node; `group` is the availability group's name."""

    role: str
    group: str | None = None
    state: str = "planned"
    pk: int | None = None


@dataclass(frozen=True)
class NodeView:
    """A node, the name of its container and its roles."""

    name: str
    container: str | None
    assignments: tuple[AssignmentView, ...] = ()
    pk: int | None = None
    auto_replace: bool = False

    def has_role(self, role: str) -> bool:
        """Tell whether the node has the role with this key."""
        return any(assignment.role == role for assignment in self.assignments)


@dataclass(frozen=True)
class GroupView:
    """An availability group of a role."""

    role: str
    name: str


@dataclass(frozen=True)
class BalancerView:
    """A load balancer or virtual address in front of a role."""

    name: str
    role: str
    network: str
    ip: IPAddress
    dns_name: str = ""
    health_based: bool = True
    instances: int = 1
    pk: int | None = None


@dataclass(frozen=True)
class FactView:
    """A known value; subject is `cluster`, `container:NAME` or `node:NAME`."""

    subject: str
    key: str
    value: Any
    at: datetime
    origin: str


@dataclass(frozen=True)
class WaiverView:
    """Somebody answers for a finding until a time: an accepted warning, an overridden lock.

    `weight` is how bad the finding was when it was accepted; None accepts whatever comes.
    """

    key: str
    subject: str
    role: str
    reason: str
    by: str
    expires_at: datetime
    weight: int | None = None
    pk: int | None = None

    @property
    def about(self) -> tuple[str, str, str]:
        """Return rule, subject and role: which finding it covers."""
        return self.key, self.subject, self.role

    def as_json(self) -> dict[str, Any]:
        """Return what API and frozen runs show."""
        return {
            "id": self.pk,
            "reason": self.reason,
            "by": self.by,
            "expires_at": self.expires_at.isoformat(),
        }


@dataclass(frozen=True)
class Topology:
    """One cluster with everything rules read, by name.

    `taken` says who outside this cluster has which address in the cluster's networks.
    """

    cluster: ClusterView
    platform: Platform
    release: Release
    now: datetime
    networks: Mapping[str, NetworkView] = field(default_factory=dict)
    containers: Mapping[str, ContainerView] = field(default_factory=dict)
    nodes: Mapping[str, NodeView] = field(default_factory=dict)
    groups: tuple[GroupView, ...] = ()
    balancers: Mapping[str, BalancerView] = field(default_factory=dict)
    facts: tuple[FactView, ...] = ()
    waivers: tuple[WaiverView, ...] = ()
    taken: Mapping[tuple[str, IPAddress], str] = field(default_factory=dict)

    @property
    def is_pool(self) -> bool:
        """Tell whether this is the pool of free containers rather than a cluster."""
        return self.cluster.pk is None

    def role(self, key: str) -> Role:
        """Return the platform's role; raises KeyError when it has none of this key."""
        return self.platform.role(key)

    def parameter(self, key: str) -> Any:
        """Return the cluster's value for a parameter, else the platform's default, else None."""
        value = self.cluster.parameters.get(key)
        if value not in (None, ""):
            return value
        return next((p.default for p in self.platform.parameters if p.key == key), None)

    def needs(self, role: Role) -> bool:
        """Tell whether the cluster needs the role at all: a NAS replaces file servers (K20)."""
        condition = role.not_needed_when
        return condition is None or self.parameter(condition.parameter) != condition.equals

    def nodes_with(self, role: str) -> tuple[NodeView, ...]:
        """Return the nodes of a role, by name."""
        return self._nodes_by_role.get(role, ())

    def nodes_on(self, container: str) -> tuple[NodeView, ...]:
        """Return the nodes that run on a container, by name."""
        first, others = self._nodes_by_container
        return (first[container], *others.get(container, ())) if container in first else ()

    def fact(self, subject: str, key: str) -> FactView | None:
        """Return the newest value known of a subject, None when nothing is known."""
        known = [fact for fact in self._facts_by_subject.get(subject, ()) if fact.key == key]
        return max(known, key=lambda fact: fact.at, default=None)

    def container_of(self, node: NodeView) -> ContainerView | None:
        """Return the machine a node runs on."""
        return self.containers.get(node.container) if node.container else None

    def address(self, container: str, kind: str) -> AddressView | None:
        """Return a container's first address of a kind, private or public."""
        for address in self.containers[container].addresses:
            network = self.networks.get(address.network)
            if network and network.kind == kind:
                return address
        return None

    def with_container(self, view: ContainerView, *, was: str | None = None) -> "Topology":
        """Return a copy that has this container, in the place of the one named `was`."""
        containers = {name: c for name, c in self.containers.items() if name != was}
        nodes = self.nodes
        if was and was != view.name:
            nodes = {
                name: replace(node, container=view.name) if node.container == was else node
                for name, node in nodes.items()
            }
        return replace(self, containers={**containers, view.name: view}, nodes=nodes)

    def without_container(self, name: str) -> "Topology":
        """Return a copy that lacks a container."""
        return replace(
            self, containers={key: c for key, c in self.containers.items() if key != name}
        )

    def with_node(self, view: NodeView, *, was: str | None = None) -> "Topology":
        """Return a copy that has this node, in the place of the one named `was`."""
        nodes = {name: node for name, node in self.nodes.items() if name != was}
        return replace(self, nodes={**nodes, view.name: view})

    def without_node(self, name: str) -> "Topology":
        """Return a copy that lacks a node."""
        return replace(self, nodes={key: node for key, node in self.nodes.items() if key != name})

    def users_of(self, network: str, ip: IPAddress) -> tuple[str, ...]:
        """Return who has an address in this cluster, as subjects such as `container:web-01`."""
        key = (network, int(ip))
        first, others = self._address_users
        return (first[key], *others.get(key, ())) if key in first else ()

    @cached_property
    def _address_users(self) -> tuple[dict[tuple[str, int], str], dict[tuple[str, int], list[str]]]:
        """Find the first user of each address, and the others of those that have several.

        By number, because addresses take ten times as long to hash.
        """
        first: dict[tuple[str, int], str] = {}
        others: dict[tuple[str, int], list[str]] = {}
        for container in self.containers.values():
            subject = f"container:{container.name}"
            for address in container.addresses:
                key = (address.network, int(address.ip))
                if first.setdefault(key, subject) is not subject:
                    others.setdefault(key, []).append(subject)
        for balancer in self.balancers.values():
            key, subject = (balancer.network, int(balancer.ip)), f"balancer:{balancer.name}"
            if first.setdefault(key, subject) is not subject:
                others.setdefault(key, []).append(subject)
        return first, others

    @cached_property
    def _nodes_in_order(self) -> list[NodeView]:
        """Return all nodes by name."""
        return [self.nodes[name] for name in sorted(self.nodes)]

    @cached_property
    def _nodes_by_role(self) -> dict[str, tuple[NodeView, ...]]:
        """Find nodes by role."""
        found: dict[str, list[NodeView]] = {}
        for node in self._nodes_in_order:
            for assignment in node.assignments:
                found.setdefault(assignment.role, []).append(node)
        return {role: tuple(nodes) for role, nodes in found.items()}

    @cached_property
    def _nodes_by_container(self) -> tuple[dict[str, NodeView], dict[str, list[NodeView]]]:
        """Find the first node of each container, and the others of those that have several."""
        first: dict[str, NodeView] = {}
        others: dict[str, list[NodeView]] = {}
        for node in self._nodes_in_order:
            if node.container and first.setdefault(node.container, node) is not node:
                others.setdefault(node.container, []).append(node)
        return first, others

    @cached_property
    def _facts_by_subject(self) -> dict[str, list[FactView]]:
        """Find facts by subject."""
        found: dict[str, list[FactView]] = {}
        for fact in self.facts:
            found.setdefault(fact.subject, []).append(fact)
        return found
