"""Tasks of the queue: load by id, guard, one call."""

from uuid import UUID

from provisioning import notices, preflight, retention
from provisioning.engine.driver import drive


def execute_run(run_id: str) -> None:
    """Carry a run on from wherever it stands; a second delivery finds the lease taken."""
    drive(UUID(run_id))


def execute_preflight(preflight_id: str) -> None:
    """Look at a cluster's machines; a second delivery finds it done or taken."""
    preflight.execute(UUID(preflight_id))


def send_notice(run_id: str) -> str:
    """Tell people by e-mail how a run stands, or that it waits for them."""
    return f"{notices.send(UUID(run_id))} told"


def keep_house() -> None:
    """Delete what is past its retention."""
    retention.keep_house()
