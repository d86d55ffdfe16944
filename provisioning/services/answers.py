"""What people answer to steps that wait for them: done, approved, refused; or nothing in time."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from inventory.operations import Refused
from provisioning.models import Run, Step
from provisioning.obstacles import obstacle
from provisioning.services.moves import actor_name, locked, queue, record
from provisioning.states import InvalidTransition, RunStatus, StepStatus, WaitsFor


@transaction.atomic
def confirm_step(*, step: Step, actor: User, evidence: str) -> None:
    """Say that a manual step was done and how that was seen; its verify still looks itself.

    Of an approval it is the approver's yes, and why. That the person may give it is checked at the
    door, as every permission is.
    """
    evidence = _said(evidence, step, "Say what you saw.")
    run, step = _locked(step)
    step.move(
        StepStatus.PENDING,
        message="",
        answer_by=None,
        evidence=evidence,
        confirmed_by_name=actor_name(actor),
        confirmed_at=timezone.now(),
    )
    word = "approved" if step.approval else "confirmed"
    record(run, actor, "confirm-step", f"{step} of {run} {word}.", evidence)
    _go_on(run)


@transaction.atomic
def refuse_step(*, step: Step, actor: User, reason: str) -> None:
    """Say no to a step that waits: it fails, and the run with it."""
    reason = _said(reason, step, "Say why not.")
    run, step = _locked(step)
    step.move(
        StepStatus.FAILED,
        message=f"Refused by {actor_name(actor)}: {reason}",
        answer_by=None,
        finished_at=timezone.now(),
    )
    record(run, actor, "refuse-step", f"{step} of {run} refused.", reason)
    _go_on(run)


def expire_steps() -> int:
    """Fail the steps that nobody answered in their time; returns how many."""
    late = Step.objects.filter(status=StepStatus.WAITING, answer_by__lt=Now())
    return sum(_expire(step) for step in late)


@transaction.atomic
def _expire(step: Step) -> bool:
    """Fail one step, unless somebody was faster."""
    try:
        run, step = _locked(step)
    except InvalidTransition:
        return False
    step.move(
        StepStatus.FAILED,
        message=f"Nobody answered before {step.answer_by:%Y-%m-%d %H:%M} UTC.",
        answer_by=None,
        finished_at=timezone.now(),
    )
    _go_on(run)
    return True


def _locked(step: Step) -> tuple[Run, Step]:
    """Return the locked run and its step; raises InvalidTransition when it asks nobody now."""
    run = locked(step.run_id)
    step = run.steps.get(pk=step.pk)
    if step.status != StepStatus.WAITING:
        raise InvalidTransition(f"{step} waits for nobody: it is {step.status}.")
    return run, step


def _go_on(run: Run) -> None:
    """Queue a run that waited for a person; one that is driven looks itself."""
    if run.status == RunStatus.WAITING and run.waits_for == WaitsFor.PERSON:
        queue(run)


def _said(text: str, step: Step, sentence: str) -> str:
    """Return a text without blanks around it; raises Refused when nothing is left."""
    if not text.strip():
        raise Refused([obstacle("evidence", f"step:{step.title}", sentence)])
    return text.strip()
