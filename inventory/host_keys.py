"""Host keys: pinned when somebody has compared them; a machine that shows another is told of."""

from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from inventory.access import permit
from inventory.history import lock_clusters, record_change, record_event, record_fact
from inventory.models import Bastion, Container, Fact
from inventory.ssh import HostKey, HostKeyUnknown
from inventory.states import Origin

REPIN = "inventory.repin_host_key"
# A fact about a machine that shows another key than the pinned one: that key's fingerprint.
SHOWN = "shown_host_key"


def is_repin(row: Container | Bastion, host_key: str) -> bool:
    """Tell whether a key takes the place of a pinned one, or leaves none pinned."""
    return bool(row.host_key) and row.host_key != host_key


@transaction.atomic
def pin_host_key(
    *, row: Container | Bastion, host_key: str, actor: User | None, reason: str = ""
) -> None:
    """Trust a host key that somebody has compared and confirmed.

    In place of a pinned one that takes a permission of its own, PermissionDenied without, and a
    reason: ValidationError without.
    """
    verb = REPIN if is_repin(row, host_key) else f"inventory.change_{row._meta.model_name}"
    permit(actor, verb, row)
    if is_repin(row, host_key) and not reason.strip():
        raise ValidationError({"reason": "Say why another key than the pinned one is right."})
    cluster = row.cluster if isinstance(row, Container) else None
    if cluster:
        lock_clusters([cluster.pk])
    before = row.host_key
    row.host_key = host_key
    row.host_key_confirmed_at = timezone.now() if host_key else None
    row.full_clean()
    row.save(update_fields=["host_key", "host_key_confirmed_at"])
    if isinstance(row, Container):
        row.facts.filter(key=SHOWN).delete()
    what = "another host key" if before and host_key else "a host key" if host_key else "no key"
    record_change(
        actor=actor,
        cluster=cluster,
        operation="PinHostKey",
        subject=f"{row._meta.model_name}:{row.name}",
        summary=f"Trust {what} of {row.name}",
        before=_key_picture(before),
        after=_key_picture(host_key),
        reason=reason.strip(),
    )


def note_shown_host_key(container: int, fingerprint: str) -> None:
    """Write that a machine shows another key than the pinned one; "" when it no longer does."""
    with transaction.atomic():
        row = Container.objects.select_related("cluster").filter(pk=container).first()
        if row is None or row.cluster is None:
            return
        lock_clusters([row.cluster.pk])
        held = Fact.objects.filter(container=row, key=SHOWN)
        if not fingerprint:
            held.delete()
        elif not held.filter(value=fingerprint).exists():
            about: dict[str, Any] = {"cluster": row.cluster, "container": row}
            record_fact(**about, key=SHOWN, value=fingerprint, origin=Origin.MEASURED)
            record_event(
                **about,
                kind="host-key-changed",
                message=f"{row} shows another host key than the pinned one: {fingerprint}.",
            )


def _key_picture(host_key: str) -> dict[str, str]:
    """Return a host key and its fingerprint for the change log."""
    try:
        fingerprint = HostKey.parse(host_key).fingerprint if host_key else ""
    except (HostKeyUnknown, ValueError):
        fingerprint = ""
    return {"host_key": host_key, "fingerprint": fingerprint}
