"""Rules about what keeps nodes alive: virtualisation, guarantees, monitoring, spare nodes."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from inventory.changes import Operation
from inventory.platforms.facts import HaLevel, Source
from inventory.platforms.schema import Role
from inventory.rules.base import (
    Blocks,
    Finding,
    Rule,
    Severity,
    cluster_rule,
    node_rule,
    role_rule,
)
from inventory.rules.candidates import add_nodes, move_to_idle
from inventory.topology import NodeView, Topology

SHOWN = 5


@node_rule(
    "R63",
    title="What may exist once only is protected by the virtualisation",
    words="{role_name} node {node} is not protected: without high availability of the "
    "virtualisation on container {container}, its loss means: {outcome}",
    source=Source(
        document="003",
        text="Therefore, it is required to be provisioned under virtualization system HA.",
    ),
    by_role=("R63",),
    covers=("R53", "R62"),
    severity=Severity.WARNING,
    blocks=Blocks.RUN,
)
def sole_node_protected(topology: Topology, this: Rule, node: NodeView) -> Iterator[Finding]:
    """Ask for an answer when the one node of a role can be lost for good (critical)."""
    container = topology.container_of(node)
    if container is None or container.virtualisation_ha:
        return
    for assignment in node.assignments:
        role = topology.role(assignment.role)
        if role.failure.needs_virtualization_ha and role.counts.maximum == 1:
            yield this.finding(
                f"node:{node.name}",
                facts=role.failure,
                role=role.key,
                role_name=role.name,
                node=node.name,
                container=container.name,
                outcome=role.failure.outcome,
            )


@sole_node_protected.fix
def _use_protected_machine(topology: Topology, finding: Finding) -> Operation | None:
    """Move the node to an idle machine that is protected."""
    role, node = topology.role(finding.role), topology.nodes[finding.subject_name]
    return move_to_idle(topology, role, node, wanted=lambda c: bool(c.virtualisation_ha))


@role_rule(
    "R65",
    title="Nodes kept alive by the virtualisation have it, or are replaced automatically",
    words="{count} of {total} {role_name} nodes ({examples}) have neither high availability of "
    "the virtualisation nor an automatic replacement. {outcome} Have the virtualisation restart "
    "them, or, if you can live with that, note that they are replaced automatically.",
    source=Source(
        document="002",
        text="If you can live with this, then it's not necessary to deploy it, but you can use "
        "alternate strategies (for example to automatically deploy a replacement node).",
    ),
    by_role=("R59", "R65"),
    covers=("R57", "R58", "R62"),
    severity=Severity.WARNING,
    blocks=Blocks.NOTHING,
)
def nodes_protected(topology: Topology, this: Rule, role: Role) -> Iterator[Finding]:
    """Warn about nodes of OS-level roles that nothing brings back; one finding a role."""
    failure = role.failure
    if failure.level is not HaLevel.OS or not failure.needs_virtualization_ha:
        return
    if role.counts.maximum == 1:  # sole_node_protected speaks
        return
    nodes = topology.nodes_with(role.key)
    bare = [node for node in nodes if not _is_protected(topology, node)]
    if bare:
        yield _about_nodes(this, role, bare, total=len(nodes), outcome=failure.outcome)


@cluster_rule(
    "R67",
    title="A cloud provider's guarantee of availability is known",
    words="{cluster} runs in a cloud, and nobody has noted what availability the provider "
    "guarantees: look it up before you deploy, and note it on the cluster.",
    source=Source(
        document="002",
        text="Always check for the service provider availability guarantees before deploying "
        "VoipNow in the cloud.",
    ),
    severity=Severity.WARNING,
    blocks=Blocks.NOTHING,
)
def guarantee_known(topology: Topology, this: Rule) -> Iterator[Finding]:
    """Warn about a cloud cluster without a noted guarantee."""
    cluster = topology.cluster
    if cluster.infrastructure == "cloud" and not cluster.availability_guarantee:
        yield this.finding("cluster", cluster=cluster.name)


@cluster_rule(
    "R92",
    title="Every node that serves is monitored",
    words="{count} of {total} {role_name} nodes that serve are not monitored ({examples}): "
    "nobody will see in time what they need. Check login and host key of their containers.",
    source=Source(
        document="002",
        text="All nodes must be monitored in order to have timely and insightful information",
    ),
    severity=Severity.ERROR,
    blocks=Blocks.NOTHING,
)
def nodes_monitored(topology: Topology, this: Rule) -> Iterator[Finding]:
    """Report nodes that serve and whose machine no collector hears; one finding a role."""
    if topology.cluster.is_example or topology.cluster.state == "decommissioned":
        return
    serving: defaultdict[str, list[NodeView]] = defaultdict(list)
    for node in topology.nodes.values():
        for assignment in node.assignments:
            if assignment.state == "active":
                serving[assignment.role].append(node)
    heard = _heard(topology) if serving else frozenset()
    for key, nodes in serving.items():
        unheard = [node for node in nodes if f"container:{node.container}" not in heard]
        if unheard:
            unheard.sort(key=lambda node: node.name)
            yield _about_nodes(this, topology.role(key), unheard, total=len(nodes))


@role_rule(
    "K24",
    title="There are spare nodes beyond what must stay healthy",
    words="{role_name} has {count} running nodes; {needed} must stay healthy, so {wanted} are "
    "wanted to survive the loss of one.",
    source=Source(
        document="002",
        text="System is not affected as long as a sufficient number of worker nodes survive",
    ),
    also=(Source(document="K24", text="The operator sets how many must stay healthy."),),
    by_role=("R60",),
    severity=Severity.WARNING,
    blocks=Blocks.NOTHING,
)
def spare_nodes(topology: Topology, this: Rule, role: Role) -> Iterator[Finding]:
    """Warn when the loss of one node leaves fewer than the operator wants healthy."""
    needed = topology.parameter(f"{role.key.replace('-', '_')}_min_healthy")
    if not isinstance(needed, int) or not topology.nodes_with(role.key):
        return
    machines = map(topology.container_of, topology.nodes_with(role.key))
    running = sum(machine is not None and machine.state == "running" for machine in machines)
    if running < needed + 1:
        yield this.finding(
            f"role:{role.key}",
            facts=role.failure,
            role=role.key,
            weight=needed + 1 - running,
            role_name=role.name,
            count=running,
            needed=needed,
            wanted=needed + 1,
        )


@spare_nodes.fix
def _add_spare_nodes(topology: Topology, finding: Finding) -> Operation | None:
    """Put the missing nodes on idle machines."""
    return add_nodes(topology, topology.role(finding.role), finding.weight)


@role_rule(
    "K24",
    title="How many nodes must stay healthy is known",
    words="How many {role_name} nodes are a sufficient number, the vendor does not say: set the "
    "parameter {parameter} of the cluster.",
    source=Source(
        document="002",
        text="System is not affected as long as a sufficient number of worker nodes survive",
    ),
    severity=Severity.INFO,
    blocks=Blocks.NOTHING,
)
def sufficient_number_known(topology: Topology, this: Rule, role: Role) -> Iterator[Finding]:
    """Tell when nobody has said how many nodes of a role must survive."""
    key = f"{role.key.replace('-', '_')}_min_healthy"
    is_asked = any(p.key == key for p in topology.platform.parameters)
    if is_asked and topology.nodes_with(role.key) and topology.parameter(key) is None:
        yield this.finding(
            f"role:{role.key}",
            facts=role.failure,
            role=role.key,
            role_name=role.name,
            parameter=key,
        )


def _is_protected(topology: Topology, node: NodeView) -> bool:
    """Tell whether something brings a node back."""
    container = topology.container_of(node)
    return node.auto_replace or bool(container and container.virtualisation_ha)


def _heard(topology: Topology) -> frozenset[str]:
    """Return the machines that a collector hears, by its own word: nobody can type that."""
    return frozenset(
        fact.subject
        for fact in topology.facts
        if fact.key == "collection" and fact.value == "live" and fact.origin == "measured"
    )


def _about_nodes(
    this: Rule, role: Role, nodes: Sequence[NodeView], *, total: int, **params: Any
) -> Finding:
    """Make one finding about several nodes of a role; the more, the heavier."""
    more = ", …" if len(nodes) > SHOWN else ""
    return this.finding(
        f"role:{role.key}",
        facts=role.failure if this.by_role else None,
        role=role.key,
        weight=len(nodes),
        role_name=role.name,
        count=len(nodes),
        total=total,
        examples=", ".join(node.name for node in nodes[:SHOWN]) + more,
        **params,
    )
