"""Writers of facts, events, changes and assignment states."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from inventory.models import Change, Cluster, Container, Event, Fact, Node, RoleAssignment
from inventory.states import AssignmentState, Origin


def record_event(
    *,
    kind: str,
    message: str,
    cluster: Cluster | None = None,
    container: Container | None = None,
    node: Node | None = None,
    data: dict[str, Any] | None = None,
) -> Event:
    """Append that something happened."""
    return Event.objects.create(
        kind=kind,
        message=message,
        cluster=cluster or (container.cluster if container else None),
        container=container,
        node=node,
        data=data or {},
    )


def record_fact(
    *,
    cluster: Cluster,
    key: str,
    value: Any,
    origin: Origin,
    container: Container | None = None,
    node: Node | None = None,
    at: datetime | None = None,
) -> Fact:
    """Write what is known of a subject; takes the cluster's lock, for rules read facts."""
    with transaction.atomic():
        lock_clusters([cluster.pk])
        fact, _ = Fact.objects.update_or_create(
            cluster=cluster,
            container=container,
            node=node,
            key=key,
            origin=origin,
            defaults={"value": value, "at": at or timezone.now()},
        )
    return fact


def record_change(
    *,
    actor: User | None,
    cluster: Cluster | None,
    operation: str,
    subject: str,
    summary: str,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
    reason: str = "",
    request_id: str = "",
) -> Change:
    """Append who changed what; the name outlives the user."""
    return Change.objects.create(
        actor=actor,
        actor_name=actor.get_username() if actor else "voipadmin",
        cluster=cluster,
        operation=operation,
        subject=subject,
        summary=summary,
        before=before,
        after=after,
        reason=reason,
        request_id=request_id,
    )


def set_assignment_state(*, assignments: Iterable[RoleAssignment], state: AssignmentState) -> None:
    """Move current assignments of one cluster to a state, as a run installs them."""
    rows = list(assignments)
    with transaction.atomic():
        lock_clusters({row.node.cluster_id for row in rows})
        RoleAssignment.objects.filter(pk__in=[row.pk for row in rows], valid_to=None).update(
            state=state
        )


def lock_clusters(pks: Iterable[int | None]) -> dict[int, Cluster]:
    """Lock clusters in the order of their keys, so that two writers never wait for each other."""
    rows = (
        Cluster.objects.select_for_update(of=("self",))
        .select_related("revision__platform", "release", "platform", "credential", "bastion")
        .filter(pk__in=[pk for pk in pks if pk is not None])
        .order_by("pk")
    )
    return {row.pk: row for row in rows}
