"""Rules about how many nodes a role has."""

from collections.abc import Iterator
from typing import Any

from inventory.changes import AddNode, Operation, RoleChoice
from inventory.platforms.facts import Source
from inventory.platforms.schema import Role
from inventory.rules.base import Blocks, Finding, Rule, Severity, role_rule
from inventory.topology import Topology

# Where the vendors' documents state numbers of nodes: VoipNow's table, then Ring2All's.
COUNTS = (*(f"R{number}" for number in range(79, 90)), *(f"R{n}" for n in range(113, 120)))


@role_rule(
    "R79",
    title="A role has no more nodes than the vendor allows",
    words="{role_name} would have {count} nodes; at most {maximum} is allowed.",
    source=Source(document="002", text="Min/Max Nodes"),
    by_role=COUNTS,
)
def count_maximum(topology: Topology, this: Rule, role: Role) -> Iterator[Finding]:
    """Refuse one node too many."""
    count = len(topology.nodes_with(role.key))
    maximum = role.counts.maximum
    if maximum is not None and count > maximum:
        yield _about(this, role, count, excess=count - maximum, maximum=maximum)


@role_rule(
    "R79",
    title="A role has as many nodes as the vendor demands",
    words="{role_name} has {count} of at least {minimum} nodes: add {excess}.",
    source=Source(document="002", text="Min/Max Nodes"),
    by_role=COUNTS,
    blocks=Blocks.RUN,
)
def count_minimum(topology: Topology, this: Rule, role: Role) -> Iterator[Finding]:
    """Hold a run back while a role that it installs lacks nodes (S2)."""
    count = len(topology.nodes_with(role.key))
    minimum = role.counts.minimum
    if minimum is not None and 0 < count < minimum:
        yield _about(this, role, count, excess=minimum - count, minimum=minimum)


@count_minimum.fix
def _add_missing(topology: Topology, finding: Finding) -> Operation | None:
    """Put the next node of the role on a free container."""
    return _one_more(topology, topology.role(finding.role))


@role_rule(
    "R79",
    title="Every role that the vendor demands has a node",
    words="The cluster has no {role_name} node yet; at least {minimum} is needed before it serves.",
    source=Source(document="002", text="Min/Max Nodes"),
    by_role=COUNTS,
    severity=Severity.WARNING,
    blocks=Blocks.NOTHING,
)
def role_missing(topology: Topology, this: Rule, role: Role) -> Iterator[Finding]:
    """Remind of roles that have no node at all; a part of a cluster can be installed first."""
    if topology.cluster.kind == "single_node":
        return
    minimum = role.counts.minimum
    absent = not topology.nodes_with(role.key) and topology.release.has_role(role.key)
    if minimum and absent:
        yield _about(this, role, 0, excess=minimum, minimum=minimum)


@role_rule(
    "R132",
    title="Voting components have an odd number of members",
    words="{component} of {role_name} would have {count} members: an even number survives no more "
    "losses than one member less, and may split in halves. Use an odd number.",
    source=Source(document="004", text="Consensus (Etcd): Distributed leader election"),
    blocks=Blocks.RUN,
)
def odd_members(topology: Topology, this: Rule, role: Role) -> Iterator[Finding]:
    """Hold a run back that would make a quorum of an even number of members."""
    count = len(topology.nodes_with(role.key))
    for component in role.components:
        if component.odd and count and count % 2 == 0:
            yield this.finding(
                f"role:{role.key}",
                facts=component,
                role=role.key,
                component=component.name,
                role_name=role.name,
                count=count,
            )


@odd_members.fix
def _make_odd(topology: Topology, finding: Finding) -> Operation | None:
    """Put one more node of the role on a free container."""
    return _one_more(topology, topology.role(finding.role))


def _about(this: Rule, role: Role, count: int, *, excess: int, **params: Any) -> Finding:
    """Make a finding about a role's number of nodes; the further off, the heavier."""
    return this.finding(
        f"role:{role.key}",
        facts=role.counts,
        role=role.key,
        weight=excess,
        role_name=role.name,
        count=count,
        excess=excess,
        **params,
    )


def _one_more(topology: Topology, role: Role) -> AddNode | None:
    """Return a node of the role on the first container that runs nothing, if there is one."""
    busy = {node.container for node in topology.nodes.values()}
    free = sorted(
        name for name, c in topology.containers.items() if name not in busy and c.state == "running"
    )
    if not free or role.grouping:
        return None
    name = free[0] if free[0] not in topology.nodes else f"{free[0]}-{role.key}"
    return AddNode(name, free[0], (RoleChoice(role.key),))
