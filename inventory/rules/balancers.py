"""Rules about balancers and what stands behind them."""

from collections import Counter
from collections.abc import Iterator

from inventory.addressing import public_balancers
from inventory.changes import Operation
from inventory.platforms.facts import Need, Source
from inventory.platforms.schema import Role
from inventory.rules.base import Blocks, Finding, Rule, Severity, cluster_rule, role_rule
from inventory.rules.candidates import add_nodes
from inventory.topology import BalancerView, Topology


@role_rule(
    "K5",
    title="Nodes without a public address are reached through a balancer",
    words="{count} {role_name} nodes have no public address: customers reach them through "
    "{balancers} alone.",
    source=Source(
        document="002",
        text="Technically could run on a private IP as well, but a HTTP load balancer (that "
        "obviously runs on a public IP) is required.",
    ),
    also=(Source(document="002", text="Web Management InterfaceRequiredRequired"),),
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
    """Warn about a balancer of which there is one, and no other that leads there as well."""
    ways = Counter(_way(topology, balancer) for balancer in topology.balancers.values())
    for balancer in topology.balancers.values():
        if balancer.instances < 2 and ways[_way(topology, balancer)] < 2:
            yield _about_balancer(topology, this, balancer)


@role_rule(
    "R56",
    title="Several nodes of a role have a balancer in front",
    words="{count} {role_name} nodes have no balancer in front: requests go on to a node that "
    "failed. Record the balancer of the cluster, or add one.",
    source=Source(
        document="002",
        text="System is not affected as long as a health based balancer is configured",
    ),
    also=(
        Source(
            document="002",
            text="Use a redundant load balancer in front of web management interface nodes.",
        ),
    ),
    by_role=("R56", "R139"),
    severity=Severity.WARNING,
    blocks=Blocks.NOTHING,
)
def balancer_missing(topology: Topology, this: Rule, role: Role) -> Iterator[Finding]:
    """Warn about nodes that only a balancer makes one service; a single node needs none."""
    count = len(topology.nodes_with(role.key))
    if not role.failure.needs_balancer or count < 2:
        return
    recorded = any(balancer.role == role.key for balancer in topology.balancers.values())
    if recorded or any(topology.nodes_with(front.key) for front in _fronts(topology, role)):
        return
    yield this.finding(
        f"role:{role.key}",
        facts=role.failure,
        role=role.key,
        count=count,
        role_name=role.name,
    )


@balancer_missing.fix
def _add_balancing_nodes(topology: Topology, finding: Finding) -> Operation | None:
    """Add nodes of the role that balances this one, where the platform has such a role."""
    for front in _fronts(topology, topology.role(finding.role)):
        wanted = front.counts.recommended_minimum or 1
        for count in dict.fromkeys((wanted, 1)):
            if operation := add_nodes(topology, front, count):
                return operation
    return None


def _fronts(topology: Topology, role: Role) -> list[Role]:
    """Return the roles whose nodes balance a role's."""
    return [front for front in topology.platform.roles if role.key in front.balances]


def _way(topology: Topology, balancer: BalancerView) -> tuple[str, str]:
    """Return what a balancer leads to, and from which kind of network."""
    network = topology.networks.get(balancer.network)
    return balancer.role, network.kind if network else ""


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
