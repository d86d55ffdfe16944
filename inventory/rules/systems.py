"""Rules about what a release supports: operating systems, and the roles it has."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from inventory.changes import Operation
from inventory.platforms.facts import Source
from inventory.platforms.schema import OperatingSystem, Release
from inventory.rules.base import (
    Blocks,
    Finding,
    Rule,
    Severity,
    cluster_rule,
    node_rule,
)
from inventory.rules.candidates import move_subject
from inventory.topology import ContainerView, NodeView, Topology

SHOWN = 5


@node_rule(
    "R18",
    title="The release supports the container's operating system",
    words="Container {container} runs {system}, which {release} does not support; "
    "it supports {supported}.{elsewhere}",
    source=Source(
        document="000",
        text="When running distributed, VoipNow is compatible with the Linux distributions",
    ),
    by_role=("R18", "R19", "R156"),
)
def operating_system_supported(topology: Topology, this: Rule, node: NodeView) -> Iterator[Finding]:
    """Refuse a node on a system outside its release's list; a single node is exempt (S3)."""
    container = topology.container_of(node)
    if container is None or topology.cluster.kind == "single_node":
        return
    release = topology.release
    if _system_of(release, container):
        return
    found = this.finding(
        f"node:{node.name}",
        facts=release.operating_systems[0],
        container=container.name,
        system=f"{container.os_id} {container.os_version} ({container.arch})",
        release=f"{topology.platform.name} {release.name}",
        supported=", ".join(f"{s.name}" for s in release.operating_systems),
        elsewhere=_elsewhere(topology, container),
    )
    yield replace(found, also=(*found.also, *_struck_out(topology, container)))


@operating_system_supported.fix
def _use_machine_with_system(topology: Topology, finding: Finding) -> Operation | None:
    """Move the node to an idle machine with a supported system."""
    return move_subject(
        topology, finding, wanted=lambda c: _system_of(topology.release, c) is not None
    )


@cluster_rule(
    "K11",
    title="Operating systems are still maintained",
    words="{system} reached the end of its life on {ended}, and {count} machines with nodes run "
    "it ({examples}): it gets no security updates.",
    source=Source(document="K11", text="CentOS 7 and 8 are past their end of life."),
    severity=Severity.WARNING,
    blocks=Blocks.NOTHING,
)
def operating_system_maintained(topology: Topology, this: Rule) -> Iterator[Finding]:
    """Warn about systems without updates; one finding a system."""
    ended = [
        system
        for system in topology.release.operating_systems
        if system.end_of_life_on and system.end_of_life_on < topology.now.date()
    ]
    if not ended:
        return
    found: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for container in topology.containers.values():
        found[container.os_id, container.os_version].append(container.name)
    for system in ended:
        named = [
            name
            for (os_id, version), containers in found.items()
            if system.matches(os_id=os_id, version=version)
            for name in containers
            if topology.nodes_on(name)
        ]
        if names := sorted(named):
            yield this.finding(
                "cluster",
                facts=system,
                weight=len(names),
                address=system.name,
                system=system.name,
                ended=system.end_of_life_on,
                count=len(names),
                examples=", ".join(names[:SHOWN]) + (", …" if len(names) > SHOWN else ""),
            )


@node_rule(
    "S15",
    title="A role exists in the cluster's release",
    words="{release} has no {role_name} role any more, but node {node} has it.",
    source=Source(document="S15", text="Elasticsearch: a fact of the release, with that source."),
    severity=Severity.ERROR,
)
def role_in_release(topology: Topology, this: Rule, node: NodeView) -> Iterator[Finding]:
    """Refuse a role that the pinned release does not have (S15)."""
    for gone in topology.release.unavailable:
        if node.has_role(gone.role):
            yield this.finding(
                f"node:{node.name}",
                facts=gone,
                role=gone.role,
                node=node.name,
                role_name=topology.role(gone.role).name,
                release=topology.release.name,
            )


def _system_of(release: Release, container: ContainerView) -> OperatingSystem | None:
    """Return a release's supported system that a machine runs, None for any other."""
    for system in release.operating_systems:
        if container.arch in system.architectures and system.matches(
            os_id=container.os_id, version=container.os_version
        ):
            return system
    return None


def _elsewhere(topology: Topology, container: ContainerView) -> str:
    """Say which other releases support a machine's system, and that those are older (R19)."""
    names = [r.name for r in topology.platform.releases if _system_of(r, container)]
    if not names:
        return ""
    older = "in an older release only" if _struck_out(topology, container) else "elsewhere"
    return f" It is supported {older}: {' and '.join(names)}."


def _struck_out(topology: Topology, container: ContainerView) -> tuple[Source, ...]:
    """Return the sentences of older text that name a machine's system (R19)."""
    systems = [_system_of(release, container) for release in topology.platform.releases]
    return tuple(s.source for s in systems if s and "R19" in s.requirements)
