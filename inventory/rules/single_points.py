"""Rules about single points of failure, and when a cluster may be called highly available."""

from collections.abc import Iterable, Iterator

from inventory.platforms.facts import Source
from inventory.platforms.schema import Role
from inventory.rules.base import Blocks, Finding, Rule, Severity, role_rule
from inventory.single_points import single_points_of, unplaced
from inventory.topology import Topology

DISTRIBUTION = Source(
    document="002",
    text="distribution does not come with High Availability guarantees",
)
# What takes a role away alone, by this rule and by those about what has no nodes.
POINTS = frozenset({"single-point-of-failure", "balancer-redundant", "nas-available"})
# A finding of these that nobody answers for takes the label away.
AVAILABILITY = POINTS | frozenset(
    {
        "balancer-checks-health",
        "balancer-missing",
        "container-required",
        "container-runs",
        "count-minimum",
        "count-multiple",
        "group-redundant",
        "guarantee-known",
        "hosts-known",
        "nodes-protected",
        "odd-members",
        "role-missing",
        "sole-node-protected",
        "spare-nodes",
    }
)


@role_rule(
    "K10",
    title="No single thing takes a role away",
    words="{unit} is a single point of failure of {role_name}. {outcome}",
    source=Source(document="004", text="| **High Availability** | No single point of failure |"),
    also=(DISTRIBUTION,),
    covers=("R61", "R112"),
    severity=Severity.WARNING,
    blocks=Blocks.NOTHING,
)
def single_point_of_failure(topology: Topology, this: Rule, role: Role) -> Iterator[Finding]:
    """Name what takes a role away alone; to be removed, or accepted by name."""
    if topology.cluster.kind == "single_node" or not topology.release.has_role(role.key):
        return
    for point in single_points_of(topology, role):
        kind, _, name = point.unit.partition(":")
        yield this.finding(
            point.unit,
            role=role.key,
            unit=f"{kind.capitalize()} {name}",
            role_name=role.name,
            outcome=role.failure.outcome,
        )


@role_rule(
    "R61",
    title="It is known which machines fail together",
    words="Of {count} {role_name} nodes nobody knows the hypervisor: whether one machine takes "
    "several along cannot be judged. Name the hypervisor of each container.",
    source=DISTRIBUTION,
    severity=Severity.WARNING,
    blocks=Blocks.NOTHING,
)
def hosts_known(topology: Topology, this: Rule, role: Role) -> Iterator[Finding]:
    """Ask for hypervisors where several nodes could be on one; a cloud hides them."""
    nodes = topology.nodes_with(role.key)
    if len(nodes) < 2 or topology.cluster.infrastructure == "cloud":
        return
    if count := unplaced(topology, role):
        yield this.finding(
            f"role:{role.key}", role=role.key, weight=count, count=count, role_name=role.name
        )


def is_highly_available(topology: Topology, found: Iterable[Finding]) -> bool:
    """Tell whether a cluster may be called highly available, by what the rules found (K10, R61)."""
    if topology.cluster.kind == "single_node" or len(topology.nodes) < 2:
        return False
    return not any(takes_label_away(finding) for finding in found)


def takes_label_away(finding: Finding) -> bool:
    """Tell whether nobody answers for a finding that is about availability.

    Of the readings of a quorum the worse counts: a group that survives no loss (K15).
    """
    if finding.waiver is not None:
        return False
    if finding.key == "quorum-readings":
        return int(min(finding.params["per_ring"], finding.params["per_group"])) < 1
    return finding.key in AVAILABILITY
