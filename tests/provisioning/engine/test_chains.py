"""Steps of a container that are sent at once: in order, each once, none after one that failed."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from inventory.models import Cluster
from provisioning.engine.pace import Pace
from provisioning.models import Attempt, Line, Run, Step
from provisioning.services import cancel_run, retry_run
from provisioning.states import RunStatus
from provisioning.steps import CompiledStep
from tests.provisioning.engine.runs import (
    drive_elsewhere,
    driven,
    make_run,
    make_step,
    printed,
    statuses,
    wait_until,
)
from tests.provisioning.engine.test_launcher import LAUNCHER

pytestmark = pytest.mark.django_db(transaction=True)
WAIT = 'until [ -e "{0}/go" ]; do sleep 0.05; done'


def noting(folder: Path, key: str, more: str = ":") -> CompiledStep:
    """Make a step that notes that it was carried out."""
    return make_step(key, apply=f"{more}; echo {key} >>{folder}/done")


def done(folder: Path) -> list[str]:
    """Return what was noted."""
    path = folder / "done"
    return path.read_text().split() if path.exists() else []


def chained(pace: Pace) -> list[Path]:
    """Return the folders of what was sent together with something else."""
    return [path.parent for path in Path(pace.base).glob("steps/*/chain")]


def test_later_steps_are_there_before_the_first_has_ended(
    cluster: Cluster, pace: Pace, tmp_path: Path
) -> None:
    keys = ("one", "two", "three")
    steps = [noting(tmp_path, key, WAIT.format(tmp_path)) for key in keys]
    run = make_run(cluster, steps)
    driver = drive_elsewhere(run, pace)
    wait_until(lambda: Line.objects.exists())

    assert len(chained(pace)) == len(keys)
    assert statuses(run) == ["running", "pending", "pending"]

    (tmp_path / "go").touch()
    assert driver.wait() == 0
    assert done(tmp_path) == list(keys)
    assert statuses(run) == ["changed"] * 3
    assert Attempt.objects.filter(begun_at=None).count() == 0


def test_nothing_begins_after_a_failure_and_a_retry_does_the_rest(
    cluster: Cluster, pace: Pace, tmp_path: Path, admin_user: User
) -> None:
    steps = [
        noting(tmp_path, "one"),
        noting(tmp_path, "two", f"[ -e {tmp_path}/mended ] || exit 3"),
        noting(tmp_path, "three"),
    ]
    run = driven(make_run(cluster, steps), pace)

    assert run.status == RunStatus.FAILED
    assert statuses(run) == ["changed", "failed", "pending"]
    assert done(tmp_path) == ["one"]
    assert Attempt.objects.count() == 2

    (tmp_path / "mended").touch()
    retry_run(run=run, actor=admin_user)
    assert driven(run, pace).status == RunStatus.SUCCEEDED
    assert done(tmp_path) == ["one", "two", "three"]
    numbers = Attempt.objects.order_by("step__position", "number").values_list("number", flat=True)
    assert list(numbers) == [1, 1, 2, 1]


def test_after_a_killed_driver_each_step_was_done_once_and_each_line_is_there_once(
    cluster: Cluster, pace: Pace, tmp_path: Path
) -> None:
    count = "n=0; while [ $n -lt 25 ]; do echo line $n; n=$((n + 1)); sleep 0.05; done"
    run = make_run(cluster, [noting(tmp_path, key, count) for key in ("one", "two", "three")])
    driver = drive_elsewhere(run, pace)
    wait_until(lambda: Line.objects.filter(text="line 5", attempt__step__position=1).exists())

    driver.kill()
    driver.wait()
    wait_until(lambda: Run.objects.undriven().filter(pk=run.pk).exists())

    assert driven(run, pace).status == RunStatus.SUCCEEDED
    assert done(tmp_path) == ["one", "two", "three"]
    for step in run.steps.all():
        assert printed(step) == [f"line {n}" for n in range(25)]


def test_a_cancelled_run_begins_nothing_more(
    cluster: Cluster, pace: Pace, tmp_path: Path, admin_user: User
) -> None:
    keys = ("one", "two")
    run = make_run(cluster, [noting(tmp_path, key, WAIT.format(tmp_path)) for key in keys])
    driver = drive_elsewhere(run, pace)
    wait_until(lambda: Line.objects.exists())

    run.refresh_from_db()
    cancel_run(run=run, actor=admin_user)
    assert driver.wait() == 0
    (tmp_path / "go").touch()

    run.refresh_from_db()
    assert run.status == RunStatus.CANCELLED
    assert statuses(run) == ["failed", "pending"]
    assert [(path / "exit").read_text().split()[1] for path in chained(pace)].count("unbegun") == 1
    assert done(tmp_path) == []


def test_the_time_of_a_step_counts_from_its_own_begin(
    cluster: Cluster, pace: Pace, tmp_path: Path
) -> None:
    steps = [
        make_step("long", apply="sleep 4", timeout_s=20),
        make_step("short", apply="sleep 1", timeout_s=3),
    ]

    assert driven(make_run(cluster, steps), pace).status == RunStatus.SUCCEEDED
    assert len(chained(pace)) == 2


def test_a_step_that_was_never_begun_is_not_lost_with_its_host(
    cluster: Cluster, pace: Pace, tmp_path: Path
) -> None:
    first = noting(tmp_path, "one", WAIT.format(tmp_path))
    run = make_run(cluster, [first, noting(tmp_path, "two")])
    driver = drive_elsewhere(run, pace)
    wait_until(lambda: Line.objects.exists())
    for folder in chained(pace):
        (folder / "boot").write_text("another-boot-id\n")
    for pid in Path(pace.base).glob("steps/*/pid"):
        subprocess.run(["kill", "-9", "--", f"-{pid.read_text().split()[0]}"], check=True)
    (tmp_path / "go").touch()

    assert driver.wait() == 0
    assert done(tmp_path) == ["one", "two"]
    outcomes = Attempt.objects.order_by("step__position", "number").values_list("outcome")
    assert [outcome for (outcome,) in outcomes] == ["lost", "changed", "changed"]


@pytest.mark.parametrize(
    "fields",
    [
        {"serial": True},
        {"fresh_connection": True},
        {"singleton": "leader"},
        {"files": {"value": "⟦value:pg-1/found⟧"}},
    ],
    ids=["serial", "fresh", "singleton", "value"],
)
def test_what_needs_more_than_the_end_of_the_step_before_is_not_sent_along(
    cluster: Cluster, pace: Pace, fields: dict[str, Any]
) -> None:
    first = make_step("one", apply='echo 7 >"$STEP_DIR/register"', register="found")
    run = make_run(cluster, [first, make_step("two", apply="true", **fields)])

    assert driven(run, pace).status == RunStatus.SUCCEEDED
    assert chained(pace) == []


def test_steps_of_a_stage_with_a_quorum_are_sent_one_by_one(cluster: Cluster, pace: Pace) -> None:
    run = make_run(cluster, [make_step("one"), make_step("two")])
    Run.objects.filter(pk=run.pk).update(stages=[{"tolerance": 0, "quorum": 1}])

    assert driven(run, pace).status == RunStatus.SUCCEEDED
    assert chained(pace) == []
    assert Step.objects.filter(run=run, status="ok").count() == 2


@pytest.mark.parametrize(("asked_ago_s", "begun"), [(5, True), (500, False)])
def test_without_anybody_who_asks_nothing_new_begins(
    tmp_path: Path, asked_ago_s: int, begun: bool
) -> None:
    uptime_s = int(float(Path("/proc/uptime").read_text().split()[0]))
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "apply").write_text("true")
    (tmp_path / "one/seen").write_text(f"{uptime_s - asked_ago_s}\n")

    subprocess.run(["/bin/sh", LAUNCHER, tmp_path, "90", "one", "two"], check=True)

    assert (tmp_path / "one/exit").exists()
    assert (tmp_path / "two/exit").exists() is begun
