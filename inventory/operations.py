"""Carries changes out: lock the cluster, picture it, check, write, log.

The one door for writes to a cluster; what belongs to no cluster (networks, places, logins), and a
cluster's birth, is in services.py.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import singledispatch
from typing import Any, TypeVar

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone

from inventory.changes import (
    AddContainer,
    AddNode,
    AttachNetwork,
    ChangeCluster,
    ChangeContainer,
    ChangeError,
    ChangeNode,
    ChangeRevision,
    ChangeSet,
    DetachNetwork,
    GrantWaiver,
    MoveNode,
    Operation,
    RemoveBalancer,
    RemoveContainer,
    RemoveNode,
    RevokeWaiver,
    RoleChoice,
    SetBalancer,
    sight,
)
from inventory.history import lock_clusters, record_change
from inventory.models import (
    Address,
    AvailabilityGroup,
    Balancer,
    Bastion,
    Change,
    Cluster,
    Container,
    Credential,
    Disk,
    Hypervisor,
    Location,
    Network,
    Node,
    Placement,
    Release,
    Role,
    RoleAssignment,
    Waiver,
)
from inventory.operation_permissions import permit_operation
from inventory.rules import Finding, check
from inventory.snapshot import load_pool, load_topology
from inventory.states import AssignmentState
from inventory.topology import ContainerView, WaiverView
from voipadmin.constraints import full_clean

__all__ = [
    "AddContainer",
    "AddNode",
    "AttachNetwork",
    "ChangeCluster",
    "ChangeContainer",
    "ChangeError",
    "ChangeNode",
    "ChangeRevision",
    "ChangeSet",
    "DetachNetwork",
    "GrantWaiver",
    "MoveNode",
    "Operation",
    "Refused",
    "RemoveBalancer",
    "RemoveContainer",
    "RemoveNode",
    "Result",
    "RevokeWaiver",
    "RoleChoice",
    "SetBalancer",
    "perform",
]


Row = TypeVar("Row", bound=models.Model)


class Refused(Exception):
    """An expected no: the findings that stand in the way."""

    def __init__(self, findings: list[Finding]) -> None:
        """Keep the findings; the text lists their numbers and sentences."""
        self.findings = findings
        super().__init__(" ".join(f"{f.rule}: {f.message}" for f in findings))


@dataclass(frozen=True)
class Result:
    """What a change wrote, and the findings it brought that did not stand in its way."""

    row: models.Model
    findings: list[Finding]


@transaction.atomic
def perform(
    operation: Operation,
    *,
    cluster: Cluster | None,
    actor: User | None,
    reason: str = "",
    request_id: str = "",
    seen: str = "",
) -> Result:
    """Carry out a change of a cluster, or of the free pool when it is None.

    Raises PermissionDenied for an actor who may not, Refused for what rules forbid, ChangeError
    for what names nothing there or something twice, ValidationError for values that a row cannot
    hold. Nothing is written then. `seen` is the `sight` of what somebody looked at: ChangeError
    when it was changed since.
    """
    for part in _parts(operation):
        permit_operation(actor, part, cluster)
    locked = lock_clusters([cluster.pk])[cluster.pk] if cluster else None
    before = load_topology(locked) if locked else load_pool()
    if seen and seen != sight(operation.picture(before)):
        raise ChangeError(_meanwhile(locked, operation))
    after = operation.apply(before)
    found = check(before, after)
    if refusing := [finding for finding in found if finding.refuses_save]:
        raise Refused(refusing)
    for part in _parts(operation):
        then = part.apply(before)
        row = _write(part, locked, after.now)
        record_change(
            actor=actor,
            cluster=locked,
            operation=type(part).__name__,
            subject=part.subject,
            summary=part.summary,
            before=part.picture(before),
            after=part.picture(then),
            reason=reason,
            request_id=request_id,
        )
        before = then
    return Result(row, found)


def _meanwhile(cluster: Cluster | None, operation: Operation) -> str:
    """Say who changed what somebody is about to overwrite."""
    last = Change.objects.filter(cluster=cluster, subject=operation.subject).first()
    who = f"{last.actor_name} changed it meanwhile ({last.summary})" if last else "It has changed"
    return f"{who}. Look at it again first: saving once more overwrites that."


def _parts(operation: Operation) -> tuple[Operation, ...]:
    """Return what is written and logged one by one."""
    if not isinstance(operation, ChangeSet):
        return (operation,)
    return tuple(part for whole in operation.parts for part in _parts(whole))


@singledispatch
def _write(operation: Operation, cluster: Any, at: datetime) -> models.Model:
    """Write one change's rows; a kind of change without a writer is a bug."""
    raise NotImplementedError(type(operation).__name__)


