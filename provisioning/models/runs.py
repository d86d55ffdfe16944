"""Runs: a frozen plan that is carried out once, whoever drives it."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse

from provisioning.states import (
    DRIVEN,
    ENDED,
    RETRYABLE,
    RUN_TRANSITIONS,
    InvalidTransition,
    RunKind,
    RunStatus,
    WaitsFor,
)
from voipadmin.db import choice_constraint


class RunQuerySet(models.QuerySet):
    """Words for choosing runs."""

    def active(self) -> RunQuerySet:
        """Select what is neither a mere plan nor ended."""
        return self.filter(status__in=sorted(DRIVEN | {RunStatus.WAITING}))

    def undriven(self) -> RunQuerySet:
        """Select what should have a driver and, by the database's clock, has none."""
        return self.filter(
            Q(lease_expires_at=None) | Q(lease_expires_at__lt=Now()), status__in=sorted(DRIVEN)
        )

    def rung_before(self, age: timedelta) -> RunQuerySet:
        """Select what nobody was told of lately."""
        return self.filter(Q(rung_at=None) | Q(rung_at__lt=Now() - age))


class Run(models.Model):
    """One carrying-out of a plan on a cluster."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    cluster = models.ForeignKey("inventory.Cluster", on_delete=models.PROTECT, related_name="runs")
    kind = models.CharField(max_length=10, choices=RunKind, default=RunKind.APPLY)
    status = models.CharField(max_length=12, choices=RunStatus, default=RunStatus.PLANNED)
    reason = models.TextField(blank=True, help_text="Why it waits, failed or was cancelled.")
    waits_for = models.CharField(max_length=10, choices=WaitsFor, blank=True)
    runbook_hashes = models.JSONField(default=dict, help_text="Versions of the runbooks used.")
    notes = models.JSONField(default=list, help_text="What the plan does not cover.")
    roles = models.JSONField(default=list, help_text="Roles it is limited to; none: all.")
    components = models.JSONField(
        default=list, help_text="Components of runbooks it is limited to; none: all."
    )
    proceed_reason = models.TextField(
        blank=True, help_text="Why it was started past failed checks of the preflight."
    )
    parameters = models.JSONField(
        default=dict, help_text="The cluster's own parameters at the time of planning."
    )
    stages = models.JSONField(
        default=list, help_text="Key, title, tolerance and quorum of each stage."
    )
    data = models.JSONField(
        default=dict, encoder=DjangoJSONEncoder, help_text="What its driver keeps for the next."
    )
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    requested_by_name = models.CharField(max_length=150, help_text="Kept when the user is deleted.")
    cancelled_by_name = models.CharField(max_length=150, blank=True)
    requested_at = models.DateTimeField(auto_now_add=True)
    queued_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    rung_at = models.DateTimeField(null=True, help_text="When a worker was last told of it.")
    epoch = models.PositiveIntegerField(default=0, help_text="Rises with every new driver.")
    driver = models.CharField(max_length=100, blank=True, help_text="Host and process driving it.")
    lease_expires_at = models.DateTimeField(null=True)
    maintenance_windows = models.ManyToManyField("inventory.MaintenanceWindow", related_name="+")

    objects = RunQuerySet.as_manager()
    seen_with = "inventory.view_cluster"

    class Meta:
        """Name the invariants."""

        ordering = ("-requested_at",)
        indexes = (
            models.Index(fields=("cluster", "-requested_at"), name="run_cluster_at"),
            models.Index(fields=("status",), name="run_status"),
        )
        constraints = (
            choice_constraint("run_kind_is_known", "kind", RunKind),
            choice_constraint("run_status_is_known", "status", RunStatus),
            models.CheckConstraint(
                condition=(Q(status=RunStatus.WAITING) & Q(waits_for__in=sorted(WaitsFor.values)))
                | (~Q(status=RunStatus.WAITING) & Q(waits_for="")),
                name="run_waits_for_something",
                violation_error_message="A run that waits says what for, and no other does.",
            ),
            models.CheckConstraint(
                condition=Q(status__in=sorted(ENDED), finished_at__isnull=False)
                | (~Q(status__in=sorted(ENDED)) & Q(finished_at=None)),
                name="run_finished_at_when_ended",
                violation_error_message="A run has a time of its end when it has ended.",
            ),
            models.CheckConstraint(
                condition=Q(lease_expires_at=None)
                | Q(status__in=[RunStatus.CANCELLING, RunStatus.RUNNING]),
                name="run_lease_only_when_driven",
                violation_error_message="Only a run that is carried out has a driver.",
            ),
        )

    def __str__(self) -> str:
        """Return a short name."""
        return f"{'Dry run' if self.is_dry else 'Run'} {str(self.pk)[:8]} on {self.cluster}"

    def get_absolute_url(self) -> str:
        """Return the address of the run's page."""
        return reverse("provisioning:run-detail", args=[self.pk])

    @property
    def is_dry(self) -> bool:
        """Tell whether it only looks."""
        return self.kind == RunKind.DRY

    @property
    def singletons(self) -> list[str]:
        """Return the keys of what its cluster has once that it works on, in order."""
        return list(self.data.get("singletons", ()))

    @property
    def is_active(self) -> bool:
        """Tell whether it is on its way."""
        return self.status in DRIVEN or self.status == RunStatus.WAITING

    @property
    def can_start(self) -> bool:
        """Tell whether it is a plan that nobody started."""
        return self.status == RunStatus.PLANNED

    @property
    def can_cancel(self) -> bool:
        """Tell whether there is something to cancel."""
        return RunStatus(self.status) not in ENDED | {RunStatus.CANCELLING}

    @property
    def can_retry(self) -> bool:
        """Tell whether a retry makes sense."""
        return self.status in RETRYABLE and not self.is_dry

    def move(self, to: RunStatus, **changes: Any) -> None:
        """Take one transition; raises InvalidTransition when the row is no longer as we saw it."""
        if to not in RUN_TRANSITIONS[RunStatus(self.status)]:
            raise InvalidTransition(f"{self} is {self.status} and cannot become {to}.")
        seen = Run.objects.filter(pk=self.pk, status=self.status, epoch=self.epoch)
        if not seen.update(status=to, **{"waits_for": "", **changes}):
            raise InvalidTransition(f"{self} is no longer {self.status}.")
        self.refresh_from_db()
