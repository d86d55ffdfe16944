"""What people do with runs: cancel, retry, confirm, and run two at once."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from inventory.models import Cluster, RoleAssignment
from inventory.operations import Refused
from provisioning.engine.pace import Pace
from provisioning.models import ContainerLock, Line, SingletonLock
from provisioning.services import cancel_run, confirm_step, retry_run
from provisioning.states import InvalidTransition, RunStatus, WaitsFor
from provisioning.sweep import sweep
from tests.provisioning.engine.runs import (
    drive_elsewhere,
    driven,
    first_step,
    make_run,
    make_step,
    printed,
    statuses,
    wait_until,
)
from tests.sshd import Sshd


@pytest.mark.django_db(transaction=True)
def test_cancel_ends_the_whole_process_group_and_frees_the_locks(
    cluster: Cluster, pace: Pace, administrator: User
) -> None:
    apply = "sleep 61 & sleep 62 & echo $!; wait"
    run = make_run(cluster, [make_step(apply=apply), make_step("later", apply="true")])
    driver = drive_elsewhere(run, pace)
    wait_until(lambda: Line.objects.exclude(text__startswith="==>").exists())
    child = int(printed(first_step(run))[0])

    cancel_run(run=run, actor=administrator)

    assert driver.wait() == 0
    run.refresh_from_db()
    assert run.status == RunStatus.CANCELLED
    assert run.reason == (
        "Cancelled by administrator. Of 2 steps 0 had been done, 0 of them changed something; "
        "1 failed or were ended."
    )
    assert statuses(run) == ["failed", "pending"]
    assert first_step(run).message == "It was ended, for the run was cancelled."
    assert not ContainerLock.objects.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_a_run_that_nobody_drives_is_cancelled_at_once(
    cluster: Cluster, administrator: User
) -> None:
    run = make_run(cluster, [make_step()])

    cancel_run(run=run, actor=administrator)

    run.refresh_from_db()
    assert run.status == RunStatus.CANCELLED
    with pytest.raises(InvalidTransition):
        cancel_run(run=run, actor=administrator)


def test_a_retry_runs_only_what_is_not_done(
    cluster: Cluster, pace: Pace, tmp_path: Path, administrator: User
) -> None:
    good = make_step("good", apply=f"echo once >>{tmp_path}/applied")
    bad = make_step("bad", apply=f"test -e {tmp_path}/mended")
    run = make_run(cluster, [good, bad], [make_step("later", apply="true")])
    driven(run, pace)
    (tmp_path / "mended").touch()

    retry_run(run=run, actor=administrator)
    driven(run, pace)

    assert run.status == RunStatus.SUCCEEDED
    assert statuses(run) == ["changed"] * 3
    assert [step.attempts.count() for step in run.steps.all()] == [1, 2, 1]
    assert (tmp_path / "applied").read_text() == "once\n"


def test_what_succeeded_cannot_be_retried(
    cluster: Cluster, pace: Pace, administrator: User
) -> None:
    run = driven(make_run(cluster, [make_step(apply="true")]), pace)

    with pytest.raises(InvalidTransition):
        retry_run(run=run, actor=administrator)


def test_a_second_run_on_a_container_waits_and_says_for_whom(
    cluster: Cluster, pace: Pace, administrator: User
) -> None:
    asking = make_run(cluster, [make_step(manual="Press the button.", probe="exit 10")])
    driven(asking, pace)
    second = driven(make_run(cluster, [make_step(apply="true")]), pace)

    assert (second.status, second.waits_for) == (RunStatus.WAITING, WaitsFor.LOCKS)
    assert f"host-1 by {asking}" in second.reason
    assert second.lease_expires_at is None

    cancel_run(run=asking, actor=administrator)
    second.refresh_from_db()

    assert second.status == RunStatus.QUEUED
    assert driven(second, pace).status == RunStatus.SUCCEEDED


def test_two_runs_on_what_a_cluster_has_once_take_turns(
    cluster: Cluster, pace: Pace, administrator: User
) -> None:
    press = make_step(manual="Press.", probe="exit 10", singleton="dcs")
    first = driven(make_run(cluster, [press]), pace)
    second = driven(make_run(cluster, [make_step("b", 2, apply="true", singleton="dcs")]), pace)
    other = driven(make_run(cluster, [make_step("c", 3, apply="true", singleton="ca")]), pace)

    assert other.status == RunStatus.SUCCEEDED
    assert (second.status, second.waits_for) == (RunStatus.WAITING, WaitsFor.LOCKS)
    assert f"dcs by {first}" in second.reason
    sweep()
    second.refresh_from_db()
    assert second.status == RunStatus.WAITING

    cancel_run(run=first, actor=administrator)
    second.refresh_from_db()

    assert driven(second, pace).status == RunStatus.SUCCEEDED
    assert not SingletonLock.objects.exists()


def test_cancelling_a_waiting_run_leaves_the_roles_that_another_run_installs_alone(
    cluster: Cluster, pace: Pace, administrator: User
) -> None:
    driven(make_run(cluster, [make_step(manual="Press the button.", probe="exit 10")]), pace)
    waiting = driven(make_run(cluster, [make_step(apply="true")]), pace)

    cancel_run(run=waiting, actor=administrator)

    assert RoleAssignment.objects.get(node__name="pg-1").state == "installing"


@pytest.mark.django_db(transaction=True)
def test_cancel_does_not_wait_for_a_host_that_was_never_reached(
    cluster: Cluster, pace: Pace, administrator: User, sshd: Sshd
) -> None:
    sshd.stop()
    run = make_run(cluster, [make_step(apply="true")])
    driver = drive_elsewhere(run, replace(pace, patience_s=3600))
    wait_until(lambda: run.steps.filter(message__contains="refuses the connection").exists())

    cancel_run(run=run, actor=administrator)

    assert driver.wait(timeout=20) == 0
    run.refresh_from_db()
    assert run.status == RunStatus.CANCELLED


def test_a_manual_step_waits_for_a_person_without_a_driver(
    cluster: Cluster, pace: Pace, tmp_path: Path, administrator: User
) -> None:
    look = f"test -e {tmp_path}/button || exit 10"
    manual = make_step("press", manual="Press the button.", probe=look, apply="true", verify=look)
    run = make_run(cluster, [manual, make_step("later", apply="true")])
    driven(run, pace)
    assert (run.status, run.waits_for, run.lease_expires_at) == ("waiting", "person", None)
    assert statuses(run) == ["waiting", "pending"]
    (tmp_path / "button").touch()

    confirm_step(step=first_step(run), actor=administrator, evidence="It glows.")
    driven(run, pace)

    assert run.status == RunStatus.SUCCEEDED
    step = first_step(run)
    assert (step.evidence, step.confirmed_by_name) == ("It glows.", "administrator")
    assert statuses(run) == ["ok", "changed"]


def test_a_manual_step_that_was_done_before_asks_nobody(cluster: Cluster, pace: Pace) -> None:
    run = make_run(cluster, [make_step(manual="Press the button.", probe="exit 0")])

    driven(run, pace)

    assert run.status == RunStatus.SUCCEEDED
    assert statuses(run) == ["ok"]


def test_a_confirmation_needs_evidence(cluster: Cluster, pace: Pace, administrator: User) -> None:
    run = driven(make_run(cluster, [make_step(manual="Press.", probe="exit 10")]), pace)

    with pytest.raises(Refused, match="Say what you saw"):
        confirm_step(step=run.steps.get(), actor=administrator, evidence=" ")
