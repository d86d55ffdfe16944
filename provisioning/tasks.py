"""Tasks of the queue: load by id, guard, one call."""

from uuid import UUID

from provisioning.engine.driver import drive


def execute_run(run_id: str) -> None:
    """Carry a run on from wherever it stands; a second delivery finds the lease taken."""
    drive(UUID(run_id))
