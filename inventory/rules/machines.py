"""Rules about the machines that nodes run on."""

from collections import defaultdict
from collections.abc import Iterator

from inventory.changes import Operation
from inventory.platforms.facts import Source
from inventory.platforms.schema import Release, Role
from inventory.rules.base import (
    Blocks,
    Finding,
    Rule,
    Severity,
    cluster_rule,
    node_rule,
    role_rule,
)
from inventory.rules.candidates import move_to_idle
from inventory.topology import ContainerView, NodeView, Topology

SHOWN = 5


@node_rule(
    "R7",
    title="A node has a container to run on",
    words="Node {node} has no container: move it to one.",
    source=Source(document="000", text="The Node requires a Container in order to run"),
    blocks=Blocks.RUN,
)
def container_required(topology: Topology, this: Rule, node: NodeView) -> Iterator[Finding]:
    """Hold a run back while a node runs nowhere."""
    if not topology.container_of(node):
        role = node.assignments[0].role if node.assignments else ""
        yield this.finding(f"node:{node.name}", role=role, node=node.name)


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
    older = [r.name for r in topology.platform.releases if _system_of(r, container)]
    yield this.finding(
        f"node:{node.name}",
        facts=release.operating_systems[0],
        container=container.name,
        system=f"{container.os_id} {container.os_version} ({container.arch})",
        release=f"{topology.platform.name} {release.name}",
        supported=", ".join(f"{s.name}" for s in release.operating_systems),
        elsewhere=f" It is supported in {' and '.join(older)} only." if older else "",
    )


@operating_system_supported.fix
def _use_machine_with_system(topology: Topology, finding: Finding) -> Operation | None:
    """Move the node to an idle machine with a supported system."""
    return _move(topology, finding)


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
    found: defaultdict[str, list[str]] = defaultdict(list)
    for container in topology.containers.values():
        for system in ended:
            is_it = system.matches(os_id=container.os_id, version=container.os_version)
            if is_it and topology.nodes_on(container.name):
                found[system.name].append(container.name)
    for system in ended:
        if names := sorted(found[system.name]):
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
    "R120",
    title="A container has the hardware that its roles need at least",
    words="Container {container} has {has}, but node {node} ({role_name}) needs at least {needs}.",
    source=Source(document="004", text="Server Roles & Requirements"),
)
def hardware_minimum(topology: Topology, this: Rule, node: NodeView) -> Iterator[Finding]:
    """Refuse a role on a machine that is smaller than the vendor's minimum."""
    container = topology.container_of(node)
    if container is None:
        return
    for assignment in node.assignments:
        role = topology.role(assignment.role)
        short = list(_shortages(role, container))
        if short:
            yield this.finding(
                f"node:{node.name}",
                facts=role.hardware,
                role=role.key,
                weight=len(short),
                container=container.name,
                node=node.name,
                role_name=role.name,
                has=" and ".join(has for has, _ in short),
                needs=" and ".join(needs for _, needs in short),
            )


@hardware_minimum.fix
def _use_larger_machine(topology: Topology, finding: Finding) -> Operation | None:
    """Move the node to an idle machine that is large enough."""
    return _move(topology, finding)


@role_rule(
    "R155",
    title="Databases and recordings have disks of their own",
    words="{count} of {total} {role_name} machines have no disk of their own for the role's data "
    "({examples}): what fills the system disk stops the role, and both share its speed.",
    source=Source(document="004", text="Dedicated disks for databases and recordings"),
    severity=Severity.WARNING,
    blocks=Blocks.NOTHING,
)
def dedicated_disk(topology: Topology, this: Rule, role: Role) -> Iterator[Finding]:
    """Warn about machines whose only disk is the system's; one finding a role."""
    if role.hardware is None or not role.hardware.dedicated_disk:
        return
    machines = list(filter(None, map(topology.container_of, topology.nodes_with(role.key))))
    shared = [m for m in machines if m.disks and all(d.purpose == "system" for d in m.disks)]
    if shared:
        more = ", …" if len(shared) > SHOWN else ""
        yield this.finding(
            f"role:{role.key}",
            role=role.key,
            weight=len(shared),
            role_name=role.name,
            count=len(shared),
            total=len(machines),
            examples=", ".join(m.name for m in shared[:SHOWN]) + more,
        )


