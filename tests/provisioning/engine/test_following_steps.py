"""Dry runs of real steps: what would follow a change is told though nothing has changed yet."""

from __future__ import annotations

import grp
import os
import pwd
from pathlib import Path
from typing import Any

import pytest

from inventory.models import Cluster, Secret
from provisioning.compile.step import Compiled, Place, compile_notified, compile_step
from provisioning.engine.pace import Pace
from provisioning.links import Draft, linked
from provisioning.models import Run
from provisioning.runbook.schema import HandlerSpec, StepSpec
from provisioning.services import freeze
from provisioning.services.moves import queue
from provisioning.states import RunKind
from provisioning.steps import Plan, Stage
from tests.provisioning.engine.runs import driven, printed, statuses

PLACE = Place("database", "app", {})
CONTEXT = {"node": {"name": "pg-1"}, "container": {"name": "host-1"}}
HANDLER = {"key": "tell", "title": "Tell", "command": {"run": "echo told"}}


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """A file on the machine with a secret that the portal has never seen."""
    path = tmp_path / "app.conf"
    path.write_text("entry: an-old-secret\nport: 1\n")
    path.chmod(0o644)
    return path


def compiled(path: Path, content: str) -> list[Compiled]:
    """Return a file, a step that has nothing to do, and the handler of both."""
    owner, group = pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name
    place: dict[str, Any] = {"path": str(path), "owner": owner, "group": group}
    data = (
        {"key": "file", "title": "Write it", "file": {**place, "content": content}},
        {"key": "so", "title": "Is so", "command": {"run": "false", "unless": "true"}},
    )
    steps = [
        one
        for fields in data
        for one in compile_step(
            StepSpec.model_validate({**fields, "notify": ["tell"]}), PLACE, CONTEXT
        )
    ]
    return [*steps, *compile_notified(HandlerSpec.model_validate(HANDLER), PLACE, CONTEXT, steps)]


def look(cluster: Cluster, pace: Pace, steps: list[Compiled]) -> Run:
    """Carry a dry run of these steps out."""
    stages = tuple(linked([Draft(Stage("app", "App", ()), tuple(steps))]))
    run = freeze(cluster=cluster, made=Plan(stages, {}), actor=None, kind=RunKind.DRY)
    queue(run)
    return driven(run, pace)


def test_a_handler_is_previewed_where_a_step_would_change_something(
    cluster: Cluster, pace: Pace, target: Path
) -> None:
    run = look(cluster, pace, compiled(target, "other\n"))

    assert statuses(run) == ["changed", "ok", "changed"]
    said = "would run: echo told if one of these changes something: Write it; Is so"
    assert printed(run.steps.get(position=2)) == [said]


def test_a_handler_has_nothing_to_do_where_nothing_would_change(
    cluster: Cluster, pace: Pace, target: Path
) -> None:
    run = look(cluster, pace, compiled(target, target.read_text()))

    assert statuses(run) == ["ok", "ok", "ok"]


def test_neither_the_old_nor_the_new_secret_is_printed(
    cluster: Cluster, pace: Pace, target: Path
) -> None:
    Secret.objects.create(cluster=cluster, key="entry", value="a-new-secret")
    before = target.read_text(), target.stat().st_mtime_ns

    run = look(cluster, pace, compiled(target, "entry: ⟦secret:entry⟧\nport: 1\n"))

    assert printed(run.steps.get(position=0)) == [
        f"--- {target} (now)",
        f"+++ {target} (then)",
        "@@ -1,2 +1,2 @@",
        "-•••",
        "+entry: •••",
        " port: 1",
    ]
    assert (target.read_text(), target.stat().st_mtime_ns) == before
