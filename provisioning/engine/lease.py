"""Who drives a run: a lease in its row, by the database's clock, with an epoch that only rises."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from provisioning.models import Run
from provisioning.states import RunStatus


class LeaseLostError(Exception):
    """Another driver has taken the run over: whatever this one wanted to write must not be."""


def claim(run_id: UUID, *, lease_s: float) -> Run | None:
    """Take a run that should have a driver and has none; None when another one was faster."""
    with transaction.atomic():
        due = Run.objects.undriven().filter(pk=run_id)
        run: Run | None = due.select_for_update(of=("self",)).first()
        if run is None:
            return None
        changes: dict[str, Any] = {"driver": me(), "lease_expires_at": _after(lease_s)}
        if run.status == RunStatus.QUEUED:
            changes |= {"status": RunStatus.RUNNING, "reason": ""}
        Run.objects.filter(pk=run.pk).update(epoch=F("epoch") + 1, **changes)
        run.refresh_from_db()
        return run


@contextmanager
def holding(run: Run, *, lease_s: float) -> Iterator[Run]:
    """Write while the epoch is still ours, and renew the lease with it; yields the fresh row.

    The row stays locked to the end, so that a claim waits and then sees everything.
    """
    with transaction.atomic():
        if not Run.objects.filter(pk=run.pk, epoch=run.epoch).update(
            lease_expires_at=_after(lease_s)
        ):
            raise LeaseLostError(f"{run}: a newer driver has it.")
        yield Run.objects.select_related("cluster").get(pk=run.pk)


def release(run: Run) -> bool:
    """Give the run up, if it is still ours, so that the next driver need not wait."""
    return bool(
        Run.objects.filter(pk=run.pk, epoch=run.epoch, lease_expires_at__isnull=False).update(
            lease_expires_at=None, driver=""
        )
    )


def me() -> str:
    """Name this process for people."""
    return f"{socket.gethostname()}:{os.getpid()}"


def _after(seconds: float) -> Any:
    """Return the time in some seconds, as an expression of the database's clock."""
    return Now() + timedelta(seconds=seconds)
