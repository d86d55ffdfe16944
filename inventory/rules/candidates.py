"""Finds idle containers that suit a role, and planned nodes to leave out, for fixes; pure."""

from collections.abc import Callable, Iterator
from itertools import islice

from inventory.changes import (
    AddNode,
    ChangeError,
    ChangeNode,
    ChangeSet,
    MoveNode,
    Operation,
    RemoveNode,
    RoleChoice,
)
from inventory.platforms.facts import Need
from inventory.platforms.schema import Role
from inventory.rules.base import Finding, Severity
from inventory.rules.engine import check
from inventory.topology import ContainerView, NodeView, Topology

# Machines of a kind fail alike: after so many that do not suit, no further one is tried.
_TRIES = 8


def add_nodes(topology: Topology, role: Role, count: int) -> Operation | None:
    """Return the change that adds so many nodes of a role, None without machines that suit."""
    parts: list[AddNode] = []
    sizes = group_sizes(topology, role)
    for container in _suitable(topology, role):
        if len(parts) == count:
            break
        group = smallest_group(role, sizes)
        if group is not None:
            sizes[group] = sizes.get(group, 0) + 1
        parts.append(add_node(topology, role, container, group))
    if len(parts) < count or not parts:
        return None
    return parts[0] if count == 1 else ChangeSet(tuple(parts))


def add_node(topology: Topology, role: Role, container: str, group: str | None) -> AddNode:
    """Return a node of the role on a container, named like its machine if that name is free."""
    name = container if container not in topology.nodes else f"{container}-{role.short}"
    return AddNode(name, container, (RoleChoice(role.key, group),))


def move_to_idle(
    topology: Topology,
    role: Role,
    node: NodeView,
    *,
    wanted: Callable[[ContainerView], bool] = lambda container: True,
) -> MoveNode | None:
    """Return the change that moves a node to an idle container that suits it and is `wanted`."""
    idle = (name for name in _idle(topology, role) if wanted(topology.containers[name]))
    for container in islice(idle, _TRIES):
        operation = MoveNode(node.name, container)
        if not _brings_error(topology, operation):
            return operation
    return None


def move_subject(
    topology: Topology,
    finding: Finding,
    *,
    wanted: Callable[[ContainerView], bool] = lambda container: True,
) -> Operation | None:
    """Move a finding's node to an idle machine that suits the role concerned."""
    node = topology.nodes[finding.subject_name]
    if not node.assignments:
        return None
    role = topology.role(finding.role or node.assignments[0].role)
    return move_to_idle(topology, role, node, wanted=wanted)


def remove_planned(topology: Topology, role: Role, count: int) -> Operation | None:
    """Return the change that takes planned nodes of a role out, the last by name first."""
    planned = [
        node
        for node in reversed(topology.nodes_with(role.key))
        if any(a.role == role.key and a.state == "planned" for a in node.assignments)
    ]
    parts = [_without_role(node, role) for node in planned[:count]]
    return parts[0] if len(parts) == 1 else ChangeSet(tuple(parts)) if parts else None


def _without_role(node: NodeView, role: Role) -> Operation:
    """Return the change that takes a role from a node, and the node with its last role."""
    rest = tuple(RoleChoice(a.role, a.group) for a in node.assignments if a.role != role.key)
    return ChangeNode(node.name, node.name, rest) if rest else RemoveNode(node.name)


def group_sizes(topology: Topology, role: Role) -> dict[str, int]:
    """Return how many nodes of a role each of its availability groups has, empty ones included."""
    sizes = {group.name: 0 for group in topology.groups if group.role == role.key}
    for node in topology.nodes_with(role.key):
        for assignment in node.assignments:
            if assignment.role == role.key and assignment.group:
                sizes[assignment.group] = sizes.get(assignment.group, 0) + 1
    return sizes


def smallest_group(role: Role, sizes: dict[str, int]) -> str | None:
    """Return the group that the next node of a role joins, None for a role without groups."""
    if role.grouping is None:
        return None
    used = {name: size for name, size in sizes.items() if size} or sizes
    return min(used, key=lambda name: (used[name], name), default="A")


def _suitable(topology: Topology, role: Role) -> Iterator[str]:
    """Yield idle containers on which a node of the role brings no error of its own."""
    failures = 0
    for container in _idle(topology, role):
        operation = add_node(
            topology, role, container, smallest_group(role, group_sizes(topology, role))
        )
        if _brings_error(topology, operation):
            failures += 1
        else:
            yield container
        if failures == _TRIES:
            return


def _brings_error(topology: Topology, operation: AddNode | MoveNode) -> bool:
    """Tell whether the node or its machine would be wrong; numbers of nodes are judged later.

    What somebody has to answer for before a run is nothing to propose in one click either.
    """
    subjects = (f"node:{operation.name}", f"container:{operation.container}")
    try:
        after = operation.apply(topology)
    except ChangeError:  # Another node has the name.
        return True
    return any(
        found.subject in subjects and (found.severity is Severity.ERROR or _is_asked(found))
        for found in check(topology, after)
    )


def _is_asked(finding: Finding) -> bool:
    """Tell whether a warning has to be answered for before a run."""
    return finding.severity is Severity.WARNING and finding.refuses_run


def _idle(topology: Topology, role: Role) -> list[str]:
    """Return running containers without a node: the smallest that suffice first."""
    busy = {node.container for node in topology.nodes.values()}
    idle = [
        container
        for container in topology.containers.values()
        if container.name not in busy and container.state == "running"
    ]
    return [container.name for container in sorted(idle, key=lambda c: _order(topology, role, c))]


def _order(topology: Topology, role: Role, container: ContainerView) -> tuple[object, ...]:
    """Sort machines: enough hardware, networks as the role wants them, then small before large."""
    hardware = role.hardware
    short = hardware is not None and (
        container.vcpus < hardware.vcpu_min
        or container.memory_mib < hardware.memory_mib_min
        or container.disk_gib < hardware.disk_gib_min
    )
    public = topology.address(container.name, "public") is not None
    needs = role.networks.public
    wrong = public if needs is Need.DISCOURAGED else needs is Need.REQUIRED and not public
    return (
        short,
        topology.address(container.name, "private") is None,
        wrong,
        container.vcpus,
        container.memory_mib,
        container.name,
    )
