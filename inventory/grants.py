"""Giving levels of access and taking them back, each logged."""

from typing import Any

from django.contrib.auth.models import Group, User
from django.db import transaction

from inventory.access import permit
from inventory.access_levels import AccessLevel
from inventory.history import record_change
from inventory.models import Cluster, Grant
from voipadmin.constraints import full_clean


@transaction.atomic
def give_level(
    *,
    level: str,
    cluster: Cluster | None,
    actor: User | None,
    user: User | None = None,
    group: Group | None = None,
    request_id: str = "",
) -> Grant:
    """Let a user or a group do something in a cluster, or in all of them when None.

    Raises PermissionDenied for who does not administer it, ValidationError by field.
    """
    grant = Grant(
        user=user,
        group=group,
        cluster=cluster,
        level=level,
        granted_by=actor,
        granted_by_name=actor.get_username() if actor else "voipadmin",
    )
    permit(actor, "inventory.add_grant", grant)
    full_clean(grant)
    grant.save()
    _record("GiveLevel", grant, actor, request_id, before=None, after=picture(grant))
    return grant


@transaction.atomic
def take_level(*, grant: Grant, actor: User | None, request_id: str = "") -> None:
    """Take a level back; what its holder has through other grants stays."""
    permit(actor, "inventory.delete_grant", grant)
    before = picture(grant)
    grant.delete()
    _record("TakeLevel", grant, actor, request_id, before=before, after=None)


def picture(grant: Grant) -> dict[str, Any]:
    """Return what a change of a grant shows."""
    return {
        "holder": grant.holder,
        "level": str(grant.level),
        "cluster": grant.cluster.slug if grant.cluster else None,
    }


def _record(
    operation: str, grant: Grant, actor: User | None, request_id: str, **pictures: Any
) -> None:
    """Append who gave or took what."""
    word = {"GiveLevel": "Make {} {} of {}", "TakeLevel": "Let {} be no {} of {} any more"}
    where = grant.cluster or "all clusters"
    record_change(
        actor=actor,
        cluster=grant.cluster,
        operation=operation,
        subject=f"grant:{grant.holder}",
        summary=word[operation].format(grant.holder, AccessLevel(grant.level).value, where),
        request_id=request_id,
        **pictures,
    )
