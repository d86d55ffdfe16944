"""Rules about the addresses that roles need, and that machines have."""

from collections.abc import Iterator
from dataclasses import replace

from inventory.addressing import free_addresses, is_host, public_balancers
from inventory.changes import ChangeContainer, Operation
from inventory.platforms.facts import Need, Source
from inventory.platforms.schema import Role
from inventory.rules.base import (
    Blocks,
    Finding,
    Rule,
    Severity,
    cluster_rule,
    container_rule,
    node_rule,
    role_rule,
)
from inventory.rules.candidates import move_to_idle
from inventory.topology import AddressView, ContainerView, NodeView, Topology

PLANNED = Source(document="002", text="Carefully plan the private network to allow expansion.")
NAT = Source(
    document="000",
    text="The public network can be accessible using a carrier-grade NAT layer.",
)


@node_rule(
    "R47",
    title="A role's container has the private address the role requires",
    words="Node {node} ({role_name}) needs a private address, but container {container} has none: "
    "give {container} an address in a private network of the cluster.",
    source=Source(
        document="002",
        text="The private network is also required for administrative tasks by all roles.",
    ),
    by_role=(*(f"R{number}" for number in range(37, 46)), "R152"),
    covers=("K1",),
)
def private_address_required(topology: Topology, this: Rule, node: NodeView) -> Iterator[Finding]:
    """Refuse a role that requires the private network on a container without it (K1)."""
    for container, role in _placed_roles(topology, node):
        needs = role.networks.private is Need.REQUIRED
        if needs and not topology.address(container.name, "private"):
            yield _about(this, node, container, role)


@private_address_required.fix
def _assign_private(topology: Topology, finding: Finding) -> Operation | None:
    """Give the machine the next free address of a private network."""
    node = topology.nodes[finding.subject_name]
    container = topology.container_of(node)
    return _with_next_address(topology, container, "private") if container else None


@private_address_required.fix
def _use_another_machine(topology: Topology, finding: Finding) -> Operation | None:
    """Let the node run on an idle machine that has what it needs."""
    node = topology.nodes[finding.subject_name]
    return move_to_idle(topology, topology.role(finding.role), node)


@node_rule(
    "R40",
    title="A role's container has the public address the role requires",
    words="Node {node} ({role_name}) needs a public address, but container {container} has none: "
    "give {container} an address in a public network of the cluster.",
    source=Source(document="002", text="Public Network: Required"),
    by_role=("R40", "R42", "R43", "R147", "R148", "R149", "R150"),
    covers=("R41", "K5"),
)
def public_address_required(topology: Topology, this: Rule, node: NodeView) -> Iterator[Finding]:
    """Refuse a role that requires the public network on a container without it, K5 excepted."""
    for container, role in _placed_roles(topology, node):
        needs = role.networks.public is Need.REQUIRED
        if not needs or topology.address(container.name, "public"):
            continue
        if not (role.networks.public_behind_balancer and public_balancers(topology, role)):
            yield _about(this, node, container, role)


public_address_required.fix(_use_another_machine)


@role_rule(
    "K5",
    title="Nodes without a public address are reached through a balancer",
    words="{count} {role_name} nodes have no public address: customers reach them through "
    "{balancers} alone.",
    source=Source(document="002", text="Web public = Required"),
    also=(Source(document="K5", text="Private-only is possible behind a balancer."),),
    covers=("R41",),
    severity=Severity.INFO,
    blocks=Blocks.NOTHING,
)
def behind_balancer(topology: Topology, this: Rule, role: Role) -> Iterator[Finding]:
    """Tell which nodes a balancer stands in for (K5)."""
    if role.networks.public is not Need.REQUIRED or not role.networks.public_behind_balancer:
        return
    balancers = public_balancers(topology, role)
    machines = map(topology.container_of, topology.nodes_with(role.key))
    count = sum(not topology.address(m.name, "public") for m in machines if m)
    if balancers and count:
        names = ", ".join(balancer.name for balancer in balancers)
        yield this.finding(
            f"role:{role.key}",
            facts=role.networks,
            role=role.key,
            weight=count,
            count=count,
            role_name=role.name,
            balancers=names,
        )


