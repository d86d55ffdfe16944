"""Rules about what a cluster's addressing has room for."""

from collections.abc import Iterator

from inventory.address_plan import (
    RESERVE,
    follows_pattern,
    host_numbers,
    missing_addresses,
    taken_addresses,
    usable,
    used_addresses,
)
from inventory.platforms.facts import Source
from inventory.platforms.schema import Role
from inventory.rules.base import Blocks, Finding, Rule, Severity, cluster_rule, role_rule
from inventory.rules.load import nodes_for_load
from inventory.topology import Topology


@cluster_rule(
    "R50",
    title="A private network has room for more machines",
    words="Network {network} ({cidr}) has {free} of {size} addresses free{missing}: plan the "
    "private network for expansion.",
    source=Source(document="002", text="Carefully plan the private network to allow expansion."),
    covers=("R52", "K14"),
    severity=Severity.WARNING,
    blocks=Blocks.NOTHING,
)
def room_for_growth(topology: Topology, this: Rule) -> Iterator[Finding]:
    """Warn about private networks with few free addresses, or fewer than machines wait for one."""
    private = [network for network in topology.networks.values() if network.kind == "private"]
    at_most = sum(len(container.addresses) for container in topology.containers.values())
    at_most += len(topology.nodes) + len(topology.balancers) + len(topology.taken)
    at_most += _missing_nodes(topology)
    if topology.is_pool or all(usable(n) * (1 - RESERVE) >= at_most for n in private):
        return  # Nothing to count: all of them in one network would leave enough.
    used, taken = used_addresses(topology), taken_addresses(topology)
    free = {n.name: max(0, usable(n) - used[n.name] - taken[n.name]) for n in private}
    missing = missing_addresses(topology, "private") + _missing_nodes(topology)
    is_short = missing > sum(free.values())
    for network in private:
        if is_short or free[network.name] < usable(network) * RESERVE:
            yield this.finding(
                f"network:{network.name}",
                severity=Severity.INFO if topology.cluster.infrastructure == "cloud" else None,
                network=network.name,
                cidr=network.cidr,
                size=usable(network),
                free=free[network.name],
                missing=f", and {missing} machines still need one" if missing else "",
            )


def _missing_nodes(topology: Topology) -> int:
    """Count the nodes that the known load needs beyond those that there are."""
    return sum(
        max(0, nodes_for_load(topology, role) - len(topology.nodes_with(role.key)))
        for role in topology.platform.roles
    )


@role_rule(
    "K14",
    title="The vendor's address pattern has a number for every node",
    words="{role_name} needs addresses for {count} nodes{load}, but the vendor's pattern, .{first} "
    "to .{last}, has {size}: give the others addresses from a range of your own.",
    source=Source(document="004", text="| **Telephony N** | tele-node-N | 192.168.10.5N |"),
    also=(
        Source(document="002", text="Carefully plan the private network to allow expansion."),
        Source(document="K14", text="The pattern works only to N=9, the scaling table to 20."),
    ),
    covers=("R50",),
    severity=Severity.ERROR,
    blocks=Blocks.NOTHING,
)
def address_pattern(topology: Topology, this: Rule, role: Role) -> Iterator[Finding]:
    """Name a role that goes by a pattern with fewer numbers than it has nodes, or will need."""
    pattern = role.addresses
    if pattern is None:
        return
    present, needed = len(topology.nodes_with(role.key)), nodes_for_load(topology, role)
    count = max(present, needed)
    if count <= pattern.size:
        return
    if any(host_numbers(topology, role)) and follows_pattern(topology, role):
        yield this.finding(
            f"role:{role.key}",
            facts=pattern,
            role=role.key,
            weight=count - pattern.size,
            role_name=role.name,
            count=count,
            load="" if present == count else " for the known load",
            first=pattern.first_host,
            last=pattern.last_host,
            size=pattern.size,
        )
