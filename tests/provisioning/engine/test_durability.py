"""A run survives its driver: killed, raced, outlived; and its target's restart."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from uuid import uuid4

import pytest
from django.db import connection
from django_q.models import OrmQ

from inventory.models import Cluster
from inventory.ssh import Connection
from provisioning.engine.driver import drive
from provisioning.engine.lease import LeaseLostError, claim, holding, release
from provisioning.engine.pace import Pace
from provisioning.engine.target import Fence, FencedOutError, TargetShell
from provisioning.models import Attempt, Line, Run
from provisioning.states import RunStatus
from provisioning.sweep import sweep
from tests.provisioning.engine.runs import (
    drive_elsewhere,
    driven,
    make_run,
    make_step,
    printed,
    statuses,
    wait_until,
)
from tests.sshd import Sshd

COUNT = """
echo once >>{0}/applied
n=0
while [ $n -lt 60 ]; do echo line $n; n=$((n + 1)); sleep 0.05; done
"""


def applied(folder: Path) -> int:
    """Count how often the command ran."""
    path = folder / "applied"
    return len(path.read_text().splitlines()) if path.exists() else 0


@pytest.mark.django_db(transaction=True)
def test_after_a_driver_was_killed_the_next_one_goes_on_where_it_was(
    cluster: Cluster, pace: Pace, tmp_path: Path
) -> None:
    run = make_run(cluster, [make_step(apply=COUNT.format(tmp_path))])
    driver = drive_elsewhere(run, pace)
    wait_until(lambda: Line.objects.filter(text="line 5").exists())

    driver.kill()
    driver.wait()
    seen = Line.objects.count()
    wait_until(lambda: Run.objects.undriven().filter(pk=run.pk).exists())
    driven(run, pace)

    assert 5 < seen < 60
    assert run.status == RunStatus.SUCCEEDED
    assert run.epoch == 2
    assert printed(run.steps.get()) == [f"line {n}" for n in range(60)]
    assert applied(tmp_path) == 1
    assert Attempt.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_after_a_driver_lost_the_database_the_next_one_goes_on(
    cluster: Cluster, pace: Pace, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run = make_run(cluster, [make_step(apply=COUNT.format(tmp_path))])
    driver = drive_elsewhere(run, pace)
    wait_until(lambda: Line.objects.filter(text="line 5").exists())

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert driver.wait() != 0
    wait_until(lambda: Run.objects.undriven().filter(pk=run.pk).exists())
    driven(run, pace)

    assert "terminating connection" in capfd.readouterr().err
    assert run.status == RunStatus.SUCCEEDED
    assert printed(run.steps.get()) == [f"line {n}" for n in range(60)]
    assert applied(tmp_path) == 1


@pytest.mark.django_db(transaction=True)
def test_of_drivers_that_race_one_works(cluster: Cluster, pace: Pace, tmp_path: Path) -> None:
    run = make_run(cluster, [make_step(apply=f"echo once >>{tmp_path}/applied; sleep 1")])

    drivers = [drive_elsewhere(run, pace) for _ in range(4)]

    assert [driver.wait() for driver in drivers] == [0] * 4
    run.refresh_from_db()
    assert run.status == RunStatus.SUCCEEDED
    assert run.epoch == 1
    assert applied(tmp_path) == 1


@pytest.mark.django_db(transaction=True)
def test_a_frozen_driver_that_wakes_up_writes_nothing_more(
    cluster: Cluster, pace: Pace, tmp_path: Path
) -> None:
    run = make_run(cluster, [make_step(apply=COUNT.format(tmp_path))])
    frozen = drive_elsewhere(run, pace)
    wait_until(lambda: Line.objects.filter(text="line 5").exists())
    os.kill(frozen.pid, signal.SIGSTOP)
    wait_until(lambda: Run.objects.undriven().filter(pk=run.pk).exists())
    second = drive_elsewhere(run, pace)
    wait_until(lambda: Run.objects.filter(pk=run.pk, epoch=2).exists())

    os.kill(frozen.pid, signal.SIGCONT)

    assert (frozen.wait(), second.wait()) == (0, 0)
    assert printed(run.steps.get()) == [f"line {n}" for n in range(60)]
    assert applied(tmp_path) == 1


def test_a_lease_that_holds_is_not_taken_and_one_that_is_over_is(cluster: Cluster) -> None:
    run = make_run(cluster, [make_step()])

    first = claim(run.pk, lease_s=60)
    refused = claim(run.pk, lease_s=60)
    assert first
    release(first)
    second = claim(run.pk, lease_s=60)

    assert refused is None
    assert second
    assert (first.epoch, second.epoch) == (1, 2)
    with pytest.raises(LeaseLostError), holding(first, lease_s=60):
        pass


def test_a_target_refuses_an_older_driver(pace: Pace, sshd: Sshd, tmp_path: Path) -> None:
    run, attempt = uuid4(), uuid4()
    with Connection.open(sshd.target()) as old, Connection.open(sshd.target()) as new:
        older = TargetShell.open(old, Fence(run, 1), pace)
        TargetShell.open(new, Fence(run, 2), pace).poll([attempt], 0)

        with pytest.raises(FencedOutError):
            older.begin({attempt: {"apply": f"touch {tmp_path}/applied"}})

    assert not list(Path(pace.base).glob("steps/*"))
    assert not (tmp_path / "applied").exists()


def test_an_attempt_begins_once_however_often_it_is_sent(
    pace: Pace, sshd: Sshd, tmp_path: Path
) -> None:
    attempt = uuid4()
    with Connection.open(sshd.target()) as connection:
        target = TargetShell.open(connection, Fence(uuid4(), 1), pace)

        for _ in range(3):
            target.begin({attempt: {"apply": f"echo once >>{tmp_path}/applied"}})
        wait_until(lambda: target.poll([attempt], 0)[0].state == "ended")

    assert applied(tmp_path) == 1


@pytest.mark.parametrize("what", ["restarted", "vanished"])
@pytest.mark.django_db(transaction=True)
def test_a_step_whose_host_was_restarted_is_lost_and_looks_again(
    cluster: Cluster, pace: Pace, tmp_path: Path, what: str
) -> None:
    first = f"echo once >>{tmp_path}/applied; echo begun; sleep 60"
    step = make_step(probe=f"test -e {tmp_path}/applied || exit 10", apply=first)
    run = make_run(cluster, [step])
    driver = drive_elsewhere(run, pace)
    wait_until(lambda: Line.objects.filter(text="begun").exists())
    folder = next(Path(pace.base).glob("steps/*"))

    if what == "restarted":
        (folder / "boot").write_text("another-boot-id\n")
    else:
        os.killpg(int((folder / "pid").read_text().split()[0]), signal.SIGKILL)
    driver.wait()

    outcomes = list(Attempt.objects.order_by("number").values_list("outcome", "message"))
    words = {"restarted": "The host was restarted", "vanished": "The step's processes are gone"}
    assert outcomes[0][0] == "lost"
    assert words[what] in outcomes[0][1]
    assert outcomes[1] == ("ok", "")
    assert statuses(run) == ["ok"]
    assert applied(tmp_path) == 1
    if what == "restarted":
        os.killpg(int((folder / "pid").read_text().split()[0]), signal.SIGKILL)


@pytest.mark.django_db(transaction=True)
def test_a_host_that_is_cut_off_for_a_while_is_waited_for(
    cluster: Cluster, pace: Pace, sshd: Sshd, tmp_path: Path
) -> None:
    run = make_run(cluster, [make_step(apply=COUNT.format(tmp_path))])
    driver = drive_elsewhere(run, pace)
    wait_until(lambda: Line.objects.filter(text="line 5").exists())

    sshd.stop()
    wait_until(lambda: run.steps.filter(message__contains="host-1").exists())
    sshd.start()

    assert driver.wait() == 0
    assert statuses(run) == ["changed"]
    assert run.steps.get().message == ""
    assert printed(run.steps.get()) == [f"line {n}" for n in range(60)]
    assert applied(tmp_path) == 1


def test_a_driver_whose_time_is_over_hands_the_run_over(
    cluster: Cluster, pace: Pace, tmp_path: Path
) -> None:
    run = make_run(cluster, [make_step(apply=COUNT.format(tmp_path))])

    for _ in range(200):
        driven(run, Pace(**{**vars(pace), "drive_s": 0.5}))
        if run.status == RunStatus.SUCCEEDED:
            break

    assert run.status == RunStatus.SUCCEEDED
    assert run.epoch > 2
    assert printed(run.steps.get()) == [f"line {n}" for n in range(60)]
    assert applied(tmp_path) == 1


@pytest.mark.django_db(transaction=True)
def test_a_sweep_rings_once_for_a_run_without_a_driver(cluster: Cluster) -> None:
    run = make_run(cluster, [make_step()])
    claim(run.pk, lease_s=-1)

    assert [sweep(), sweep()] == [1, 0]
    assert OrmQ.objects.count() == 1


def test_a_sweep_leaves_a_run_with_a_driver_alone(cluster: Cluster) -> None:
    run = make_run(cluster, [make_step()])
    claim(run.pk, lease_s=60)

    assert sweep() == 0


def test_a_bug_in_the_engine_ends_the_run_instead_of_driving_it_for_ever(
    cluster: Cluster, pace: Pace
) -> None:
    run = make_run(cluster, [make_step(apply="true", files={"../escape": "x"})])

    with pytest.raises(ValueError, match="no name for a file"):
        drive(run.pk, pace=pace)

    run.refresh_from_db()
    assert run.status == RunStatus.FAILED
    assert "The engine failed: ValueError" in run.reason
