"""Tells a worker that a run wants a driver; the rows hold the truth, the task only rings."""

from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now
from django_q.tasks import async_task

from provisioning.models import Run

TASK = "provisioning.tasks.execute_run"
NOTICE = "provisioning.tasks.send_notice"


def ring(run_id: UUID) -> None:
    """Queue a task once what was written is committed, right for every broker."""
    Run.objects.filter(pk=run_id).update(rung_at=Now())
    transaction.on_commit(
        lambda: async_task(TASK, str(run_id), task_name=f"run {run_id}", ack_failure=True)
    )


def announce(run_id: UUID) -> None:
    """Queue a notice to those whom it concerns that a run waits for them or has ended."""
    transaction.on_commit(lambda: async_task(NOTICE, str(run_id), task_name=f"notice of {run_id}"))
