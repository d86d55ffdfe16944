"""Makes runs as pages show them: frozen from a real plan, with outcomes and lines as rows."""

from django.contrib.auth.models import User
from django.utils import timezone

from inventory.models import Cluster, Container
from provisioning import services
from provisioning.models import Attempt, Line, Run, Step
from provisioning.states import Outcome, RunStatus, StepStatus
from tests.factories import make_credential, make_database_cluster

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGm3mHzS1Yw0sJxw7RkT5i1Zg7W6m0l9bq2m6y0d1J0c"


def make_ready_cluster(slug: str = "alpha") -> Cluster:
    """Make three database nodes on containers that the portal may log in to."""
    cluster = make_database_cluster(slug)
    Container.objects.filter(cluster=cluster).update(
        credential=make_credential("a password", kind="password"),
        host_key=KEY,
        host_key_confirmed_at=timezone.now(),
    )
    return cluster


def make_planned_run(cluster: Cluster, actor: User) -> Run:
    """Freeze a plan."""
    return services.request_run(cluster=cluster, actor=actor)


def let_run(run: Run, *, lines: int = 3) -> Step:
    """Set a run to running: its first step changed something, its second prints."""
    now = timezone.now()
    Run.objects.filter(pk=run.pk).update(status=RunStatus.RUNNING, started_at=now)
    run.refresh_from_db()
    first, second = run.steps.order_by("position")[:2]
    Step.objects.filter(pk=first.pk).update(
        status=StepStatus.CHANGED, started_at=now, finished_at=now
    )
    Step.objects.filter(pk=second.pk).update(status=StepStatus.RUNNING, started_at=now)
    second.refresh_from_db()
    write_lines(second, *(f"line {number}" for number in range(lines)))
    return second


def write_lines(step: Step, *texts: str) -> Attempt:
    """Append lines to the step's only attempt."""
    attempt, _ = Attempt.objects.get_or_create(
        step=step, defaults={"number": 1, "epoch": 1, "begun_at": timezone.now()}
    )
    begin = attempt.next_sequence
    Line.objects.bulk_create(
        Line(attempt=attempt, sequence=begin + number, text=text)
        for number, text in enumerate(texts)
    )
    attempt.next_sequence = begin + len(texts)
    attempt.save()
    return attempt


def let_end(run: Run, status: RunStatus) -> None:
    """End a run; a failed one failed in its second step."""
    now = timezone.now()
    if status == RunStatus.FAILED:
        second = run.steps.order_by("position")[1]
        Step.objects.filter(pk=second.pk).update(
            status=StepStatus.FAILED, message="Apply ended with exit status 1.", finished_at=now
        )
        second.attempts.update(outcome=Outcome.FAILED, phase="apply", exit_code=1, finished_at=now)
    else:
        run.steps.update(status=StepStatus.OK)
    Run.objects.filter(pk=run.pk).update(status=status, finished_at=now)
    run.refresh_from_db()
