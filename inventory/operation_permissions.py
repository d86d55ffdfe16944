"""Which permission an operation takes; asked at the one door, whoever opened it."""

from typing import Any

from django.contrib.auth.models import User

from inventory.access import POOL, permit
from inventory.changes import (
    AddContainer,
    AddNode,
    AttachNetwork,
    ChangeCluster,
    ChangeContainer,
    ChangeNode,
    ChangeRevision,
    DetachNetwork,
    GrantWaiver,
    MoveNode,
    Operation,
    RemoveBalancer,
    RemoveContainer,
    RemoveNode,
    RevokeWaiver,
    SetBalancer,
)
from inventory.models import Cluster, Network

# Any of them will do.
PERMISSIONS: dict[type[Operation], tuple[str, ...]] = {
    AddContainer: ("add_container",),
    AddNode: ("add_node",),
    # Who founds a cluster, or describes a network for it, lets it use the network.
    AttachNetwork: ("change_cluster", "add_network", "add_cluster"),
    ChangeCluster: ("change_cluster",),
    ChangeContainer: ("change_container",),
    ChangeNode: ("change_node",),
    ChangeRevision: ("change_cluster",),
    DetachNetwork: ("change_cluster",),
    # Which of the two it is, the rule says: inventory/waivers.py asks for that one.
    GrantWaiver: ("accept_warning", "override_lock"),
    MoveNode: ("change_node",),
    RemoveBalancer: ("delete_balancer",),
    RemoveContainer: ("delete_container",),
    RemoveNode: ("delete_node",),
    RevokeWaiver: ("accept_warning", "override_lock"),
    SetBalancer: ("add_balancer", "change_balancer"),
}
# A machine that goes to the pool, or comes from it, is changed rather than made or removed.
_MOVED = ("change_container",)


def permit_operation(actor: User | None, operation: Operation, cluster: Cluster | None) -> None:
    """Refuse (PermissionDenied) who may not do this in a cluster, or in the pool when None."""
    names = PERMISSIONS[type(operation)]
    if isinstance(operation, AddContainer) and operation.container.pk:
        names = (*names, *_MOVED)
    if isinstance(operation, RemoveContainer) and operation.to_pool:
        names = _MOVED
    permit(actor, [f"inventory.{name}" for name in names], cluster or POOL)
    if isinstance(operation, AttachNetwork) and actor:
        network: Any = Network.objects.filter(name=operation.network.name).first()
        permit(actor, ("inventory.view_network", "inventory.add_network"), network or POOL)
