"""Containers and nodes in one order, so that what is equal looks equal; pure."""

from dataclasses import replace
from typing import Any

from inventory.changes import RoleChoice
from inventory.topology import ContainerView, NodeView


def in_order(view: ContainerView) -> ContainerView:
    """Return a container with its addresses by network and its disks by device."""
    return replace(
        view,
        addresses=tuple(sorted(view.addresses, key=lambda a: a.network)),
        disks=tuple(sorted(view.disks, key=lambda d: d.device)),
    )


def node_roles(view: NodeView) -> tuple[RoleChoice, ...]:
    """Return a node's roles by key."""
    return sorted_roles(RoleChoice(a.role, a.group) for a in view.assignments)


def sorted_roles(roles: Any) -> tuple[RoleChoice, ...]:
    """Return roles by key."""
    return tuple(sorted(roles, key=lambda choice: (choice.role, choice.group or "")))
