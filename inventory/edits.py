"""Which operations turn what is there into what somebody wants; API and admin carry them out."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from inventory.models import Cluster, Container, Network, Node
from inventory.operations import (
    AddContainer,
    AttachNetwork,
    ChangeCluster,
    ChangeContainer,
    ChangeNode,
    DetachNetwork,
    MoveNode,
    Operation,
    RemoveContainer,
    RoleChoice,
)
from inventory.snapshot import network_view
from inventory.topology import ContainerView


def cluster_edits(cluster: Cluster, wanted: dict[str, Any]) -> Iterator[Operation]:
    """Yield the change of the columns that differ."""
    changed = {name: value for name, value in wanted.items() if value != getattr(cluster, name)}
    if "release" in changed:
        changed["release"] = changed["release"].key
    for name in ("credential", "bastion"):
        if changed.get(name):
            changed[name] = changed[name].name
    if changed:
        yield ChangeCluster(changed)


def network_edits(cluster: Cluster, wanted: Iterable[Network]) -> Iterator[Operation]:
    """Yield what is attached, then what is let go."""
    held = {network.name for network in cluster.networks.all()}
    rows = {network.name: network for network in wanted}
    for name in sorted(rows.keys() - held):
        yield AttachNetwork(network_view(rows[name]))
    for name in sorted(held - rows.keys()):
        yield DetachNetwork(name)


def container_edits(
    row: Container, view: ContainerView, target: Cluster | None
) -> Iterator[tuple[Operation, Cluster | None]]:
    """Yield operations with their clusters: a change, or a move between clusters and free pool."""
    if target == row.cluster:
        yield ChangeContainer(row.name, view), target
        return
    if row.cluster:
        yield RemoveContainer(row.name, to_pool=True), row.cluster
    if target:
        yield AddContainer(replace(view, pk=row.pk)), target
    else:
        yield ChangeContainer(row.name, view), None


def node_edits(
    node: Node,
    *,
    name: str,
    container: str | None,
    roles: tuple[RoleChoice, ...],
    auto_replace: bool | None = None,
) -> Iterator[Operation]:
    """Yield a move and a change of name, roles and replacement, as far as they differ."""
    placement = node.placements.filter(valid_to=None).select_related("container").first()
    if container and not (placement and placement.container.name == container):
        yield MoveNode(node.name, container)
    replaced = auto_replace is not None and auto_replace != node.auto_replace
    if replaced or name != node.name or set(roles) != set(held_roles(node)):
        yield ChangeNode(node.name, name, roles, auto_replace)


def held_roles(node: Node) -> tuple[RoleChoice, ...]:
    """Return the roles that a node has now."""
    rows = node.assignments.filter(valid_to=None).select_related("role", "availability_group")
    return tuple(
        RoleChoice(row.role.key, row.availability_group.name if row.availability_group else None)
        for row in rows
    )
