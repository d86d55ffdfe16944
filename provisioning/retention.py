"""How long the history of runs is kept: lines go first, runs with their outcomes later, if ever."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from provisioning.models import Line, Preflight, Run, RunbookVersion
from provisioning.states import ENDED, RunStatus

# Enough for one statement; a year of logs is not deleted in one transaction.
BATCH = 50_000


def keep_house() -> None:
    """Delete what is older than the settings say; 0 keeps it for ever."""
    if days := settings.RUN_LOG_RETENTION_DAYS:
        _delete_lines(days)
        _delete_preflights(days)
    if days := settings.RUN_RETENTION_DAYS:
        _delete_runs(days)


def _delete_lines(days: int) -> None:
    """Delete the lines of runs that ended so long ago; steps keep their outcomes."""
    ended = timezone.now() - timedelta(days=days)
    lines = Line.objects.filter(attempt__step__run__finished_at__lt=ended)
    while batch := list(lines.values_list("pk", flat=True)[:BATCH]):
        Line.objects.filter(pk__in=batch).delete()


def _delete_preflights(days: int) -> None:
    """Delete preflights that ended so long ago, but never a cluster's last."""
    ended = timezone.now() - timedelta(days=days)
    last = Preflight.objects.done().order_by("cluster_id", "-finished_at").distinct("cluster_id")
    old = Preflight.objects.filter(finished_at__lt=ended)
    old.exclude(pk__in=list(last.values_list("pk", flat=True))).delete()


def _delete_runs(days: int) -> None:
    """Delete runs that ended so long ago, plans that nobody started, runbooks nobody names."""
    then = timezone.now() - timedelta(days=days)
    Run.objects.filter(status__in=sorted(ENDED), finished_at__lt=then).delete()
    Run.objects.filter(status=RunStatus.PLANNED, requested_at__lt=then).delete()
    named = Run.objects.values_list("runbook_hashes", flat=True)
    used = {version for hashes in named.iterator() for version in hashes.values()}
    RunbookVersion.objects.filter(first_used_at__lt=then).exclude(hash__in=used).delete()
