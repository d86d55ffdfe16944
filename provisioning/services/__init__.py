"""What people want of runs, a function per intention; the engine does the work."""

from provisioning.services.answers import confirm_step, expire_steps, refuse_step
from provisioning.services.interventions import cancel_run, retry_from, retry_run, skip_step
from provisioning.services.preflights import adopt_measured, lose_abandoned, request_preflight
from provisioning.services.requests import (
    freeze,
    make_plan,
    obstacles,
    request_dry_run,
    request_run,
    start_run,
)

__all__ = [
    "adopt_measured",
    "cancel_run",
    "confirm_step",
    "expire_steps",
    "freeze",
    "lose_abandoned",
    "make_plan",
    "obstacles",
    "refuse_step",
    "request_dry_run",
    "request_preflight",
    "request_run",
    "retry_from",
    "retry_run",
    "skip_step",
    "start_run",
]
