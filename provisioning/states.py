"""The states of runs and steps, as tables, and the moves between them."""

from collections.abc import Mapping

from django.db.models import TextChoices


class RunStatus(TextChoices):
    """Where a run stands."""

    PLANNED = "planned", "Planned"
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    WAITING = "waiting", "Waiting"
    CANCELLING = "cancelling", "Cancelling"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


class RunKind(TextChoices):
    """What a run is for."""

    APPLY = "apply", "Provision"
    DRY = "dry", "Dry run"


class StepStatus(TextChoices):
    """Where a step stands; the last five are its outcomes."""

    PENDING = "pending", "Pending"
    RUNNING = "running", "Running"
    WAITING = "waiting", "Waiting for a person"
    OK = "ok", "OK, nothing to change"
    CHANGED = "changed", "Changed"
    FAILED = "failed", "Failed"
    SKIPPED = "skipped", "Skipped"
    LOST = "lost", "Lost"


class Outcome(TextChoices):
    """How an attempt ended; empty while it has not."""

    OK = "ok", "OK, nothing to change"
    CHANGED = "changed", "Changed"
    FAILED = "failed", "Failed"
    SKIPPED = "skipped", "Skipped, not meant for this machine"
    LOST = "lost", "Lost"
    ASKS = "asks", "Asks a person"


class WaitsFor(TextChoices):
    """What a waiting run waits for."""

    LOCKS = "locks", "Another run"
    PERSON = "person", "A person"


class PreflightStatus(TextChoices):
    """Where a preflight stands; lost: whoever carried it out is gone."""

    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    LOST = "lost", "Lost"


class CheckOutcome(TextChoices):
    """What a check on a machine came to, the worst first."""

    FAILED = "failed", "Failed"
    UNKNOWN = "unknown", "Could not be checked"
    WARNING = "warning", "Warning"
    PASSED = "passed", "Passed"
    NOT_APPLICABLE = "not_applicable", "Not applicable"


# A driver may hold a run in these; a lease that ended without one is swept.
DRIVEN = frozenset({RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.CANCELLING})
ENDED = frozenset({RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED})
RETRYABLE = frozenset({RunStatus.FAILED, RunStatus.CANCELLED})

PREFLIGHT_ACTIVE = frozenset({PreflightStatus.QUEUED, PreflightStatus.RUNNING})

DONE = frozenset({StepStatus.OK, StepStatus.CHANGED, StepStatus.SKIPPED})
BAD = frozenset({StepStatus.FAILED, StepStatus.LOST})

RUN_TRANSITIONS: Mapping[RunStatus, frozenset[RunStatus]] = {
    RunStatus.PLANNED: frozenset({RunStatus.QUEUED, RunStatus.CANCELLED}),
    RunStatus.QUEUED: frozenset({RunStatus.RUNNING, RunStatus.CANCELLED}),
    RunStatus.RUNNING: frozenset(
        {
            RunStatus.WAITING,
            RunStatus.SUCCEEDED,
            RunStatus.FAILED,
            RunStatus.CANCELLING,
        }
    ),
    RunStatus.WAITING: frozenset({RunStatus.QUEUED, RunStatus.CANCELLED}),
    RunStatus.CANCELLING: frozenset({RunStatus.CANCELLED}),
    RunStatus.SUCCEEDED: frozenset(),
    RunStatus.FAILED: frozenset({RunStatus.QUEUED}),
    RunStatus.CANCELLED: frozenset({RunStatus.QUEUED}),
}

STEP_TRANSITIONS: Mapping[StepStatus, frozenset[StepStatus]] = {
    StepStatus.PENDING: frozenset({StepStatus.RUNNING, StepStatus.FAILED, StepStatus.SKIPPED}),
    StepStatus.RUNNING: frozenset(
        {
            StepStatus.OK,
            StepStatus.CHANGED,
            StepStatus.FAILED,
            StepStatus.SKIPPED,
            StepStatus.LOST,
            StepStatus.WAITING,
        }
    ),
    StepStatus.WAITING: frozenset({StepStatus.PENDING, StepStatus.FAILED, StepStatus.SKIPPED}),
    # Done, and yet done again where a person says so: retry from here.
    StepStatus.OK: frozenset({StepStatus.PENDING}),
    StepStatus.CHANGED: frozenset({StepStatus.PENDING}),
    StepStatus.SKIPPED: frozenset({StepStatus.PENDING}),
    StepStatus.FAILED: frozenset({StepStatus.PENDING, StepStatus.SKIPPED}),
    StepStatus.LOST: frozenset(
        {StepStatus.RUNNING, StepStatus.FAILED, StepStatus.PENDING, StepStatus.SKIPPED}
    ),
}


class InvalidTransition(Exception):
    """A row is not where the caller saw it, or cannot move there."""
