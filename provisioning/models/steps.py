"""Steps of a run, their attempts on the target, and what those print."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from django.db import models
from django.db.models import Q

from provisioning.models.runs import Run
from provisioning.states import (
    BAD,
    DONE,
    STEP_TRANSITIONS,
    InvalidTransition,
    Outcome,
    StepStatus,
)
from voipadmin.db import choice_constraint


class StepQuerySet(models.QuerySet):
    """Words for choosing steps."""

    def done(self) -> StepQuerySet:
        """Select what needs nothing more."""
        return self.filter(status__in=sorted(DONE))

    def bad(self) -> StepQuerySet:
        """Select what failed or was lost."""
        return self.filter(status__in=sorted(BAD))


class Step(models.Model):
    """One step on one container, frozen when the run was planned."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveIntegerField(help_text="Place in the whole run, from 0.")
    stage = models.PositiveIntegerField(help_text="Place of its stage, from 0.")
    stage_key = models.CharField(max_length=100)
    stage_title = models.CharField(max_length=200)
    key = models.CharField(max_length=200)
    title = models.CharField(max_length=300)
    kind = models.CharField(max_length=30)
    role = models.CharField(max_length=100)
    component = models.CharField(max_length=100)
    container = models.ForeignKey(
        "inventory.Container", null=True, on_delete=models.SET_NULL, related_name="steps"
    )
    container_name = models.CharField(max_length=63)
    node = models.ForeignKey(
        "inventory.Node", null=True, on_delete=models.SET_NULL, related_name="steps"
    )
    node_name = models.CharField(max_length=63)
    spec = models.JSONField(help_text="The compiled step; secrets are references.")
    hash = models.CharField(max_length=64)
    serial = models.BooleanField(default=False)
    timeout_s = models.PositiveIntegerField()
    manual = models.TextField(blank=True, help_text="Instructions for a person.")
    approval = models.BooleanField(default=False, help_text="That person must be an approver.")
    answer_within_s = models.PositiveIntegerField(null=True)
    answer_by = models.DateTimeField(null=True, help_text="Without an answer by then it fails.")
    register = models.CharField(max_length=100, blank=True, help_text="Name of what it finds out.")
    registered = models.TextField(blank=True, help_text="What it found out, for later steps.")
    status = models.CharField(max_length=10, choices=StepStatus, default=StepStatus.PENDING)
    message = models.TextField(blank=True, help_text="Why it waits, failed or was lost.")
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    evidence = models.TextField(blank=True, help_text="What a person said of a manual step.")
    confirmed_by_name = models.CharField(max_length=150, blank=True)
    confirmed_at = models.DateTimeField(null=True)

    objects = StepQuerySet.as_manager()

    cluster_path = "run__cluster"
    seen_with = "inventory.view_cluster"

    class Meta:
        """Name the invariants."""

        ordering = ("run", "position")
        permissions = (
            ("skip_step", "Can skip steps of runs"),
            ("retry_from_step", "Can carry runs on from a step"),
            ("approve_step", "Can answer steps that ask for approval"),
        )
        constraints = (
            models.UniqueConstraint(fields=("run", "position"), name="step_position_is_unique"),
            choice_constraint("step_status_is_known", "status", StepStatus),
            models.CheckConstraint(
                condition=Q(confirmed_at=None, confirmed_by_name="")
                | (Q(confirmed_at__isnull=False) & ~Q(confirmed_by_name="") & ~Q(evidence="")),
                name="step_confirmation_has_evidence",
                violation_error_message="A confirmation says who, when and what was seen.",
            ),
        )

    def __str__(self) -> str:
        """Return where and what."""
        return f"{self.container_name}: {self.title}"

    @property
    def is_done(self) -> bool:
        """Tell whether it needs nothing more."""
        return self.status in DONE

    @property
    def is_bad(self) -> bool:
        """Tell whether it failed or was lost."""
        return self.status in BAD

    def become(self, to: StepStatus, **changes: Any) -> None:
        """Take one transition in memory; whoever writes it holds the run."""
        if to not in STEP_TRANSITIONS[StepStatus(self.status)]:
            raise InvalidTransition(f"{self} is {self.status} and cannot become {to}.")
        for name, value in {"status": to, **changes}.items():
            setattr(self, name, value)

    def move(self, to: StepStatus, **changes: Any) -> None:
        """Take one transition; raises InvalidTransition when the row is no longer as we saw it."""
        seen = Step.objects.filter(pk=self.pk, status=self.status)
        self.become(to, **changes)
        if not seen.update(status=to, **changes):
            raise InvalidTransition(f"{self} is no longer as it was seen.")


class Attempt(models.Model):
    """One try of a step; it owns a directory of its name on the target."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    step = models.ForeignKey(Step, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField()
    epoch = models.PositiveIntegerField(help_text="Epoch of the driver that made it.")
    login = models.CharField(
        max_length=100, blank=True, help_text="Name of the login that its host was reached with."
    )
    outcome = models.CharField(max_length=10, choices=Outcome, blank=True)
    phase = models.CharField(max_length=20, blank=True, help_text="Where it failed.")
    exit_code = models.IntegerField(null=True)
    message = models.TextField(blank=True)
    byte_offset = models.BigIntegerField(
        default=0, help_text="Where the first line begins that is not stored yet."
    )
    next_sequence = models.PositiveIntegerField(default=0)
    partial = models.TextField(blank=True, help_text="Begin of a line that has not ended yet.")
    created_at = models.DateTimeField(auto_now_add=True)
    begun_at = models.DateTimeField(null=True, help_text="When it was seen on the target.")
    finished_at = models.DateTimeField(null=True)

    cluster_path = "step__run__cluster"
    seen_with = "inventory.view_cluster"

    class Meta:
        """Name the invariants."""

        ordering = ("step", "number")
        constraints = (
            models.UniqueConstraint(fields=("step", "number"), name="attempt_number_is_unique"),
            models.UniqueConstraint(
                fields=("step",),
                condition=Q(outcome=""),
                name="attempt_is_single",
                violation_error_message="A step is tried once at a time.",
            ),
            models.CheckConstraint(
                condition=Q(outcome="", finished_at=None)
                | Q(outcome__in=sorted(Outcome.values), finished_at__isnull=False),
                name="attempt_outcome_when_finished",
                violation_error_message="An attempt has an outcome when it has ended.",
            ),
        )

    def __str__(self) -> str:
        """Return which try of what."""
        return f"{self.step}, attempt {self.number}"


class LineQuerySet(models.QuerySet):
    """Words for choosing lines."""

    def after(self, sequence: int) -> LineQuerySet:
        """Select what a viewer has not seen yet."""
        return self.filter(sequence__gt=sequence).order_by("sequence")

    def of_steps(self, steps: Iterable[Step]) -> LineQuerySet:
        """Select what all attempts of some steps printed."""
        return self.filter(attempt__step__in=[step.pk for step in steps])


class Line(models.Model):
    """A line that an attempt printed; secrets in it were masked before it came here."""

    attempt = models.ForeignKey(Attempt, on_delete=models.CASCADE, related_name="lines")
    sequence = models.PositiveIntegerField()
    text = models.TextField()
    at = models.DateTimeField(auto_now_add=True)

    objects = LineQuerySet.as_manager()

    cluster_path = "attempt__step__run__cluster"
    seen_with = "inventory.view_cluster"

    class Meta:
        """Name the invariants."""

        ordering = ("attempt", "sequence")
        constraints = (
            models.UniqueConstraint(fields=("attempt", "sequence"), name="line_is_stored_once"),
        )

    def __str__(self) -> str:
        """Return the text."""
        return self.text
