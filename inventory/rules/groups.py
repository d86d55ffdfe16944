"""Rules about availability groups: every node has one, and they are alike (R104-R109)."""

from collections.abc import Iterator
from typing import Any

from inventory.changes import ChangeNode, Operation, RoleChoice
from inventory.platforms.facts import Source
from inventory.platforms.schema import Grouping, Role
from inventory.rules.base import Blocks, Finding, Rule, Severity, node_rule, role_rule
from inventory.rules.candidates import add_nodes, group_sizes, smallest_group
from inventory.topology import NodeView, Topology

JOIN = Source(
    document="003", text="The distributed database nodes must join an Availability Group (AG)."
)
EQUAL = Source(
    document="003",
    text="It is recommended to provision the infrastructure in multiple Availability Groups, each "
    "group having an equal number of nodes allocated.",
)
TWO = Source(
    document="003",
    text="To take advantage of redundancy and failover, it is necessary to provision at least two "
    "nodes in an Availability Group.",
)
FOUR = Source(
    document="003",
    text="Due to replication overhead, the performance may degrade if you have more than four "
    "nodes in one AG.",
)


@node_rule(
    "R104",
    title="A node joins an availability group where its role has them",
    words="Node {node} ({role_name}) is in no {grouping}: put it into one.",
    source=JOIN,
    covers=("R106", "S4"),
)
def group_required(topology: Topology, this: Rule, node: NodeView) -> Iterator[Finding]:
    """Refuse a node without a group (R104); a single node has nobody to group with."""
    if topology.cluster.kind == "single_node":
        return
    for assignment in node.assignments:
        role = topology.role(assignment.role)
        grouping = role.grouping
        if grouping and grouping.required and not assignment.group:
            yield this.finding(
                f"node:{node.name}",
                facts=grouping,
                source=JOIN,
                role=role.key,
                node=node.name,
                role_name=role.name,
                grouping=grouping.name,
            )


@group_required.fix
def _join_smallest(topology: Topology, finding: Finding) -> Operation | None:
    """Put the node into the group with the fewest nodes."""
    role = topology.role(finding.role)
    group = smallest_group(role, group_sizes(topology, role))
    return _regroup(topology, finding.subject_name, role, group)


@role_rule(
    "R105",
    title="Availability groups have equal numbers of nodes",
    words="The {grouping}s of {role_name} have unequal numbers of nodes: {sizes}. Add nodes to "
    "{group}, or move some there.",
    source=EQUAL,
    covers=("S2", "S4"),
    severity=Severity.WARNING,
    blocks=Blocks.RUN,
)
def groups_equal(topology: Topology, this: Rule, role: Role) -> Iterator[Finding]:
    """Warn about unequal groups; a run waits for an answer (S2)."""
    sizes = sizes_in_use(topology, role)
    if not role.grouping or not role.grouping.equal_sizes or len(set(sizes.values())) < 2:
        return
    largest, smallest = max(sizes.values()), min(sizes.values())
    yield _about(
        this,
        role,
        role.grouping,
        source=EQUAL,
        weight=largest - smallest,
        sizes=", ".join(f"{name} {size}" for name, size in sorted(sizes.items())),
        group=smallest_group(role, sizes),
    )


@role_rule(
    "R105",
    title="Nodes are spread over several availability groups",
    words="All {count} nodes of {role_name} are in one {grouping}, {group}: several are "
    "recommended, each with an equal number of nodes.",
    source=EQUAL,
    severity=Severity.WARNING,
    blocks=Blocks.NOTHING,
)
def groups_several(topology: Topology, this: Rule, role: Role) -> Iterator[Finding]:
    """Warn about one group once there are nodes enough for two."""
    sizes = sizes_in_use(topology, role)
    if role.grouping and role.grouping.equal_sizes and len(sizes) == 1:
        ((group, count),) = sizes.items()
        if count >= 2 * (role.grouping.min_size or 1):
            yield _about(this, role, role.grouping, source=EQUAL, count=count, group=group)


@role_rule(
    "R106",
    title="An availability group has enough nodes for redundancy",
    words="{grouping} {group} of {role_name} has {count} of {minimum} nodes: it is allowed without "
    "redundancy, but the loss of a node is not covered.",
    source=TWO,
    covers=("S4",),
    severity=Severity.WARNING,
    blocks=Blocks.RUN,
)
def group_redundant(topology: Topology, this: Rule, role: Role) -> Iterator[Finding]:
    """Warn about a group with one node; a run waits for an answer (S4)."""
    if role.grouping is None or role.grouping.min_size is None:
        return
    minimum = role.grouping.min_size
    for group, count in sorted(sizes_in_use(topology, role).items()):
        if count < minimum:
            yield _about_group(this, role, role.grouping, TWO, group, count, minimum - count)


