"""Preflights: what was asked of a cluster's machines, and what each check came to."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from inventory.host_checks import BY_KEY, HostCheck
from provisioning.states import PREFLIGHT_ACTIVE, CheckOutcome, PreflightStatus
from voipadmin.db import choice_constraint

# Whoever carries one out says so every second or two; a queue may be busy for longer.
SILENT_S = 60
UNCLAIMED_S = 900


class PreflightQuerySet(models.QuerySet):
    """Words for choosing preflights."""

    def active(self) -> PreflightQuerySet:
        """Select what is on its way."""
        return self.filter(status__in=sorted(PREFLIGHT_ACTIVE))

    def done(self) -> PreflightQuerySet:
        """Select what came to its end."""
        return self.filter(status=PreflightStatus.DONE)

    def abandoned(self) -> PreflightQuerySet:
        """Select what nobody carries out any more, by the database's clock."""
        return self.filter(
            Q(status=PreflightStatus.RUNNING, beat_at__lt=Now() - timedelta(seconds=SILENT_S))
            | Q(status=PreflightStatus.QUEUED, beat_at__lt=Now() - timedelta(seconds=UNCLAIMED_S))
        )


class Preflight(models.Model):
    """One look at the machines of a cluster; only the whole latest one counts.

    One that asks again for some checks or machines takes over the other answers of the one before.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    cluster = models.ForeignKey(
        "inventory.Cluster", on_delete=models.CASCADE, related_name="preflights"
    )
    status = models.CharField(max_length=10, choices=PreflightStatus, default="queued")
    checks = models.JSONField(default=list, help_text="Checks it is limited to; none: all.")
    containers = models.JSONField(default=list, help_text="Machines it is limited to; none: all.")
    progress = models.CharField(max_length=200, blank=True, help_text="What is being done.")
    reason = models.TextField(blank=True, help_text="Why it was lost.")
    facts = models.JSONField(default=dict, help_text="What was measured of each machine.")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    requested_by_name = models.CharField(max_length=150, help_text="Kept when the user is deleted.")
    requested_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    beat_at = models.DateTimeField(db_default=Now(), help_text="Last sign of whoever works on it.")

    objects = PreflightQuerySet.as_manager()
    seen_with = "inventory.view_cluster"

    class Meta:
        """Name the invariants."""

        ordering = ("-requested_at",)
        indexes = (models.Index(fields=("cluster", "-requested_at"), name="preflight_cluster_at"),)
        constraints = (
            choice_constraint("preflight_status_is_known", "status", PreflightStatus),
            models.UniqueConstraint(
                fields=("cluster",),
                condition=Q(status__in=sorted(PREFLIGHT_ACTIVE)),
                name="preflight_is_single",
                violation_error_message="A preflight of this cluster is on its way already.",
            ),
            models.CheckConstraint(
                condition=Q(status__in=sorted(PREFLIGHT_ACTIVE), finished_at=None)
                | (~Q(status__in=sorted(PREFLIGHT_ACTIVE)) & Q(finished_at__isnull=False)),
                name="preflight_finished_at_when_ended",
                violation_error_message="A preflight has a time of its end when it has ended.",
            ),
        )

    def __str__(self) -> str:
        """Return a short name."""
        return f"Preflight {str(self.pk)[:8]} of {self.cluster}"

    @property
    def is_active(self) -> bool:
        """Tell whether it is on its way."""
        return self.status in PREFLIGHT_ACTIVE


class CheckResult(models.Model):
    """What one check said of one machine; `at` is when it was asked, maybe in an earlier look."""

    preflight = models.ForeignKey(Preflight, on_delete=models.CASCADE, related_name="results")
    position = models.PositiveIntegerField()
    key = models.CharField(max_length=50, help_text="Which check.")
    container = models.ForeignKey(
        "inventory.Container", null=True, on_delete=models.SET_NULL, related_name="check_results"
    )
    container_name = models.CharField(max_length=63)
    about = models.CharField(max_length=300, blank=True, help_text="Tells several answers apart.")
    outcome = models.CharField(max_length=20, choices=CheckOutcome)
    sentence = models.TextField()
    measured = models.TextField(blank=True)
    remedy = models.TextField(blank=True, help_text="What a person can do.")
    fix = models.CharField(max_length=50, blank=True, help_text="What the portal can do.")
    source_document = models.CharField(max_length=200)
    source_text = models.TextField()
    at = models.DateTimeField()

    cluster_path = "preflight__cluster"
    seen_with = "inventory.view_cluster"

    class Meta:
        """Name the invariants."""

        ordering = ("preflight", "position")
        constraints = (
            models.UniqueConstraint(
                fields=("preflight", "position"), name="checkresult_position_is_unique"
            ),
            choice_constraint("checkresult_outcome_is_known", "outcome", CheckOutcome),
        )

    def __str__(self) -> str:
        """Return what it says."""
        return self.sentence

    @property
    def check_asked(self) -> HostCheck | None:
        """Return the check as it is declared; one that is no more has left results only."""
        return BY_KEY.get(self.key)

    def as_json(self) -> dict[str, Any]:
        """Return what a download shows."""
        return {
            "check": self.key,
            "container": self.container_name,
            "about": self.about,
            "outcome": self.outcome,
            "sentence": self.sentence,
            "measured": self.measured,
            "remedy": self.remedy,
            "fix": self.fix,
            "source": {"document": self.source_document, "text": self.source_text},
            "at": self.at.isoformat(),
        }