@node_rule(
    "R46",
    title="Storage and workers are kept out of the public network",
    words="Node {node} ({role_name}) should not be reachable from the public network, but "
    "container {container} has a public address.",
    source=Source(
        document="002", text="We strongly discourage exposing SQL nodes in a public network."
    ),
    severity=Severity.WARNING,
    blocks=Blocks.NOTHING,
    by_role=("R46", "R151"),
    covers=("R15",),
)
def public_address_discouraged(topology: Topology, this: Rule, node: NodeView) -> Iterator[Finding]:
    """Warn about a public address where the vendor discourages it; not on a single node (S3)."""
    if topology.cluster.kind == "single_node":
        return
    for container, role in _placed_roles(topology, node):
        discouraged = role.networks.public is Need.DISCOURAGED
        if discouraged and topology.address(container.name, "public"):
            sources = role.networks.sources
            vendor = next((s for s in sources if "discourag" in s.text), sources[-1])
            yield _about(this, node, container, role, source=vendor)


@node_rule(
    "R44",
    title="A public address that a role does not need is told",
    words="Node {node} ({role_name}) has a public address on container {container}. {notes}",
    source=Source(document="002", text="Public Network: Optional"),
    severity=Severity.INFO,
    blocks=Blocks.NOTHING,
)
def public_address_optional(topology: Topology, this: Rule, node: NodeView) -> Iterator[Finding]:
    """Tell when an address is needed at all, for roles whose customers do not come to them."""
    for container, role in _placed_roles(topology, node):
        if role.networks.public is not Need.OPTIONAL or _is_external(topology, role):
            continue
        if topology.address(container.name, "public"):
            yield _about(this, node, container, role)


@node_rule(
    "R17",
    title="Carrier-grade NAT in front of a public role is told",
    words="Node {node} ({role_name}) is reached through carrier-grade NAT: the address of "
    "{container} is not the one that customers see.",
    source=NAT,
    severity=Severity.INFO,
    blocks=Blocks.NOTHING,
)
def behind_nat(topology: Topology, this: Rule, node: NodeView) -> Iterator[Finding]:
    """Tell which public roles stand behind NAT; address and flag are separate fields."""
    for container, role in _placed_roles(topology, node):
        if container.behind_nat and role.networks.public is Need.REQUIRED:
            yield _about(this, node, container, role, source=NAT)


@container_rule(
    "K1",
    title="A machine with public addresses only carries no role",
    words="Container {container} has public addresses only: it may be recorded, but every role "
    "needs the private network.",
    source=Source(
        document="000",
        text="Given at least a network address (only private, only public, or both types)",
    ),
    also=(
        Source(
            document="002",
            text="The private network is also required for administrative tasks by all roles.",
        ),
    ),
    covers=("R5",),
    severity=Severity.INFO,
    blocks=Blocks.NOTHING,
)
def public_only(topology: Topology, this: Rule, container: ContainerView) -> Iterator[Finding]:
    """Tell that a free machine cannot take a role as it is."""
    if not container.addresses or topology.nodes_on(container.name):
        return
    if not topology.address(container.name, "private"):
        yield this.finding(f"container:{container.name}", container=container.name)


@container_rule(
    "R5",
    title="Addresses of machines lie inside the cluster's networks",
    words="Address {address} of {owner} is not a host address of network {network} ({cidr}): "
    "choose one that is neither the network's own, nor broadcast, nor the gateway.",
    source=Source(
        document="000",
        text="Given at least a network address (only private, only public, or both types)",
    ),
    covers=("R50",),
)
def address_inside_network(
    topology: Topology, this: Rule, container: ContainerView
) -> Iterator[Finding]:
    """Refuse an address outside its network, a reserved one, and the gateway's."""
    for address in container.addresses:
        yield from _outside(topology, this, f"container:{container.name}", address)


@cluster_rule(
    "R5",
    title="Addresses of balancers lie inside the cluster's networks",
    words="Address {address} of {owner} is not a host address of network {network} ({cidr}): "
    "choose one that is neither the network's own, nor broadcast, nor the gateway.",
    source=Source(
        document="000",
        text="Given at least a network address (only private, only public, or both types)",
    ),
    covers=("R50",),
)
def balancer_inside_network(topology: Topology, this: Rule) -> Iterator[Finding]:
    """Refuse a virtual address outside its network, a reserved one, and the gateway's."""
    for balancer in topology.balancers.values():
        address = AddressView(balancer.network, balancer.ip)
        yield from _outside(topology, this, f"balancer:{balancer.name}", address)


