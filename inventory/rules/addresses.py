"""Rules about networks and addresses."""

from collections import defaultdict
from collections.abc import Iterator

from inventory.platforms.facts import Need, Source
from inventory.platforms.schema import Role
from inventory.rules.base import Blocks, Finding, Rule, Severity, cluster_rule, node_rule
from inventory.topology import ContainerView, IPAddress, NodeView, Topology


def _placed_roles(topology: Topology, node: NodeView) -> Iterator[tuple[ContainerView, Role]]:
    """Yield every role of a node with the machine it runs on."""
    if container := topology.container_of(node):
        for assignment in node.assignments:
            yield container, topology.role(assignment.role)


def _is_single_node(topology: Topology) -> bool:
    """Tell whether rules for distributed clusters do not apply (S3)."""
    return topology.cluster.kind == "single_node"


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
)
def private_address_required(topology: Topology, this: Rule, node: NodeView) -> Iterator[Finding]:
    """Refuse a role that requires the private network on a container without it (K1)."""
    for container, role in _placed_roles(topology, node):
        needs = role.networks.private is Need.REQUIRED
        if needs and not topology.address(container.name, "private"):
            yield _about(this, node, container, role)


@node_rule(
    "R40",
    title="A role's container has the public address the role requires",
    words="Node {node} ({role_name}) needs a public address, but container {container} has none: "
    "give {container} an address in a public network of the cluster.",
    source=Source(document="002", text="Public Network: Required"),
    by_role=("R40", "R42", "R43", "R147", "R148", "R149", "R150"),
)
def public_address_required(topology: Topology, this: Rule, node: NodeView) -> Iterator[Finding]:
    """Refuse a role that requires the public network on a container without it, K5 excepted."""
    for container, role in _placed_roles(topology, node):
        needs = role.networks.public is Need.REQUIRED
        if not needs or topology.address(container.name, "public"):
            continue
        if not (role.networks.public_behind_balancer and _has_public_balancer(topology, role)):
            yield _about(this, node, container, role)


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
)
def public_address_discouraged(topology: Topology, this: Rule, node: NodeView) -> Iterator[Finding]:
    """Warn about a public address where the vendor discourages it; not on a single node (S3)."""
    if _is_single_node(topology):
        return
    for container, role in _placed_roles(topology, node):
        discouraged = role.networks.public is Need.DISCOURAGED
        if discouraged and topology.address(container.name, "public"):
            sources = role.networks.sources
            vendor = next((s for s in sources if "discourag" in s.text), sources[-1])
            yield _about(this, node, container, role, source=vendor)


@cluster_rule(
    "R5",
    title="Addresses lie inside the cluster's networks",
    words="Address {address} of {owner} is not a host address of network {network} ({cidr}).",
    source=Source(
        document="000",
        text="Given at least a network address (only private, only public, or both types)",
    ),
)
def address_inside_network(topology: Topology, this: Rule) -> Iterator[Finding]:
    """Refuse an address outside its network, or one that names the network or everybody in it."""
    for subject, network_name, ip in _addresses(topology):
        network = topology.networks.get(network_name)
        cidr = network.cidr if network else "not a network of this cluster"
        if network and ip in network.cidr and not _is_reserved(ip, topology, network_name):
            continue
        yield this.finding(
            subject,
            address=ip,
            owner=subject.partition(":")[2],
            network=network_name,
            cidr=cidr,
        )


@cluster_rule(
    "R50",
    title="An address is used once in a network",
    words="Address {address} in network {network} is used by {users}: give each its own.",
    source=Source(
        document="002",
        text="Carefully plan the private network to allow expansion.",
    ),
)
def address_unique(topology: Topology, this: Rule) -> Iterator[Finding]:
    """Refuse two users of one address."""
    users: defaultdict[tuple[str, IPAddress], list[str]] = defaultdict(list)
    for subject, network, ip in _addresses(topology):
        users[network, ip].append(subject)
    for (network, ip), subjects in users.items():
        if len(subjects) > 1:
            names = " and ".join(sorted(subject.partition(":")[2] for subject in subjects))
            yield this.finding(
                min(subjects), weight=len(subjects), address=ip, network=network, users=names
            )


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
    )


def _has_public_balancer(topology: Topology, role: Role) -> bool:
    """Tell whether a balancer with a public address stands in front of the role (K5)."""
    return any(
        balancer.role == role.key and topology.networks[balancer.network].kind == "public"
        for balancer in topology.balancers.values()
        if balancer.network in topology.networks
    )


def _addresses(topology: Topology) -> Iterator[tuple[str, str, IPAddress]]:
    """Yield who has which address in which network."""
    for container in topology.containers.values():
        for address in container.addresses:
            yield f"container:{container.name}", address.network, address.ip
    for balancer in topology.balancers.values():
        yield f"balancer:{balancer.name}", balancer.network, balancer.ip


def _is_reserved(ip: IPAddress, topology: Topology, network: str) -> bool:
    """Tell whether an address names the network itself or broadcasts to it."""
    cidr = topology.networks[network].cidr
    if cidr.version == 6 or cidr.prefixlen >= 31:
        return False
    return ip in (cidr.network_address, cidr.broadcast_address)
