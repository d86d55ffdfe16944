"""What every service on a run shares: the row's lock, the queue, and who did it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from inventory.history import record_change
from provisioning.engine.bell import ring
from provisioning.models import Run
from provisioning.states import RunStatus


def locked(pk: UUID) -> Run:
    """Return a run that nobody else moves meanwhile."""
    return Run.objects.select_for_update(of=("self",)).select_related("cluster").get(pk=pk)


def queue(run: Run, **changes: Any) -> None:
    """Move a run to the queue and ring."""
    run.move(RunStatus.QUEUED, queued_at=timezone.now(), reason="", **changes)
    ring(run.pk)


def actor_name(actor: User | None) -> str:
    """Return what is kept of who did it."""
    return actor.get_username() if actor else "voipadmin"


def record(run: Run, actor: User | None, operation: str, summary: str, reason: str = "") -> None:
    """Append to the history what a person did to a run."""
    record_change(
        actor=actor,
        cluster=run.cluster,
        operation=operation,
        subject=f"run:{run.pk}",
        summary=summary[:500],
        before=None,
        after={"status": run.status},
        reason=reason,
    )
