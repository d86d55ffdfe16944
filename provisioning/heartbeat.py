"""Says for a worker that it lives, as a row; pages and /healthz on any machine read it."""

from datetime import timedelta

from django.db.models.functions import Now

from provisioning.engine.lease import me
from provisioning.models import WorkerHeartbeat

# A worker that has not ended properly is remembered for a day, so that somebody may ask why.
FORGET_AFTER = timedelta(days=1)


def beat(*, processes: int, idle: int) -> None:
    """Say that this worker lives, and how many of its processes have nothing to do."""
    now = {"at": Now(), "processes": processes, "idle": idle}
    if not WorkerHeartbeat.objects.filter(name=me()).update(**now):
        WorkerHeartbeat.objects.filter(at__lt=Now() - FORGET_AFTER).delete()
        WorkerHeartbeat.objects.bulk_create(
            [WorkerHeartbeat(name=me(), processes=processes, idle=idle)], ignore_conflicts=True
        )


def leave() -> None:
    """Say that this worker has ended as it should."""
    WorkerHeartbeat.objects.filter(name=me()).delete()
