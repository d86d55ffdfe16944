"""Rules about a cluster's networks, names and balancers."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network
from itertools import combinations

from inventory.addressing import reserved
from inventory.platforms.facts import Need, Source
from inventory.rules.base import Blocks, Finding, Rule, Severity, cluster_rule
from inventory.topology import BalancerView, IPNetwork, NetworkView, Topology

# Ranges for documentation (RFC 5737, RFC 3849): neither private nor routable.
DOCUMENTATION: tuple[IPNetwork, ...] = (
    IPv4Network("192.0.2.0/24"),
    IPv4Network("198.51.100.0/24"),
    IPv4Network("203.0.113.0/24"),
    IPv6Network("2001:db8::/32"),
)
# Addresses behind a carrier's NAT (RFC 6598).
CARRIER_NAT = ip_network("100.64.0.0/10")
SHOWN = 5
EXPANSION = Source(document="002", text="Carefully plan the private network to allow expansion.")


@cluster_rule(
    "R14",
    title="A cluster has the kinds of networks that its platform requires",
    words="{cluster} uses no {kind} network: {platform} requires one. Add one to the cluster.",
    source=Source(
        document="000",
        text="Both public (routable) and private (non-routable) network are required.",
    ),
    by_role=("R14", "R152"),
    covers=("K1", "S3"),
    blocks=Blocks.RUN,
)
def network_kinds(topology: Topology, this: Rule) -> Iterator[Finding]:
    """Hold runs of a distributed cluster back while it lacks a kind of network (K1, S3)."""
    facts = topology.platform.networks
    if facts is None or topology.is_pool or topology.cluster.kind == "single_node":
        return
    kinds = {network.kind for network in topology.networks.values()}
    for kind, need in (("private", facts.private), ("public", facts.public)):
        if need is Need.REQUIRED and kind not in kinds:
            yield this.finding(
                f"network:{kind}",
                facts=facts,
                cluster=topology.cluster.name,
                kind=kind,
                platform=topology.platform.name,
            )


@cluster_rule(
    "R50",
    title="A network's gateway lies inside the network",
    words="The gateway {address} of network {network} is not a host address of {cidr}.",
    source=EXPANSION,
)
def gateway_inside_network(topology: Topology, this: Rule) -> Iterator[Finding]:
    """Refuse a router's address that no machine of the network could reach."""
    for network in topology.networks.values():
        gateway = network.gateway
        if gateway is None:
            continue
        if gateway not in network.cidr or gateway in reserved(network.cidr):
            yield this.finding(
                f"network:{network.name}",
                address=gateway,
                network=network.name,
                cidr=network.cidr,
            )


@cluster_rule(
    "R50",
    title="Networks of a cluster do not overlap",
    words="Networks {first} and {second} of the cluster overlap ({first_cidr}, {second_cidr}): "
    "machines cannot tell which of them an address belongs to.",
    source=EXPANSION,
    severity=Severity.WARNING,
    blocks=Blocks.NOTHING,
)
def networks_overlap(topology: Topology, this: Rule) -> Iterator[Finding]:
    """Warn about two networks of a cluster that share addresses."""
    if topology.is_pool:  # Every network there is; the same private ranges occur in many clusters.
        return
    for first, second in combinations(sorted(topology.networks.values(), key=_name), 2):
        if first.cidr.version == second.cidr.version and first.cidr.overlaps(second.cidr):
            yield this.finding(
                f"network:{first.name}",
                address=second.name,
                first=first.name,
                second=second.name,
                first_cidr=first.cidr,
                second_cidr=second.cidr,
            )


@cluster_rule(
    "R14",
    title="Private networks are not routable, public ones are",
    words="Network {network} ({cidr}) is called {kind}, but its range is {range}.",
    source=Source(
        document="000",
        text="Both public (routable) and private (non-routable) network are required.",
    ),
    covers=("R17",),
    severity=Severity.WARNING,
    blocks=Blocks.NOTHING,
)
def network_range(topology: Topology, this: Rule) -> Iterator[Finding]:
    """Warn about a range of the other kind; behind carrier-grade NAT that is as it should be."""
    if topology.is_pool:
        return
    for network in topology.networks.values():
        cidr = network.cidr
        if _within(cidr, DOCUMENTATION):
            continue
        said = ""
        if network.kind == "private" and cidr.is_global:
            said = "routable on the Internet"
        elif network.kind == "public" and cidr.is_private and not _behind_nat(topology, network):
            said = "not routable; mark its containers as behind NAT if customers reach them so"
        if said:
            yield this.finding(
                f"network:{network.name}",
                network=network.name,
                cidr=cidr,
                kind=network.kind,
                range=said,
            )


@cluster_rule(
    "R49",
    title="Machines have names in the private network",
    words="{count} machines have no name in network {network} ({examples}): with names, addresses "
    "can change and roles need no reconfiguration.",
    source=Source(document="002", text="Use an addressing scheme even in the private network."),
    covers=("R52",),
    severity=Severity.WARNING,
    blocks=Blocks.NOTHING,
)
def private_names(topology: Topology, this: Rule) -> Iterator[Finding]:
    """Warn about addresses without a name, in one finding for each private network."""
    yield from _nameless(topology, this, "private")


