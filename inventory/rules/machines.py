"""Rules about the machines that nodes run on."""

from collections.abc import Iterator

from inventory.changes import Operation
from inventory.platforms.facts import Hardware, Source
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
from inventory.rules.candidates import move_subject
from inventory.topology import ContainerView, NodeView, Topology

SHOWN = 5
FAST = ("ssd", "nvme")


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
    return move_subject(topology, finding)


@node_rule(
    "R121",
    title="Rows of a database lie on solid state",
    words="Container {container} has no SSD for the data of node {node}, and {role_name} requires "
    "one: every write waits for the disk.",
    source=Source(document="004", text="| 4 | 16GB | 500GB SSD |"),
    by_role=("R121",),
    severity=Severity.WARNING,
    blocks=Blocks.RUN,
)
def solid_state(topology: Topology, this: Rule, node: NodeView) -> Iterator[Finding]:
    """Ask for an answer before a database is installed on spinning disks."""
    container = topology.container_of(node)
    for assignment in node.assignments if container else ():
        role = topology.role(assignment.role)
        if container and _is_slow(role.hardware, container):
            yield this.finding(
                f"node:{node.name}",
                facts=role.hardware,
                role=role.key,
                node=node.name,
                container=container.name,
                role_name=role.name,
            )


@solid_state.fix
def _use_fast_machine(topology: Topology, finding: Finding) -> Operation | None:
    """Move the node to an idle machine with solid state."""
    hardware = topology.role(finding.role).hardware
    return move_subject(topology, finding, wanted=lambda c: not _is_slow(hardware, c))


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
        weight=2 if is_gone else 1,  # Worse than a machine that failed, which was there before.
        role=node.assignments[0].role if node.assignments else "",
        node=node.name,
        container=container.name,
        state=container.state,
    )


@container_runs.fix
def _use_running_machine(topology: Topology, finding: Finding) -> Operation | None:
    """Move the node to an idle machine that runs."""
    return move_subject(topology, finding)


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
    if container is None:
        return
    login = container.credential or topology.cluster.credential
    lacks = [] if login else ["choose a login"]
    lacks += ["confirm its host key"] if not container.host_key else []
    for assignment in node.assignments if lacks else ():
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


def _is_slow(hardware: Hardware | None, container: ContainerView) -> bool:
    """Tell whether a role wants solid state and a machine's disks for data are none."""
    if hardware is None or hardware.disk_kind != "ssd" or not container.disks:
        return False
    # Where data has disks of its own (R155), these are the ones that count.
    disks = [disk for disk in container.disks if disk.purpose != "system"] or container.disks
    return not any(disk.kind in FAST for disk in disks)


def _gib(mib: int) -> str:
    """Write MiB as GiB without a needless fraction."""
    return f"{mib / 1024:g}"