@node_rule(
    "R4",
    title="A node's machine is there",
    words="Node {node} runs on container {container}, which is {state}: move the node to a "
    "machine that runs.",
    source=Source(document="000", text="The Node requires a Container in order to run"),
    severity=Severity.WARNING,
    blocks=Blocks.NOTHING,
)
def container_runs(topology: Topology, this: Rule, node: NodeView) -> Iterator[Finding]:
    """Warn about a machine that stands still or failed; refuse one that is retired."""
    container = topology.container_of(node)
    if container is None or container.state == "running":
        return
    is_gone = container.state == "retired"
    yield this.finding(
        f"node:{node.name}",
        severity=Severity.ERROR if is_gone else None,
        blocks=Blocks.SAVE if is_gone else None,
        role=node.assignments[0].role if node.assignments else "",
        node=node.name,
        container=container.name,
        state=container.state,
    )


@container_runs.fix
def _use_running_machine(topology: Topology, finding: Finding) -> Operation | None:
    """Move the node to an idle machine that runs."""
    return _move(topology, finding)


@node_rule(
    "S15",
    title="A role exists in the cluster's release",
    words="{release} has no {role_name} role any more, but node {node} has it.",
    source=Source(document="S15", text="A fact of the release."),
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


@node_rule(
    "S8",
    title="The portal can log in to every machine it installs",
    words="The portal cannot log in to container {container} yet: {missing}.",
    source=Source(document="S8", text="SSH from portal and bastion"),
    severity=Severity.INFO,  # Not a fault of the cluster: something to do before its run.
    blocks=Blocks.RUN,
)
def login_ready(topology: Topology, this: Rule, node: NodeView) -> Iterator[Finding]:
    """Hold a run back while a machine of a node has no login or no confirmed host key."""
    if topology.cluster.is_example:
        return
    container = topology.container_of(node)
    if container is None or container.ssh_ready:
        return
    lacks = ["choose a login"] if container.credential is None else []
    lacks += ["confirm its host key"] if not container.host_key else []
    for assignment in node.assignments:
        yield this.finding(
            f"container:{container.name}",
            role=assignment.role,
            container=container.name,
            missing=" and ".join(lacks),
        )


@cluster_rule(
    "V1",
    title="An example is never installed",
    words="{cluster} is an example: its machines do not exist, and no run touches them.",
    source=Source(document="voipadmin", text="Example data is never installed nor monitored."),
    severity=Severity.INFO,
    blocks=Blocks.RUN,
)
def example_is_not_installed(topology: Topology, this: Rule) -> Iterator[Finding]:
    """Hold every run on an example cluster back."""
    if topology.cluster.is_example:
        yield this.finding("cluster", cluster=topology.cluster.name)


def _move(topology: Topology, finding: Finding) -> Operation | None:
    """Move a finding's node to an idle machine that suits its first role."""
    node = topology.nodes[finding.subject_name]
    if not node.assignments:
        return None
    role = topology.role(finding.role or node.assignments[0].role)
    return move_to_idle(topology, role, node)


def _system_of(release: Release, container: ContainerView) -> bool:
    """Tell whether a release supports a machine's system."""
    return any(
        system.matches(os_id=container.os_id, version=container.os_version)
        and container.arch in system.architectures
        for system in release.operating_systems
    )


def _shortages(role: Role, container: ContainerView) -> Iterator[tuple[str, str]]:
    """Yield what a machine has and what it needs, where it has less."""
    hardware = role.hardware
    if hardware is None:
        return
    if container.vcpus < hardware.vcpu_min:
        yield f"{container.vcpus} vCPU", f"{hardware.vcpu_min} vCPU"
    if container.memory_mib < hardware.memory_mib_min:
        yield f"{_gib(container.memory_mib)} GiB memory", f"{_gib(hardware.memory_mib_min)} GiB"
    if container.disk_gib < hardware.disk_gib_min:
        yield f"{container.disk_gib} GiB disk", f"{hardware.disk_gib_min} GiB"
    fast = hardware.disk_kind == "ssd"
    if fast and container.disks and not any(d.kind in ("ssd", "nvme") for d in container.disks):
        yield "no SSD", "an SSD"


def _gib(mib: int) -> str:
    """Write MiB as GiB without a needless fraction."""
    return f"{mib / 1024:g}"
