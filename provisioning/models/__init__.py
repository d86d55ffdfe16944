"""What is done to clusters: runs with their steps, attempts, lines, locks and runbooks."""

from provisioning.models.locks import ContainerLock, SingletonLock
from provisioning.models.runbooks import RunbookVersion
from provisioning.models.runs import Run
from provisioning.models.steps import Attempt, Line, Step
from provisioning.models.workers import WorkerHeartbeat

__all__ = [
    "Attempt",
    "ContainerLock",
    "Line",
    "Run",
    "RunbookVersion",
    "SingletonLock",
    "Step",
    "WorkerHeartbeat",
]
