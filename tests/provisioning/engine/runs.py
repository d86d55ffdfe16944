"""Makes runs of hand-written steps and looks at what became of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from django.db import connection
from django.utils import timezone

from inventory.models import Cluster
from provisioning.engine.driver import drive
from provisioning.engine.pace import Pace
from provisioning.models import Line, Run, Step
from provisioning.services import freeze
from provisioning.states import RunStatus
from provisioning.steps import CompiledStep, Plan, Stage

PACE: dict[str, Any] = {
    "lease_s": 2,
    "heartbeat_s": 0.2,
    "poll_s": 0.1,
    "patience_s": 3,
    "connect_s": 15,
    "starter": "setsid",
}
DRIVE = """
import json, sys, uuid
import django
django.setup()
from provisioning.engine.driver import drive
from provisioning.engine.pace import Pace
drive(uuid.UUID(sys.argv[1]), pace=Pace(**json.loads(sys.argv[2])))
"""


def make_step(key: str = "step", host: int = 1, **fields: Any) -> CompiledStep:
    """Make a step for node pg-HOST on container host-HOST."""
    defaults: dict[str, Any] = {
        "title": key.capitalize(),
        "kind": "command",
        "role": "database",
        "component": "test",
        "probe": "",
        "apply": "",
        "verify": "",
        "timeout_s": 20,
    }
    place = {"node": f"pg-{host}", "container": f"host-{host}"}
    return CompiledStep(key=key, **(defaults | place | fields))


def make_run(cluster: Cluster, *stages: list[CompiledStep]) -> Run:
    """Make a queued run."""
    made = Plan(
        tuple(Stage(f"s{n}", f"Stage {n}", tuple(steps)) for n, steps in enumerate(stages)), {}
    )
    run = freeze(cluster=cluster, made=made, actor=None)
    run.move(RunStatus.QUEUED, queued_at=timezone.now())
    return run


def driven(run: Run, pace: Pace) -> Run:
    """Drive a run here and return it as it is then."""
    drive(run.pk, pace=pace)
    run.refresh_from_db()
    return run


def drive_elsewhere(run: Run, pace: Pace, **options: Any) -> subprocess.Popen[bytes]:
    """Drive a run in a process of its own; needs rows that are committed."""
    return subprocess.Popen(
        [sys.executable, "-c", DRIVE, str(run.pk), json.dumps(vars(pace))],
        **{"env": environment(), **options},
    )


def environment() -> dict[str, str]:
    """Return what makes another process work on the test's own database."""
    settings = connection.settings_dict
    host, port = quote(settings["HOST"] or "", safe=""), settings["PORT"]
    user = quote(settings["USER"] or "", safe="")
    secret = f":{quote(settings['PASSWORD'], safe='')}" if settings["PASSWORD"] else ""
    where = f"{host}:{port}" if port else host
    url = f"postgres://{user}{secret}@{where}/{settings['NAME']}"
    return {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings"}


def wait_until(condition: Callable[[], Any], *, seconds: float = 30) -> Any:
    """Return what becomes true, or fail."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not become so")


def statuses(run: Run) -> list[str]:
    """Return how the steps stand, in order."""
    return list(run.steps.values_list("status", flat=True))


def first_step(run: Run) -> Step:
    """Return the first step."""
    return Step.objects.get(run=run, position=0)


def printed(step: Step) -> list[str]:
    """Return what a step printed, without the names of phases."""
    lines = Line.objects.filter(attempt__step=step).order_by("attempt__number", "sequence")
    return [line.text for line in lines if not line.text.startswith("==> ")]
