"""Dry runs: they look, say what would change, and change nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.models import User

from inventory.models import Cluster, MaintenanceWindow, RoleAssignment, Secret
from provisioning.engine.pace import Pace
from provisioning.models import ContainerLock, Run
from provisioning.services import freeze, retry_run
from provisioning.services.moves import queue
from provisioning.states import InvalidTransition, RunKind
from provisioning.steps import CompiledStep, Plan, Stage, secret_reference, value_reference
from tests.provisioning.engine.runs import driven, make_step, printed, statuses


def look(cluster: Cluster, pace: Pace, *stages: list[CompiledStep]) -> Run:
    """Carry a dry run of hand-written steps out."""
    made = Plan(
        tuple(Stage(f"s{n}", f"Stage {n}", tuple(steps)) for n, steps in enumerate(stages)), {}
    )
    run = freeze(cluster=cluster, made=made, actor=None, kind=RunKind.DRY)
    queue(run)
    return driven(run, pace)


def test_it_previews_what_would_change_and_applies_nothing(
    cluster: Cluster, pace: Pace, tmp_path: Path
) -> None:
    so = make_step("so", probe="exit 0", apply=f"touch {tmp_path}/so")
    differs = make_step(
        "differs",
        probe="exit 10",
        preview="echo '+ a line'",
        apply=f"touch {tmp_path}/differs",
        verify=f"touch {tmp_path}/verified",
    )

    run = look(cluster, pace, [so, differs])

    assert run.status == "succeeded"
    assert statuses(run) == ["ok", "changed"]
    assert printed(run.steps.get(position=1)) == ["+ a line"]
    assert [path.name for path in tmp_path.iterdir() if path.name in {"so", "differs"}] == []


def test_it_leaves_locks_states_and_secrets_alone(cluster: Cluster, pace: Pace) -> None:
    step = make_step(
        probe="exit 10",
        preview='cat "$STEP_DIR/files/conf"',
        files={"conf": f"password {secret_reference('db')}, {value_reference('pg-1', 'token')}\n"},
    )

    run = look(cluster, pace, [step])

    unknown = "‹known at the first run›"
    assert printed(run.steps.get()) == [f"password {unknown}, {unknown}"]
    assert not Secret.objects.exists()
    assert not ContainerLock.objects.exists()
    assert not MaintenanceWindow.objects.exists()
    assert set(RoleAssignment.objects.values_list("state", flat=True)) == {"planned"}
    cluster.refresh_from_db()
    assert cluster.state == "planning"


def test_a_secret_that_exists_is_masked(cluster: Cluster, pace: Pace) -> None:
    Secret.objects.create(cluster=cluster, key="db", value="a-very-secret-word")
    step = make_step(
        probe="exit 10",
        preview='cat "$STEP_DIR/files/conf"',
        files={"conf": f"password {secret_reference('db')}\n"},
    )
    made = Plan((Stage("s0", "Stage 0", (step,)),), {})
    run = freeze(cluster=cluster, made=made, actor=None, kind=RunKind.DRY)
    queue(run)

    driven(run, pace)

    assert printed(run.steps.get()) == ["password •••"]


def test_later_stages_are_looked_at_though_earlier_ones_would_change(
    cluster: Cluster, pace: Pace
) -> None:
    first = make_step("first", probe="exit 10", preview="echo one")
    # What it looks at does not exist before the first was applied.
    second = make_step("second", 2, probe="psql-that-is-not-there", preview="echo two")

    run = look(cluster, pace, [first], [second])

    assert statuses(run) == ["changed", "changed"]
    assert printed(run.steps.get(position=1))[-1] == "two"


def test_a_machine_that_does_not_answer_hinders_no_other(cluster: Cluster, pace: Pace) -> None:
    cluster.containers.filter(name="host-1").update(ssh_port=1)
    steps = [make_step("look", host, probe="exit 0") for host in (1, 2)]

    run = look(cluster, pace, steps, [make_step("later", 2, probe="exit 0")])

    assert statuses(run) == ["failed", "ok", "ok"]
    assert run.status == "failed"


def test_it_asks_nobody(cluster: Cluster, pace: Pace) -> None:
    step = make_step(manual="Press the button.", probe="exit 10", preview="echo by hand")

    assert look(cluster, pace, [step]).status == "succeeded"


def test_it_is_not_retried(cluster: Cluster, pace: Pace, administrator: User) -> None:
    cluster.containers.filter(name="host-1").update(ssh_port=1)
    run = look(cluster, pace, [make_step(probe="exit 0")])

    with pytest.raises(InvalidTransition, match="start a new one"):
        retry_run(run=run, actor=administrator)