@_write.register
def _(operation: ChangeCluster, cluster: Cluster, at: datetime) -> models.Model:
    for name, value in operation.fields.items():
        if name == "release":
            value = Release.objects.get(platform=cluster.platform, key=value)
        if name in ("credential", "bastion"):
            value = _named(Credential if name == "credential" else Bastion, value)
        setattr(cluster, name, value)
    return _saved(cluster)


@_write.register
def _(operation: ChangeRevision, cluster: Cluster, at: datetime) -> models.Model:
    cluster.revision = cluster.platform.revisions.get(number=operation.number)
    return _saved(cluster)


@_write.register
def _(operation: AttachNetwork, cluster: Cluster, at: datetime) -> models.Model:
    network = Network.objects.get(name=operation.network.name)
    cluster.networks.add(network)
    return network


@_write.register
def _(operation: DetachNetwork, cluster: Cluster, at: datetime) -> models.Model:
    network = Network.objects.get(name=operation.name)
    cluster.networks.remove(network)
    return network


@_write.register
def _(operation: AddContainer, cluster: Cluster | None, at: datetime) -> models.Model:
    view = operation.container
    row = Container.objects.select_for_update().get(pk=view.pk) if view.pk else Container()
    if view.pk and row.cluster_id:
        raise ChangeError(f"Container {row.name} belongs to {row.cluster} by now.")
    row.cluster = cluster
    row.is_example = row.is_example or bool(cluster and cluster.is_example)
    return _write_container(row, view)


@_write.register
def _(operation: ChangeContainer, cluster: Cluster | None, at: datetime) -> models.Model:
    row = Container.objects.get(cluster=cluster, name=operation.name)
    return _write_container(row, operation.container)


@_write.register
def _(operation: RemoveContainer, cluster: Cluster | None, at: datetime) -> models.Model:
    row = Container.objects.get(cluster=cluster, name=operation.name)
    if operation.to_pool and cluster:
        row.cluster = None
        return _saved(row)
    if row.placements.exists():
        raise ChangeError(
            f"Container {row.name} is part of the history of its nodes: return it to the free "
            "pool, or set its state to retired."
        )
    row.delete()
    return row


@_write.register
def _(operation: AddNode, cluster: Cluster, at: datetime) -> models.Model:
    row = Node(cluster=cluster, name=operation.name, auto_replace=operation.auto_replace)
    node = _saved(row)
    _place(node, operation.container, at)
    for choice in operation.roles:
        _assign(node, choice, at)
    return node


@_write.register
def _(operation: ChangeNode, cluster: Cluster, at: datetime) -> models.Model:
    node = _node(cluster, operation.name)
    node.name = operation.new_name
    if operation.auto_replace is not None:
        node.auto_replace = operation.auto_replace
    _saved(node)
    wanted = {choice.role: choice for choice in operation.roles}
    for held in node.assignments.filter(valid_to=None).select_related("role", "availability_group"):
        choice = wanted.get(held.role.key)
        group = held.availability_group.name if held.availability_group else None
        if choice and choice.group == group:
            del wanted[held.role.key]
            continue
        _end(RoleAssignment.objects.filter(pk=held.pk), at)
        if choice:  # Only the group changes: what is installed stays installed.
            _assign(node, wanted.pop(held.role.key), at, state=held.state)
    for choice in wanted.values():
        _assign(node, choice, at)
    return node


@_write.register
def _(operation: MoveNode, cluster: Cluster, at: datetime) -> models.Model:
    node = _node(cluster, operation.name)
    _end(node.placements.filter(valid_to=None), at)
    _place(node, operation.container, at)
    return node


@_write.register
def _(operation: RemoveNode, cluster: Cluster, at: datetime) -> models.Model:
    node = _node(cluster, operation.name)
    _end(node.placements.filter(valid_to=None), at)
    _end(node.assignments.filter(valid_to=None), at)
    node.removed_at = at
    return _saved(node)


@_write.register
def _(operation: SetBalancer, cluster: Cluster, at: datetime) -> models.Model:
    view = operation.balancer
    row = Balancer.objects.filter(cluster=cluster, name=view.name).first() or Balancer(
        cluster=cluster, name=view.name
    )
    row.role = Role.objects.get(platform=cluster.platform, key=view.role)
    row.network = Network.objects.get(name=view.network)
    row.ip, row.dns_name = view.ip, view.dns_name
    row.health_based, row.instances = view.health_based, view.instances
    return _saved(row)


