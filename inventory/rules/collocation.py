"""Rules about what shares a machine: one role a node, and clusters of a single node (K2)."""

from collections.abc import Iterator

from inventory.changes import Operation
from inventory.locks import extensions_in_words, known_extensions
from inventory.platforms.facts import Need, ResourceClass, Source
from inventory.platforms.schema import Role
from inventory.rules.base import (
    Blocks,
    Finding,
    Rule,
    Severity,
    cluster_rule,
    container_rule,
    node_rule,
)
from inventory.rules.candidates import move_to_idle
from inventory.topology import ContainerView, NodeView, Topology

SINGLE = Source(
    document="000",
    text="a VoipNow installation on a single computer has a single node that does everything",
)
ENOUGH = Source(
    document="000",
    text="It is still flexible enough and able to support thousands of users.",
)
CLASSES = list(ResourceClass)
# "Thousands of users" are certainly not outgrown by so many extensions.
SINGLE_NODE_EXTENSIONS = 1000


@node_rule(
    "R8",
    title="A node of a distributed system has one role",
    words="Node {node} has {count} roles: {roles}. It needs what they need together: {needs}.",
    source=Source(document="000", text="each node is assigned a specific role"),
    covers=("K2", "R97", "S5"),
    severity=Severity.WARNING,
    blocks=Blocks.NOTHING,
)
def one_role_per_node(topology: Topology, this: Rule, node: NodeView) -> Iterator[Finding]:
    """Warn about several roles on one node, with their merged requirements (K2, S5)."""
    if len(node.assignments) < 2 or topology.cluster.kind == "single_node":
        return
    roles = [topology.role(assignment.role) for assignment in node.assignments]
    yield this.finding(
        f"node:{node.name}",
        weight=len(roles) - 1,
        node=node.name,
        count=len(roles),
        roles=", ".join(role.name for role in roles),
        needs="; ".join(merged_needs(roles)),
    )


@container_rule(
    "K2",
    title="Roles that would fight for a machine are kept apart",
    words="{first} and {second} share container {container}: they would compete for its memory and "
    "disks, and be lost together. Move one to a machine of its own.",
    source=Source(
        document="K2", text="Distributed DB and SQL master on one machine: a stronger warning."
    ),
    covers=("R97",),
    severity=Severity.WARNING,
    blocks=Blocks.RUN,
)
def kept_apart(topology: Topology, this: Rule, container: ContainerView) -> Iterator[Finding]:
    """Warn about roles on one machine that are to be kept apart; a run waits for an answer."""
    if topology.cluster.kind == "single_node":
        return
    held = {a.role for node in topology.nodes_on(container.name) for a in node.assignments}
    if len(held) < 2:
        return
    for key in sorted(held):
        role = topology.role(key)
        for other in role.keep_apart_from:
            # Of two roles that name each other, the first by key speaks.
            names_back = key in topology.role(other).keep_apart_from
            if other in held and not (names_back and other < key):
                yield this.finding(
                    f"container:{container.name}",
                    role=key,
                    first=role.name,
                    second=topology.role(other).name,
                    container=container.name,
                )


@kept_apart.fix
def _part(topology: Topology, finding: Finding) -> Operation | None:
    """Move the node with the role to an idle machine, if its roles are not in one node."""
    role = topology.role(finding.role)
    nodes = topology.nodes_on(finding.subject_name)
    if len(nodes) < 2:
        return None
    return next(
        (move_to_idle(topology, role, node) for node in nodes if node.has_role(role.key)), None
    )


@cluster_rule(
    "R9",
    title="A cluster of a single node has one node",
    words="{cluster} is a single-node cluster and would have {count} nodes: one does everything. "
    "Make it a distributed cluster, or leave {excess} out.",
    source=SINGLE,
)
def single_node(topology: Topology, this: Rule) -> Iterator[Finding]:
    """Refuse a second node in a single-node cluster."""
    count = len(topology.nodes)
    if topology.cluster.kind == "single_node" and count > 1:
        yield this.finding(
            "cluster",
            weight=count - 1,
            cluster=topology.cluster.name,
            count=count,
            excess=count - 1,
        )


@cluster_rule(
    "R10",
    title="It is said when distribution is not needed",
    words="A single node supports thousands of users; {extensions}. {advice}",
    source=ENOUGH,
    covers=("S3",),
    severity=Severity.INFO,
    blocks=Blocks.NOTHING,
)
def distribution_not_needed(topology: Topology, this: Rule) -> Iterator[Finding]:
    """Say what a single node carries: to who has one, and to who plans more than is needed."""
    note = next((note for note in topology.platform.notes if note.key == "single-node"), None)
    if note is None:
        return
    if topology.cluster.kind == "single_node":
        advice = "Distribute when it outgrows one machine."
    elif topology.cluster.state == "planning" and _is_small(topology):
        advice = "A distributed system is not needed for so few."
    else:
        return
    extensions = extensions_in_words(topology)
    yield this.finding("cluster", facts=note, advice=advice, extensions=extensions)


def merged_needs(roles: list[Role]) -> Iterator[str]:
    """Yield what roles on one machine need: the union of networks, classes, minima (K2, S5).

    The maximum of the vendor's classes is a lower bound, since use adds up; figures are summed.
    """
    kinds = [
        kind
        for kind in ("private", "public")
        if any(getattr(role.networks, kind) is Need.REQUIRED for role in roles)
    ]
    if kinds:
        yield f"a {' and a '.join(kinds)} address"
    if rated := [role.resources for role in roles if role.resources]:
        cpu, memory, io = (
            max((getattr(r, part) for r in rated), key=CLASSES.index).replace("_", " ")
            for part in ("cpu", "memory", "io")
        )
        yield f"CPU {cpu}, memory {memory}, I/O {io} at least, and their use adds up"
    if sized := [role.hardware for role in roles if role.hardware]:
        yield (
            f"{sum(h.vcpu_min for h in sized)} vCPU, "
            f"{sum(h.memory_mib_min for h in sized) / 1024:g} GiB memory and "
            f"{sum(h.disk_gib_min for h in sized)} GiB disk"
        )


def _is_small(topology: Topology) -> bool:
    """Tell whether the extensions that are known fit on a single node by far."""
    fact = known_extensions(topology)
    return fact is not None and fact.value <= SINGLE_NODE_EXTENSIONS