@groups_equal.fix
@group_redundant.fix
def _fill_smallest(topology: Topology, finding: Finding) -> Operation | None:
    """Move a planned node into the smallest group where that evens them out, else add one."""
    role = topology.role(finding.role)
    sizes = sizes_in_use(topology, role)
    smallest, largest = min(sizes.values()), max(sizes.values())
    if largest - smallest >= 2:
        moved = _move_planned(topology, role, _first(sizes, largest), _first(sizes, smallest))
        if moved:
            return moved
    return add_nodes(topology, role, 1)


@role_rule(
    "R107",
    title="An availability group is not too large",
    words="{grouping} {group} of {role_name} has {count} nodes: with more than {maximum} the "
    "performance may degrade.",
    source=FOUR,
    covers=("S4",),
    severity=Severity.WARNING,
    blocks=Blocks.NOTHING,
)
def group_size(topology: Topology, this: Rule, role: Role) -> Iterator[Finding]:
    """Warn about replication overhead in a large group (R107)."""
    if role.grouping is None or role.grouping.max_size is None:
        return
    maximum = role.grouping.max_size
    for group, count in sorted(sizes_in_use(topology, role).items()):
        if count > maximum:
            yield _about_group(this, role, role.grouping, FOUR, group, count, count - maximum)


@group_size.fix
def _relieve(topology: Topology, finding: Finding) -> Operation | None:
    """Move a planned node into the smallest group, if that is not full itself."""
    role = topology.role(finding.role)
    sizes = sizes_in_use(topology, role)
    to = smallest_group(role, sizes)
    limit = role.grouping.max_size if role.grouping else None
    if to is None or limit is None or sizes[to] >= limit:
        return None
    return _move_planned(topology, role, str(finding.params["group"]), to)


@role_rule(
    "R109",
    title="There are no more availability groups than full ones can be",
    words="{role_name} has {count} {grouping}s; {nodes} nodes in groups of {smallest} to {largest} "
    "make {fewest} to {most} of them at most.",
    source=TWO,
    also=(FOUR,),
    severity=Severity.WARNING,
    blocks=Blocks.NOTHING,
)
def groups_number(topology: Topology, this: Rule, role: Role) -> Iterator[Finding]:
    """Warn about more groups than the largest number of nodes can fill (R109, derived)."""
    grouping, nodes = role.grouping, role.counts.maximum
    if not (grouping and nodes and grouping.min_size and grouping.max_size):
        return
    count, most = len(sizes_in_use(topology, role)), nodes // grouping.min_size
    if count > most:
        yield _about(
            this,
            role,
            grouping,
            source=TWO,
            weight=count - most,
            count=count,
            nodes=nodes,
            smallest=grouping.min_size,
            largest=grouping.max_size,
            fewest=nodes // grouping.max_size,
            most=most,
        )


def sizes_in_use(topology: Topology, role: Role) -> dict[str, int]:
    """Return how many nodes each group in use has; a single node is in none."""
    if role.grouping is None or topology.cluster.kind == "single_node":
        return {}
    return {name: size for name, size in group_sizes(topology, role).items() if size}


def _first(sizes: dict[str, int], size: int) -> str:
    """Return the first group of a size."""
    return min(name for name, held in sizes.items() if held == size)


def _about(
    this: Rule,
    role: Role,
    grouping: Grouping,
    *,
    source: Source,
    weight: int = 1,
    **params: Any,
) -> Finding:
    """Make a finding about all groups of a role."""
    return this.finding(
        f"role:{role.key}",
        facts=grouping,
        source=source,
        role=role.key,
        weight=weight,
        role_name=role.name,
        grouping=grouping.name,
        **params,
    )


def _about_group(
    this: Rule,
    role: Role,
    grouping: Grouping,
    source: Source,
    group: str,
    count: int,
    weight: int,
) -> Finding:
    """Make a finding about one group of a role."""
    return this.finding(
        f"group:{group}",
        facts=grouping,
        source=source,
        role=role.key,
        weight=weight,
        role_name=role.name,
        grouping=grouping.name,
        group=group,
        count=count,
        minimum=grouping.min_size,
        maximum=grouping.max_size,
    )


def _move_planned(topology: Topology, role: Role, group: str, to: str) -> Operation | None:
    """Return the change that puts one planned node of a group into another."""
    for node in reversed(topology.nodes_with(role.key)):
        for assignment in node.assignments:
            if (assignment.role, assignment.group) == (role.key, group):
                if assignment.state == "planned":
                    return _regroup(topology, node.name, role, to)
                break
    return None


def _regroup(topology: Topology, name: str, role: Role, group: str | None) -> Operation | None:
    """Return the change of a node's group for a role."""
    node = topology.nodes.get(name)
    if node is None or group is None:
        return None
    choices = (
        RoleChoice(a.role, group if a.role == role.key else a.group) for a in node.assignments
    )
    return ChangeNode(name, name, tuple(choices))
