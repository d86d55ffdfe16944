"""Rules about how many nodes a role has."""

from collections.abc import Iterator
from typing import Any

from inventory.changes import Operation
from inventory.platforms.facts import HaLevel, Reserve, Source
from inventory.platforms.schema import Role
from inventory.rules.base import Blocks, Finding, Rule, Severity, role_rule
from inventory.rules.candidates import add_nodes, remove_planned
from inventory.topology import Topology

# Where the vendors' documents state numbers of nodes: VoipNow's table, then Ring2All's.
COUNTS = (
    *(f"R{number}" for number in range(79, 91)),
    *(f"R{number}" for number in range(113, 120)),
    *("R134", "R138", "R139"),
)


@role_rule(
    "R79",
    title="A role has no more nodes than the vendor allows",
    words="{role_name} would have {count} nodes; at most {maximum} is allowed. {comments}",
    source=Source(document="002", text="Min/Max Nodes"),
    by_role=COUNTS,
    covers=("R103", "K7", "K8"),
)
def count_maximum(topology: Topology, this: Rule, role: Role) -> Iterator[Finding]:
    """Refuse one node too many, or warn where the operator chose so (K7)."""
    count = len(topology.nodes_with(role.key))
    maximum = role.counts.maximum
    if maximum is None or count <= maximum:
        return
    warns = topology.parameter(f"{role.key.replace('-', '_')}_maximum") == "warning"
    yield _about(
        this,
        role,
        count,
        excess=count - maximum,
        severity=Severity.WARNING if warns else Severity.ERROR,
        blocks=Blocks.NOTHING if warns else Blocks.SAVE,
        maximum=maximum,
        comments=role.counts.comments,
    )


@count_maximum.fix
def _remove_excess(topology: Topology, finding: Finding) -> Operation | None:
    """Take planned nodes too many out again."""
    return remove_planned(topology, topology.role(finding.role), finding.weight)


@role_rule(
    "R79",
    title="A role has as many nodes as the vendor demands",
    words="{role_name} has {count} of at least {minimum} nodes: add {excess}.",
    source=Source(document="002", text="Min/Max Nodes"),
    by_role=COUNTS,
    covers=("S2", "S4"),
    blocks=Blocks.RUN,
)
def count_minimum(topology: Topology, this: Rule, role: Role) -> Iterator[Finding]:
    """Hold a run back while a role that it installs lacks nodes (S2)."""
    count = len(topology.nodes_with(role.key))
    minimum = role.counts.minimum
    if minimum is not None and 0 < count < minimum and _is_planned_for(topology, role):
        yield _about(this, role, count, excess=minimum - count, minimum=minimum)


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
    minimum = role.counts.minimum
    absent = not topology.nodes_with(role.key) and topology.release.has_role(role.key)
    if minimum and absent and _is_planned_for(topology, role):
        yield _about(this, role, 0, excess=minimum, minimum=minimum)


@role_rule(
    "R84",
    title="A role has as many nodes as the vendor recommends",
    words="{role_name} has {count} of {recommended} recommended nodes. {comments}",
    source=Source(document="002", text="It is recommended to deploy an Elasticsearch cluster."),
    by_role=("R83", "R84", "R119", "K10"),
    covers=("S4", "K15"),
    severity=Severity.WARNING,
    blocks=Blocks.NOTHING,
)
def count_recommended(topology: Topology, this: Rule, role: Role) -> Iterator[Finding]:
    """Warn below the recommended number; a run waits for an answer if it is fixed afterwards."""
    count = len(topology.nodes_with(role.key))
    recommended = role.counts.recommended_minimum
    if recommended is None or not 0 < count < recommended or not _is_planned_for(topology, role):
        return
    is_final = role.counts.never_changes and topology.cluster.state == "planning"
    yield _about(
        this,
        role,
        count,
        excess=recommended - count,
        blocks=Blocks.RUN if is_final else Blocks.NOTHING,
        recommended=recommended,
        comments=role.counts.comments,
    )


@role_rule(
    "R90",
    title="What the vendor does not specify is shown as such",
    words="{role_name} has {count}: the vendor specifies neither a minimum nor a maximum.",
    source=Source(document="K6", text="Not specified by the vendor: never zero or unlimited."),
    covers=("K6",),
    severity=Severity.INFO,
    blocks=Blocks.NOTHING,
)
def count_unspecified(topology: Topology, this: Rule, role: Role) -> Iterator[Finding]:
    """Show that the documents are silent about a role's number (K6)."""
    counts = role.counts
    is_silent = counts.minimum is None and counts.maximum is None and not counts.unlimited
    number = len(topology.nodes_with(role.key))
    if is_silent and (number or _is_planned_for(topology, role)):
        yield this.finding(
            f"role:{role.key}",
            facts=counts,
            role=role.key,
            role_name=role.name,
            count=f"{number} node{'' if number == 1 else 's'}",
        )


