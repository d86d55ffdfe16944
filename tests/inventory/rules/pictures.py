"""Pictures of clusters for tests of rules about numbers, locks and groups."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from inventory.changes import Operation
from inventory.rules import Blocks, Finding, Severity, check, findings
from inventory.topology import AssignmentView, ContainerView, FactView, Topology
from tests.factories import NOW, container_data, make_topology

DDB = "distributed-database"


def cluster(*roles: str, platform: str = "voipnow", **fields: Any) -> Topology:
    """Picture a cluster with one planned node for each role given, named ROLE-1 and so on.

    Nodes of a role with availability groups are in A and B by turns.
    """
    numbers: dict[str, int] = {}
    nodes = []
    for role in roles:
        numbers[role] = numbers.get(role, 0) + 1
        nodes.append((f"{role}-{numbers[role]}", role))
    topology = make_topology(*nodes, platform=platform, **fields)
    groups = {
        name: "AB"[(int(name.rsplit("-", 1)[1]) - 1) % 2]
        for name, role in nodes
        if topology.role(role).grouping
    }
    return grouped(topology, groups)


def grouped(topology: Topology, groups: Mapping[str, str | None]) -> Topology:
    """Put nodes into groups, by name."""
    nodes = dict(topology.nodes)
    for name, group in groups.items():
        nodes[name] = replace(
            nodes[name],
            assignments=tuple(replace(a, group=group) for a in nodes[name].assignments),
        )
    return replace(topology, nodes=nodes)


def in_groups(**sizes: int) -> Topology:
    """Picture a Distributed Database with so many nodes in groups of these names."""
    topology = cluster(*[DDB] * sum(sizes.values()))
    names = [group for group, size in sizes.items() for _ in range(size)]
    return grouped(topology, dict(zip(topology.nodes, names, strict=True)))


def provisioned(topology: Topology, state: str = "active", *, only: str = "") -> Topology:
    """Let every node, or one, have gone beyond the plan, each assignment with a row of its own."""
    nodes = {
        name: replace(
            node,
            assignments=tuple(
                AssignmentView(a.role, a.group, state, number * 10 + place)
                for place, a in enumerate(node.assignments)
            ),
        )
        if only in ("", name)
        else node
        for number, (name, node) in enumerate(topology.nodes.items(), 1)
    }
    return replace(topology, nodes=nodes)


def with_extensions(topology: Topology, count: Any, *, subject: str = "cluster") -> Topology:
    """Let a number of extensions be known."""
    fact = FactView(subject, "extensions", count, NOW - timedelta(days=12), "typed")
    return replace(topology, facts=(*topology.facts, fact))


def with_idle(topology: Topology, *names: str, **fields: Any) -> Topology:
    """Add containers without a node that suit any role."""
    system = topology.release.operating_systems[0]
    suitable: dict[str, Any] = {
        "os_id": system.id,
        "os_version": system.version,
        "vcpus": 16,
        "memory_mib": 32768,
        "disk_gib": 2000,
        "credential": "login",
        "host_key": "ssh-ed25519 AAAA",
    }
    machines: list[ContainerView] = []
    for number, name in enumerate(names, 1):
        addresses = {"private": f"10.203.100.{number}", "public": f"10.204.100.{number}"}
        machines.append(container_data(name, **(suitable | addresses | fields)))
    return replace(topology, containers={**topology.containers, **{m.name: m for m in machines}})


def about(topology: Topology, key: str) -> list[Finding]:
    """Return what one rule says of a cluster."""
    return [finding for finding in findings(topology) if finding.key == key]


def changed(topology: Topology, key: str, operation: Operation) -> list[Finding]:
    """Return what one rule says of a change."""
    after = operation.apply(topology)
    return [finding for finding in check(topology, after) if finding.key == key]


def outcome(found: list[Finding]) -> str:
    """Name what a rule's findings do: nothing, note, warn, ask (before a run), hold or refuse."""
    if not found:
        return "nothing"
    (first, *_) = found
    if first.refuses_save:
        return "refuse"
    if first.waiver:
        return "waived"
    asks = first.blocks is Blocks.RUN
    return {
        Severity.ERROR: "hold" if asks else "error",
        Severity.WARNING: "ask" if asks else "warn",
        Severity.INFO: "hold" if asks else "note",
    }[first.severity]