USED_TWICE = "Address {address} in network {network} is used by {users}: give each its own."


@container_rule(
    "R50",
    title="A machine's address is used once in a network",
    words=USED_TWICE,
    source=PLANNED,
)
def address_unique(topology: Topology, this: Rule, container: ContainerView) -> Iterator[Finding]:
    """Refuse an address that another has, in this cluster or in one that shares the network."""
    for address in container.addresses:
        yield from _used_twice(topology, this, f"container:{container.name}", address)


@cluster_rule(
    "R50",
    title="A balancer's address is used once in a network",
    words=USED_TWICE,
    source=PLANNED,
)
def balancer_address_unique(topology: Topology, this: Rule) -> Iterator[Finding]:
    """Refuse a virtual address that another has, in this cluster or in one that shares the net."""
    for balancer in topology.balancers.values():
        address = AddressView(balancer.network, balancer.ip)
        yield from _used_twice(topology, this, f"balancer:{balancer.name}", address)


@address_inside_network.fix
@address_unique.fix
def _assign_another(topology: Topology, finding: Finding) -> Operation | None:
    """Give the machine the next free address of the same network."""
    container = topology.containers.get(finding.subject_name)
    network = str(finding.params["network"])
    if container is None or network not in topology.networks:
        return None
    ip = next(free_addresses(topology, network), None)
    addresses = tuple(
        replace(address, ip=ip) if address.network == network and ip else address
        for address in container.addresses
    )
    return ChangeContainer(container.name, replace(container, addresses=addresses))


def _placed_roles(topology: Topology, node: NodeView) -> Iterator[tuple[ContainerView, Role]]:
    """Yield every role of a node with the machine it runs on."""
    if container := topology.container_of(node):
        for assignment in node.assignments:
            yield container, topology.role(assignment.role)


def _is_external(topology: Topology, role: Role) -> bool:
    """Tell whether anybody outside connects to the role."""
    return any(port.network == "public" and role.key in port.to for port in topology.platform.ports)


def _about(
    this: Rule,
    node: NodeView,
    container: ContainerView,
    role: Role,
    *,
    source: Source | None = None,
) -> Finding:
    """Make a finding about the networks of a node's role."""
    return this.finding(
        f"node:{node.name}",
        facts=role.networks,
        source=source,
        role=role.key,
        role_name=role.name,
        node=node.name,
        container=container.name,
        notes=role.networks.notes,
    )


def _outside(
    topology: Topology, this: Rule, subject: str, address: AddressView
) -> Iterator[Finding]:
    """Refuse what is no address for a host of a network of this cluster."""
    network = topology.networks.get(address.network)
    if network is None or not is_host(network, address.ip):
        yield this.finding(
            subject,
            address=address.ip,
            owner=subject.partition(":")[2],
            network=address.network,
            cidr=network.cidr if network else "not a network of this cluster",
        )


def _used_twice(
    topology: Topology, this: Rule, subject: str, address: AddressView
) -> Iterator[Finding]:
    """Refuse what somebody else has; of a machine and a balancer the balancer's finding speaks."""
    users = list(topology.users_of(address.network, address.ip))
    if subject.startswith("container:"):
        users = [user for user in users if user.startswith("container:")]
    if owner := topology.taken.get((address.network, address.ip)):
        users.append(f"outside:{owner} outside this cluster")
    if len(users) > 1:
        names = " and ".join(sorted(user.partition(":")[2] for user in users))
        yield this.finding(
            subject, weight=len(users), address=address.ip, network=address.network, users=names
        )


def _with_next_address(
    topology: Topology, container: ContainerView, kind: str
) -> ChangeContainer | None:
    """Return the change that gives a machine an address in the first network with a free one."""
    for name, network in sorted(topology.networks.items()):
        if network.kind == kind and (ip := next(free_addresses(topology, name), None)):
            addresses = (*container.addresses, AddressView(name, ip))
            return ChangeContainer(container.name, replace(container, addresses=addresses))
    return None
