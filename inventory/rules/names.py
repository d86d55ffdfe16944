"""Rules about the names of machines."""

from collections import defaultdict
from collections.abc import Iterator

from inventory.platforms.facts import Source
from inventory.rules.base import Blocks, Finding, Rule, Severity, cluster_rule
from inventory.topology import Topology

SHOWN = 5


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
    words="Name {address} belongs to {owners} in private networks: give each its own.",
    source=Source(document="002", text="Use an addressing scheme even in the private network."),
    covers=("R153",),
    severity=Severity.WARNING,
    blocks=Blocks.NOTHING,
)
def names_unique(topology: Topology, this: Rule) -> Iterator[Finding]:
    """Warn about a machine's name that is another's too; in public it may be a round robin."""
    private = {name for name, network in topology.networks.items() if network.kind == "private"}
    named = [
        (address.name.lower(), f"container:{container.name}")
        for container in topology.containers.values()
        for address in container.addresses
        if address.name and address.network in private
    ]
    named += [
        (balancer.dns_name.lower(), f"balancer:{balancer.name}")
        for balancer in topology.balancers.values()
        if balancer.dns_name and balancer.network in private
    ]
    if len({name for name, _ in named}) == len(named):
        return  # As it nearly always is.
    owners: defaultdict[str, set[str]] = defaultdict(set)
    for name, owner in named:
        owners[name].add(owner)
    for name, subjects in owners.items():
        machine = max(subjects)  # Balancers come first in the alphabet; theirs may be shared.
        if len(subjects) > 1 and machine.startswith("container:"):
            yield this.finding(
                machine,
                weight=len(subjects),
                address=name,
                owners=" and ".join(sorted(s.partition(":")[2] for s in subjects)),
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
