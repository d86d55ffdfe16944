"""What is done to clusters: runs with steps, attempts, lines, locks, runbooks; preflights."""

from provisioning.models.locks import ContainerLock, SingletonLock
from provisioning.models.preflights import CheckResult, Preflight
from provisioning.models.runbooks import RunbookVersion
from provisioning.models.runs import Run
from provisioning.models.steps import Attempt, Line, Step
from provisioning.models.workers import WorkerHeartbeat

__all__ = [
    "Attempt",
    "CheckResult",
    "ContainerLock",
    "Line",
    "Preflight",
    "Run",
    "RunbookVersion",
    "SingletonLock",
    "Step",
    "WorkerHeartbeat",
]