@role_rule(
    "R134",
    title="Nodes that keep copies of each other come in full sets",
    words="{role_name} would have {count} nodes, which is no multiple of {multiple}: add {excess}, "
    "or none at all. {comments}",
    source=Source(document="004", text="Every file stored on 3 nodes"),
    covers=("S2", "S10"),
    blocks=Blocks.RUN,
)
def count_multiple(topology: Topology, this: Rule, role: Role) -> Iterator[Finding]:
    """Hold a run back that would leave a replica set incomplete (S10)."""
    multiple, count = role.counts.multiple_of, len(topology.nodes_with(role.key))
    if not multiple or count < multiple or count % multiple == 0:
        return
    if _is_planned_for(topology, role):
        missing = multiple - count % multiple
        comments = role.counts.comments
        yield _about(this, role, count, excess=missing, multiple=multiple, comments=comments)


@role_rule(
    "R132",
    title="Voting components have an odd number of members",
    words="{component} of {role_name} would have {count} members: an even number survives no more "
    "losses than one member less, and may split in halves. Use an odd number.",
    source=Source(document="004", text="| **Consensus (Etcd)** | Distributed leader election |"),
    covers=("S1", "S2"),
    blocks=Blocks.RUN,
)
def odd_members(topology: Topology, this: Rule, role: Role) -> Iterator[Finding]:
    """Hold a run back that would make a quorum of an even number of members."""
    count = len(topology.nodes_with(role.key))
    if not count or count % 2:
        return
    voters = [component for component in role.components if component.odd]
    if voters or role.counts.odd:
        yield this.finding(
            f"role:{role.key}",
            facts=voters[0] if voters else role.counts,
            role=role.key,
            component=" and ".join(voter.name for voter in voters) or "The quorum",
            role_name=role.name,
            count=count,
        )


@count_minimum.fix
@role_missing.fix
@count_recommended.fix
@count_multiple.fix
@odd_members.fix
def _add_missing(topology: Topology, finding: Finding) -> Operation | None:
    """Put as many nodes of the role as are missing on idle containers, and no half sets."""
    role = topology.role(finding.role)
    count = len(topology.nodes_with(role.key))
    return add_nodes(topology, role, _sound_count(role, count + finding.weight) - count)


@odd_members.fix
def _remove_one(topology: Topology, finding: Finding) -> Operation | None:
    """Take a planned node out again, where no machine is left to add one."""
    return remove_planned(topology, topology.role(finding.role), 1)


@count_multiple.fix
def _remove_rest(topology: Topology, finding: Finding) -> Operation | None:
    """Take planned nodes out down to the last full set."""
    role = topology.role(finding.role)
    rest = len(topology.nodes_with(role.key)) % (role.counts.multiple_of or 1)
    return remove_planned(topology, role, rest)


@role_rule(
    "R88",
    title="More nodes are not application-level HA where the vendor has none",
    words="{role_name} has {count} nodes, which is allowed; the vendor protects it on the level of "
    "the virtualization, and promises nothing of several nodes. {strategy}",
    source=Source(document="K22", text="More than one is allowed, no claim of APP-level HA."),
    covers=("K22",),
    severity=Severity.INFO,
    blocks=Blocks.NOTHING,
)
def number_is_no_redundancy(topology: Topology, this: Rule, role: Role) -> Iterator[Finding]:
    """Say that further nodes of an OS-level role do not make it highly available (K22)."""
    count = len(topology.nodes_with(role.key))
    failure = role.failure
    if count > 1 and failure.level is HaLevel.OS and failure.reserve is Reserve.SINGLE:
        yield this.finding(
            f"role:{role.key}",
            facts=failure,
            role=role.key,
            role_name=role.name,
            count=count,
            strategy=failure.strategy,
        )


def _is_planned_for(topology: Topology, role: Role) -> bool:
    """Tell whether numbers of nodes apply: not to a single node, nor to what is not needed."""
    return topology.cluster.kind != "single_node" and topology.needs(role)


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


def _sound_count(role: Role, at_least: int) -> int:
    """Return the next number of nodes that is odd and a multiple where that matters."""
    odd = role.counts.odd or any(component.odd for component in role.components)
    multiple = role.counts.multiple_of or 1
    numbers = range(at_least, at_least + 2 * multiple + 1)
    return next(n for n in numbers if n % multiple == 0 and (n % 2 or not odd))
