"""Finds runs that nobody drives, and rings for them; safe to run in many processes at once."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from provisioning.engine.bell import ring
from provisioning.engine.bracket import held_singletons, waiting_for_locks
from provisioning.engine.pace import Pace
from provisioning.models import ContainerLock, Run
from provisioning.services import expire_steps
from provisioning.states import InvalidTransition, RunStatus

EVERY_S = 5


def sweep() -> int:
    """Ring for every run without a driver, at most twice a minute each; returns how many."""
    expire_steps()
    _wake()
    age = timedelta(seconds=Pace.from_settings().ring_again_s)
    rung = 0
    for pk in Run.objects.undriven().rung_before(age).values_list("pk", flat=True):
        with transaction.atomic():
            # Of several sweeps at once, one rings.
            due = Run.objects.undriven().rung_before(age).filter(pk=pk)
            if due.update(rung_at=Now()):
                ring(pk)
                rung += 1
    return rung


def _wake() -> None:
    """Queue the runs that wait for locks which nobody holds any more."""
    held = ContainerLock.objects.filter(container__steps__run=OuterRef("pk"))
    for run in waiting_for_locks().exclude(Exists(held)):
        if held_singletons(run):
            continue
        try:
            run.move(RunStatus.QUEUED, reason="", rung_at=None)
        except InvalidTransition:
            continue  # Somebody was faster.
