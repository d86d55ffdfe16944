"""Rules about how large machines are beyond the minimum of one role."""

from collections.abc import Iterator, Sequence

from inventory.changes import Operation
from inventory.platforms.facts import Hardware, Source
from inventory.platforms.schema import Role
from inventory.rules.base import (
    Blocks,
    Finding,
    Rule,
    Severity,
    container_rule,
    role_rule,
)
from inventory.rules.candidates import move_to_idle
from inventory.rules.collocation import merged_needs
from inventory.topology import ContainerView, Topology

SHOWN = 5


@role_rule(
    "R120",
    title="Machines have the hardware that is recommended",
    words="{count} of {total} {role_name} machines ({examples}) have what the role needs at least, "
    "but less than the {recommended} that are recommended.",
    source=Source(document="004", text="Server Roles & Requirements"),
    severity=Severity.WARNING,
    blocks=Blocks.NOTHING,
)
def hardware_recommended(topology: Topology, this: Rule, role: Role) -> Iterator[Finding]:
    """Warn about machines between minimum and recommendation; one finding a role."""
    hardware = role.hardware
    if hardware is None or not (hardware.vcpu_recommended or hardware.memory_mib_recommended):
        return
    if any(figure.vcpu == hardware.vcpu_recommended for figure in role.capacity):
        return  # The capacity of the size says more: size_of_figure speaks.
    machines = list(filter(None, map(topology.container_of, topology.nodes_with(role.key))))
    small = [machine for machine in machines if _is_between(hardware, machine)]
    if small:
        yield this.finding(
            f"role:{role.key}",
            facts=hardware,
            role=role.key,
            weight=len(small),
            role_name=role.name,
            count=len(small),
            total=len(machines),
            recommended=_size(
                hardware.vcpu_recommended or hardware.vcpu_min,
                hardware.memory_mib_recommended or hardware.memory_mib_min,
            ),
            examples=_examples(small),
        )


@container_rule(
    "S5",
    title="What several roles need on one machine adds up",
    words="Container {container} has {has} and carries {roles}. Together they need {needs}.",
    source=Source(
        document="S5", text="The maximum of the classes, plus a warning that they add up."
    ),
    also=(
        Source(document="K2", text="Merged requirements: union of networks, sum of resources."),
        Source(document="K21", text="Classes or minima, as the platform has them; never mixed."),
    ),
    covers=("K2", "K21"),
    severity=Severity.WARNING,
    blocks=Blocks.NOTHING,
)
def needs_add_up(topology: Topology, this: Rule, container: ContainerView) -> Iterator[Finding]:
    """Warn when each role fits a machine and all do not; each alone is R120's matter.

    Classes have no sum: there several nodes on one machine are warned about, and several roles of
    one node by R8.
    """
    nodes = topology.nodes_on(container.name)
    if topology.cluster.kind == "single_node" or sum(len(n.assignments) for n in nodes) < 2:
        return
    roles = [topology.role(a.role) for node in nodes for a in node.assignments]
    rated = len(nodes) > 1 and sum(role.resources is not None for role in roles) > 1
    if rated or _is_too_small(container, [role.hardware for role in roles if role.hardware]):
        yield this.finding(
            f"container:{container.name}",
            weight=len(roles) - 1,
            container=container.name,
            roles=" and ".join(role.name for role in roles),
            has=f"{_size(container.vcpus, container.memory_mib)} memory and {container.disk_gib} "
            "GiB disk",
            needs="; ".join(merged_needs(roles)),
        )


@needs_add_up.fix
def _move_one_away(topology: Topology, finding: Finding) -> Operation | None:
    """Move a node to an idle machine; one node with several roles stays whole."""
    nodes = [node for node in topology.nodes_on(finding.subject_name) if node.assignments]
    if len(nodes) < 2:
        return None
    moves = (move_to_idle(topology, topology.role(n.assignments[0].role), n) for n in nodes)
    return next(filter(None, moves), None)


def _is_between(hardware: Hardware, machine: ContainerView) -> bool:
    """Tell whether a machine has the minimum and not the recommendation."""
    if machine.vcpus < hardware.vcpu_min or machine.memory_mib < hardware.memory_mib_min:
        return False
    return machine.vcpus < (hardware.vcpu_recommended or 0) or machine.memory_mib < (
        hardware.memory_mib_recommended or 0
    )


def _is_too_small(container: ContainerView, minima: Sequence[Hardware]) -> bool:
    """Tell whether a machine has less than the sum of minima of which it has each."""
    sums = (
        (container.vcpus, [hardware.vcpu_min for hardware in minima]),
        (container.memory_mib, [hardware.memory_mib_min for hardware in minima]),
        (container.disk_gib, [hardware.disk_gib_min for hardware in minima]),
    )
    return any(max(needs, default=0) <= has < sum(needs) for has, needs in sums)


def _size(vcpus: int, memory_mib: int) -> str:
    """Write a size of machine."""
    return f"{vcpus} vCPU, {memory_mib / 1024:g} GiB"


def _examples(machines: Sequence[ContainerView]) -> str:
    """Name the first few."""
    more = ", …" if len(machines) > SHOWN else ""
    return ", ".join(machine.name for machine in machines[:SHOWN]) + more
