"""What people do to runs that exist: cancel, retry, and go on from a step of their choice."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, QuerySet

from inventory.operations import Refused
from provisioning.engine.bell import ring
from provisioning.engine.bracket import cancelled_words, end_run
from provisioning.models import Run, Step
from provisioning.obstacles import obstacle
from provisioning.services.holding import active_preflight
from provisioning.services.moves import actor_name, locked, queue, record
from provisioning.states import BAD, DONE, InvalidTransition, RunStatus, StepStatus, WaitsFor

# As if it had never been tried; its attempts and their lines stay.
AFRESH = {
    "status": StepStatus.PENDING,
    "message": "",
    "started_at": None,
    "finished_at": None,
    "answer_by": None,
}
UNANSWERED = {"evidence": "", "confirmed_by_name": "", "confirmed_at": None}


@transaction.atomic
def cancel_run(*, run: Run, actor: User) -> None:
    """End a run: at once where nothing runs, else by its driver, who ends what runs."""
    run = locked(run.pk)
    if not run.can_cancel:
        raise InvalidTransition(f"{run} is {run.get_status_display().lower()}.")
    name = actor_name(actor)
    record(run, actor, "cancel-run", f"{run} cancelled.")
    if run.status == RunStatus.RUNNING:
        run.move(RunStatus.CANCELLING, cancelled_by_name=name)
        ring(run.pk)
        return
    Run.objects.filter(pk=run.pk).update(cancelled_by_name=name)
    run.cancelled_by_name = name
    end_run(run, RunStatus.CANCELLED, cancelled_words(run))


@transaction.atomic
def retry_run(*, run: Run, actor: User) -> None:
    """Carry on an ended run: only what is not done is tried, as new attempts."""
    run = _retryable(run)
    record(run, actor, "retry-run", f"{run} carried on with what is not done.")
    run.steps.filter(status__in=sorted(BAD)).update(**AFRESH)
    queue(run, finished_at=None, cancelled_by_name="")


@transaction.atomic
def skip_step(*, step: Step, actor: User, reason: str) -> None:
    """Leave a step out that is not done; the run goes on as if it were.

    A run that waits for this step goes on by itself, an ended one when it is retried.
    """
    reason = _needed(reason, step, "Say why this step may be left out.")
    run = locked(step.run_id)
    step = run.steps.get(pk=step.pk)
    if run.status not in {RunStatus.WAITING, RunStatus.FAILED, RunStatus.CANCELLED}:
        raise InvalidTransition(
            f"{run} is {run.get_status_display().lower()}: a step is skipped while it waits for a "
            "person, or after it has ended."
        )
    step.move(
        StepStatus.SKIPPED, message=f"Skipped by {actor_name(actor)}: {reason}", answer_by=None
    )
    record(run, actor, "skip-step", f"{step} of {run} skipped.", reason)
    if run.status == RunStatus.WAITING and run.waits_for == WaitsFor.PERSON:
        queue(run)


@transaction.atomic
def retry_from(*, step: Step, actor: User, reason: str) -> None:
    """Carry on an ended run from a step: what comes before is left out, what follows done again.

    Before it are earlier stages, and earlier steps of its container. After it are later steps of
    its container and all later stages, also what was done: each step looks first, as always. Other
    containers of its own stage go on where they are.
    """
    reason = _needed(reason, step, "Say why the run shall go on from here.")
    run = _retryable(step.run)
    step = run.steps.get(pk=step.pk)
    name = actor_name(actor)
    before = _before(step).exclude(status__in=sorted(DONE))
    before.update(status=StepStatus.SKIPPED, message=f"Skipped by {name}: {reason}", answer_by=None)
    _from(step).update(**AFRESH, **UNANSWERED, registered="")
    run.steps.filter(status__in=sorted(BAD)).update(**AFRESH)
    record(run, actor, "retry-from-step", f"{run} carried on from {step}.", reason)
    queue(run, finished_at=None, cancelled_by_name="")


def _retryable(run: Run) -> Run:
    """Return the run's locked row, if it has ended and may be carried on."""
    run = locked(run.pk)
    if not run.can_retry:
        what = "a dry run: start a new one" if run.is_dry else run.get_status_display().lower()
        raise InvalidTransition(f"{run} is {what}.")
    if looking := active_preflight(run.cluster):
        raise Refused([looking])
    return run


def _needed(reason: str, step: Step, sentence: str) -> str:
    """Return a reason without blanks around it; raises Refused when nothing is left."""
    if not reason.strip():
        raise Refused([obstacle("reason", f"step:{step.title}", sentence)])
    return reason.strip()


def _same_container(step: Step) -> Q:
    """Select the steps of a step's stage on its container."""
    return Q(stage=step.stage, container_name=step.container_name)


def _before(step: Step) -> QuerySet[Step]:
    """Select what comes before a step."""
    here = _same_container(step) & Q(position__lt=step.position)
    return Step.objects.filter(Q(stage__lt=step.stage) | here, run=step.run_id)


def _from(step: Step) -> QuerySet[Step]:
    """Select a step and what comes after it."""
    here = _same_container(step) & Q(position__gte=step.position)
    return Step.objects.filter(Q(stage__gt=step.stage) | here, run=step.run_id)
