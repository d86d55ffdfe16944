"""Rules about how many nodes the known load needs."""

from collections.abc import Iterator

from inventory.capacity import nodes_for, reserve_nodes
from inventory.changes import Operation
from inventory.locks import age_in_words, is_number, known_extensions
from inventory.platforms.facts import Source
from inventory.platforms.schema import Role
from inventory.rules.base import Blocks, Finding, Rule, Severity, role_rule
from inventory.rules.candidates import add_nodes
from inventory.topology import FactView, Topology


@role_rule(
    "R129",
    title="There are nodes for the known load, and one in reserve",
    words="{role_name} has {count} of {needed} nodes that the known load needs: {load}. The "
    "vendor's figures make that {bare}, and {reserve} in reserve.",
    source=Source(document="004", text="10,000 ext / 1,500 calls"),
    covers=("R128",),
    severity=Severity.WARNING,
    blocks=Blocks.NOTHING,
)
def count_for_load(topology: Topology, this: Rule, role: Role) -> Iterator[Finding]:
    """Warn about fewer nodes than max(extensions / figure, calls / figure), and one more (R129)."""
    count = len(topology.nodes_with(role.key))
    if not role.capacity or not count or topology.cluster.kind == "single_node":
        return
    loads = list(_loads(topology, role))
    bare = max((nodes for nodes, _ in loads), default=0)
    reserve = reserve_nodes(role)
    if bare and count < bare + reserve:
        yield this.finding(
            f"role:{role.key}",
            facts=role.capacity[0],
            role=role.key,
            weight=bare + reserve - count,
            role_name=role.name,
            count=count,
            needed=bare + reserve,
            bare=bare,
            reserve="one more" if reserve else "none",
            load=", ".join(words for _, words in loads),
        )


@count_for_load.fix
def _add_missing(topology: Topology, finding: Finding) -> Operation | None:
    """Put the missing nodes on idle containers."""
    return add_nodes(topology, topology.role(finding.role), finding.weight)


def _loads(topology: Topology, role: Role) -> Iterator[tuple[int, str]]:
    """Yield the nodes that each known load needs at the vendor's figure, and the load in words."""
    for metric in ("extensions", "concurrent_calls"):
        fact = known_load(topology, metric)
        nodes = nodes_for(role, metric, fact.value) if fact else None
        if fact and nodes is not None:
            age = age_in_words(topology.now - fact.at)
            words = f"{fact.value} {metric.replace('_', ' ')} ({fact.origin}, {age})"
            yield nodes, words


def nodes_for_load(topology: Topology, role: Role) -> int:
    """Return how many nodes the known load needs, reserve included; zero when none is known."""
    bare = max((nodes for nodes, _ in _loads(topology, role)), default=0) if role.capacity else 0
    return bare + reserve_nodes(role) if bare else 0


def known_load(topology: Topology, metric: str) -> FactView | None:
    """Return what is known of a load of the whole cluster."""
    if metric == "extensions":
        return known_extensions(topology)
    fact = topology.fact("cluster", metric)
    return fact if fact and is_number(fact.value) else None
