"""Finds runs that nobody drives and rings for them, and lost preflights; any number may sweep."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Now

from provisioning.engine.bell import ring
from provisioning.engine.bracket import wake_runs
from provisioning.engine.pace import Pace
from provisioning.models import Run
from provisioning.services import expire_steps, lose_abandoned

EVERY_S = 5


def sweep() -> int:
    """Ring for every run without a driver, at most twice a minute each; returns how many."""
    expire_steps()
    lose_abandoned()
    wake_runs()
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
