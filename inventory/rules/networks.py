"""Rules about a cluster's networks."""

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network
from itertools import combinations

from inventory.addressing import reserved
from inventory.platforms.facts import Need, Source
from inventory.rules.base import Blocks, Finding, Rule, Severity, cluster_rule
from inventory.topology import IPNetwork, NetworkView, Topology

# Ranges for documentation (RFC 5737, RFC 3849): neither private nor routable.
DOCUMENTATION: tuple[IPNetwork, ...] = (
    IPv4Network("192.0.2.0/24"),
    IPv4Network("198.51.100.0/24"),
    IPv4Network("203.0.113.0/24"),
    IPv6Network("2001:db8::/32"),
)
# Addresses behind a carrier's NAT (RFC 6598).
CARRIER_NAT = ip_network("100.64.0.0/10")
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
