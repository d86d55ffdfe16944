"""Makes preflights as pages show them: done, with answers as rows."""

from datetime import datetime
from typing import Any

from django.utils import timezone

from inventory.models import Cluster
from provisioning.models import CheckResult, Preflight
from provisioning.states import CheckOutcome, PreflightStatus

MEASURED = {
    "os_id": "debian",
    "os_version": "13",
    "arch": "x86_64",
    "vcpus": 8,
    "memory_mib": 32000,
    "disks": [{"device": "/dev/vda", "size_gib": 600, "kind": "nvme"}],
}


def make_preflight(
    cluster: Cluster, *answers: dict[str, Any], at: datetime | None = None
) -> Preflight:
    """Make a preflight that is done; answers are columns of their rows."""
    at = at or timezone.now()
    preflight = Preflight.objects.create(
        cluster=cluster,
        requested_by_name="anna",
        status=PreflightStatus.DONE,
        started_at=at,
        finished_at=at,
        facts={row.name: dict(MEASURED) for row in cluster.containers.all()},
    )
    for position, answer in enumerate(answers):
        columns = {
            "key": "names",
            "container_name": "pg-node-01",
            "outcome": CheckOutcome.FAILED,
            "sentence": "It is not so.",
            "remedy": "Make it so.",
            "source_document": "004",
            "source_text": "It has to be so.",
            "at": at,
        }
        CheckResult.objects.create(preflight=preflight, position=position, **(columns | answer))
    return preflight