@cluster_rule(
    "R51",
    title="Customers connect to a name, not to an address",
    words="{count} machines have no name in network {network} ({examples}): customers should "
    "connect to a host name, never to an address.",
    source=Source(document="002", text="Always use an addressing scheme in the public network."),
    covers=("R52",),
    severity=Severity.WARNING,
    blocks=Blocks.NOTHING,
)
def public_names(topology: Topology, this: Rule) -> Iterator[Finding]:
    """Warn about addresses without a name, in one finding for each public network."""
    yield from _nameless(topology, this, "public")


@cluster_rule(
    "R49",
    title="A name in the private network is one machine's",
    words="Name {address} in network {network} belongs to {owners}: give each machine its own.",
    source=Source(document="002", text="Use an addressing scheme even in the private network."),
    covers=("R153",),
    severity=Severity.WARNING,
    blocks=Blocks.NOTHING,
)
def names_unique(topology: Topology, this: Rule) -> Iterator[Finding]:
    """Warn about two machines of one name; in public that may be a round robin."""
    private = {name for name, network in topology.networks.items() if network.kind == "private"}
    named = [
        (address.network, address.name.lower(), container.name)
        for container in topology.containers.values()
        for address in container.addresses
        if address.name and address.network in private
    ]
    if len({(network, name) for network, name, _ in named}) == len(named):
        return  # As it nearly always is.
    owners: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for network, name, container in named:
        owners[network, name].append(container)
    for (network, name), containers in owners.items():
        if len(containers) > 1:
            yield this.finding(
                f"container:{min(containers)}",
                weight=len(containers),
                address=name,
                network=network,
                owners=" and ".join(sorted(containers)),
            )


@cluster_rule(
    "R56",
    title="A balancer takes nodes that fail out by itself",
    words="Balancer {balancer} in front of {role_name} does not look at the nodes' health: "
    "requests go on to a node that failed.",
    source=Source(
        document="002",
        text="System is not affected as long as a health based balancer is configured",
    ),
    by_role=("R56", "R140"),
    severity=Severity.WARNING,
    blocks=Blocks.NOTHING,
)
def balancer_checks_health(topology: Topology, this: Rule) -> Iterator[Finding]:
    """Warn about a balancer without health checks."""
    for balancer in topology.balancers.values():
        if not balancer.health_based:
            yield _about_balancer(topology, this, balancer)


@cluster_rule(
    "R56",
    title="A balancer is redundant",
    words="Balancer {balancer} in front of {role_name} is a single machine: when it is lost, so "
    "is the way to every node behind it. Run two with a shared address.",
    source=Source(
        document="002",
        text="Use a redundant load balancer in front of web management interface nodes.",
    ),
    by_role=("R56", "R139"),
    covers=("K5",),
    severity=Severity.WARNING,
    blocks=Blocks.NOTHING,
)
def balancer_redundant(topology: Topology, this: Rule) -> Iterator[Finding]:
    """Warn about a balancer of which there is one."""
    for balancer in topology.balancers.values():
        if balancer.instances < 2:
            yield _about_balancer(topology, this, balancer)


def _about_balancer(topology: Topology, this: Rule, balancer: BalancerView) -> Finding:
    """Make a finding about a balancer and the role behind it."""
    role = topology.role(balancer.role)
    return this.finding(
        f"balancer:{balancer.name}",
        facts=role.failure if role.failure.needs_balancer else None,
        role=role.key,
        balancer=balancer.name,
        role_name=role.name,
    )


def _nameless(topology: Topology, this: Rule, kind: str) -> Iterator[Finding]:
    """Yield a finding for each network of a kind that has addresses without names."""
    if not topology.platform.wants_names:
        return
    nameless: defaultdict[str, list[str]] = defaultdict(list)
    bare = [
        (address.network, container.name)
        for container in topology.containers.values()
        for address in container.addresses
        if not address.name
    ]
    for network_name, container_name in bare:
        if topology.nodes_on(container_name):
            nameless[network_name].append(container_name)
    for balancer in topology.balancers.values():
        if not balancer.dns_name:
            nameless[balancer.network].append(balancer.name)
    in_cloud = topology.cluster.infrastructure == "cloud"
    for name, network in topology.networks.items():
        machines = sorted(set(nameless[name]))
        if network.kind == kind and machines:
            more = ", …" if len(machines) > SHOWN else ""
            yield this.finding(
                f"network:{name}",
                severity=Severity.INFO if in_cloud else None,  # R52
                weight=len(machines),
                count=len(machines),
                network=name,
                examples=", ".join(machines[:SHOWN]) + more,
            )


def _behind_nat(topology: Topology, network: NetworkView) -> bool:
    """Tell whether addresses of a network are known to be translated."""
    if _within(network.cidr, (CARRIER_NAT,)):
        return True
    users = [
        container
        for container in topology.containers.values()
        if any(address.network == network.name for address in container.addresses)
    ]
    return bool(users) and all(container.behind_nat for container in users)


def _within(cidr: IPNetwork, ranges: Iterable[IPNetwork]) -> bool:
    """Tell whether a network lies in one of some ranges."""
    return any(
        cidr.version == other.version and cidr.subnet_of(other)  # type: ignore[arg-type]
        for other in ranges
    )


def _name(network: NetworkView) -> str:
    """Sort networks."""
    return network.name
