"""Rules about single points of failure, and when a cluster may be called highly available."""

from collections.abc import Iterable, Iterator

from inventory.impact import single_points, unplaced
from inventory.platforms.facts import Source
from inventory.platforms.schema import Role
from inventory.rules.base import Blocks, Finding, Rule, Severity, role_rule
from inventory.topology import Topology

DISTRIBUTION = Source(
    document="002",
    text="distribution does not come with High Availability guarantees",
)
# A finding of these that nobody answers for takes the label away.
AVAILABILITY = frozenset(
    {
        "balancer-checks-health",
        "balancer-missing",
        "balancer-redundant",
        "container-required",
        "container-runs",
        "count-minimum",
        "group-redundant",
        "hosts-known",
        "nas-available",
        "nodes-protected",
        "odd-members",
        "role-missing",
        "single-point-of-failure",
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
    for point in single_points(topology, role):
        yield this.finding(
            point.unit,
            role=role.key,
            unit=point.unit.replace(":", " ", 1).capitalize(),
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
    return not any(f.key in AVAILABILITY and f.waiver is None for f in found)
