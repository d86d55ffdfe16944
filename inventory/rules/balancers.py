"""Rules about balancers and what stands behind them."""

from collections.abc import Iterator

from inventory.addressing import public_balancers
from inventory.platforms.facts import Need, Source
from inventory.platforms.schema import Role
from inventory.rules.base import Blocks, Finding, Rule, Severity, cluster_rule, role_rule
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