@_write.register
def _(operation: RemoveBalancer, cluster: Cluster, at: datetime) -> models.Model:
    row = Balancer.objects.get(cluster=cluster, name=operation.name)
    row.delete()
    return row


@_write.register
def _(operation: GrantWaiver, cluster: Cluster, at: datetime) -> models.Model:
    view = operation.waiver
    _waiver(cluster, view).update(revoked_at=at)
    user = User.objects.filter(username=view.by).first()
    return _saved(
        Waiver(
            cluster=cluster,
            rule=view.key,
            subject=view.subject,
            role=view.role,
            weight=view.weight,
            reason=view.reason,
            created_by=user,
            created_by_name=view.by,
            created_at=at,
            expires_at=view.expires_at,
        )
    )


@_write.register
def _(operation: RevokeWaiver, cluster: Cluster, at: datetime) -> models.Model:
    row = _waiver(cluster, operation.waiver).get()
    row.revoked_at = at
    return _saved(row)


def _saved(row: Row) -> Row:
    """Save a row that holds its own invariants; raises ValidationError with every fault."""
    full_clean(row)
    row.save()
    return row


def _write_container(row: Container, view: ContainerView) -> Container:
    """Write a container with its addresses and disks as its view has them."""
    for name in _PLAIN_COLUMNS:
        setattr(row, name, getattr(view, name))
    row.location = _named(Location, view.location)
    row.hypervisor = _named(Hypervisor, view.hypervisor)
    row.credential = _named(Credential, view.credential)
    row.bastion = _named(Bastion, view.bastion)
    if view.host_key != row.host_key:
        row.host_key = view.host_key
        row.host_key_confirmed_at = timezone.now() if view.host_key else None
    _saved(row)
    _write_addresses(row, view)
    _write_disks(row, view)
    return row


_PLAIN_COLUMNS = (
    "name",
    "os_id",
    "os_version",
    "arch",
    "vcpus",
    "memory_mib",
    "state",
    "virtualisation_ha",
    "behind_nat",
    "ssh_port",
    "ssh_network",
    "skips_bastion",
)


def _write_addresses(row: Container, view: ContainerView) -> None:
    """Replace what changed among a container's addresses, one per network."""
    wanted = {address.network: address for address in view.addresses}
    row.addresses.exclude(network__name__in=wanted).delete()
    for network_name, address in wanted.items():
        network = Network.objects.get(name=network_name)
        held = row.addresses.filter(network=network).first() or Address(
            container=row, network=network
        )
        held.ip, held.name = address.ip, address.name
        _saved(held)


def _write_disks(row: Container, view: ContainerView) -> None:
    """Replace what changed among a container's disks, by device."""
    wanted = {disk.device: disk for disk in view.disks}
    row.disks.exclude(device__in=wanted).delete()
    for device, disk in wanted.items():
        held = row.disks.filter(device=device).first() or Disk(container=row, device=device)
        held.size_gib, held.kind, held.purpose = disk.size_gib, disk.kind, disk.purpose
        _saved(held)


def _named(model: type[Any], name: str | None) -> Any:
    """Return the row of this unique name, None for no name."""
    if name is None:
        return None
    try:
        return model.objects.get(name=name)
    except model.DoesNotExist:
        label = model._meta.verbose_name
        raise ValidationError({label: f"There is no {label} {name}."}) from None


def _node(cluster: Cluster, name: str) -> Node:
    """Return a cluster's present node."""
    return Node.objects.get(cluster=cluster, name=name, removed_at=None)


def _place(node: Node, container: str, at: datetime) -> None:
    """Open a placement."""
    row = Container.objects.get(cluster=node.cluster, name=container)
    _saved(Placement(node=node, container=row, valid_from=at))


def _assign(
    node: Node, choice: RoleChoice, at: datetime, *, state: str = AssignmentState.PLANNED
) -> None:
    """Open an assignment, in its group where it names one."""
    role = Role.objects.get(platform=node.cluster.platform, key=choice.role)
    group = None
    if choice.group:
        group, _ = AvailabilityGroup.objects.get_or_create(
            cluster=node.cluster, role=role, name=choice.group
        )
    _saved(
        RoleAssignment(node=node, role=role, availability_group=group, state=state, valid_from=at)
    )


def _waiver(cluster: Cluster, view: WaiverView) -> models.QuerySet[Waiver]:
    """Select the waiver in force for a finding."""
    return Waiver.objects.filter(
        cluster=cluster, rule=view.key, subject=view.subject, role=view.role, revoked_at=None
    )


def _end(rows: Any, at: datetime) -> None:
    """Close what holds now; the past stays."""
    rows.update(valid_to=at)
