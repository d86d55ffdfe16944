"""What people decide on single steps: skip, go on from here, approve, refuse, or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now

from inventory.models import Change, Cluster
from inventory.operations import Refused
from provisioning.engine.pace import Pace
from provisioning.models import Run, Step
from provisioning.services import confirm_step, refuse_step, retry_from, retry_run, skip_step
from provisioning.states import InvalidTransition, RunStatus
from provisioning.sweep import sweep
from tests.factories import make_user
from tests.provisioning.engine.runs import driven, first_step, make_run, make_step, statuses


def at(run: Run, position: int) -> Step:
    """Return a step by its place."""
    return run.steps.get(position=position)


def test_a_skipped_step_counts_as_done_and_the_reason_is_kept(
    cluster: Cluster, pace: Pace, administrator: User
) -> None:
    run = driven(
        make_run(cluster, [make_step(apply="exit 1")], [make_step("b", apply="true")]), pace
    )

    skip_step(step=first_step(run), actor=administrator, reason="Done by hand, ticket 7.")
    retry_run(run=run, actor=administrator)
    driven(run, pace)

    assert run.status == "succeeded"
    assert statuses(run) == ["skipped", "changed"]
    assert first_step(run).message == "Skipped by administrator: Done by hand, ticket 7."
    change = Change.objects.get(operation="skip-step")
    assert (change.subject, change.reason) == (f"run:{run.pk}", "Done by hand, ticket 7.")


def test_a_skip_needs_a_reason(cluster: Cluster, pace: Pace, administrator: User) -> None:
    run = driven(make_run(cluster, [make_step(apply="exit 1")]), pace)

    with pytest.raises(Refused):
        skip_step(step=first_step(run), actor=administrator, reason="  ")

    assert statuses(run) == ["failed"]


def test_a_step_of_a_run_that_is_driven_is_not_skipped(
    cluster: Cluster, administrator: User
) -> None:
    run = make_run(cluster, [make_step()])

    with pytest.raises(InvalidTransition, match="queued"):
        skip_step(step=first_step(run), actor=administrator, reason="No.")


def test_a_run_that_waits_for_the_skipped_step_goes_on(
    cluster: Cluster, pace: Pace, administrator: User
) -> None:
    asks = make_step(manual="Press.", probe="exit 10")
    run = driven(make_run(cluster, [asks, make_step("b", apply="true")]), pace)

    skip_step(step=first_step(run), actor=administrator, reason="There is no button.")
    driven(run, pace)

    assert statuses(run) == ["skipped", "changed"]


def test_going_on_from_a_step_leaves_out_what_is_before_and_does_again_what_follows(
    cluster: Cluster, pace: Pace, tmp_path: Path, administrator: User
) -> None:
    run = make_run(
        cluster,
        [make_step("a", apply="exit 1"), make_step("a", 2, apply=f"echo 2 >>{tmp_path}/a2")],
        [make_step("b", apply=f"echo b >>{tmp_path}/b")],
        [make_step("c", apply=f"echo c >>{tmp_path}/c; test -e {tmp_path}/mended")],
    )
    driven(run, pace)
    (tmp_path / "mended").touch()

    retry_from(step=at(run, 2), actor=administrator, reason="The first is not needed.")
    driven(run, pace)

    assert run.status == "succeeded"
    assert statuses(run) == ["skipped", "changed", "changed", "changed"]
    assert (tmp_path / "a2").read_text() == "2\n"

    Run.objects.filter(pk=run.pk).update(status="failed")
    run.refresh_from_db()
    retry_from(step=at(run, 2), actor=administrator, reason="Once more.")
    driven(run, pace)

    assert (tmp_path / "b").read_text() == "b\nb\n"
    assert (tmp_path / "c").read_text() == "c\nc\n"
    assert (tmp_path / "a2").read_text() == "2\n"


def test_going_on_from_a_step_asks_again_what_was_answered(
    cluster: Cluster, pace: Pace, administrator: User
) -> None:
    asks = make_step(manual="Press.", probe="exit 10", verify="exit 1")
    run = driven(make_run(cluster, [asks]), pace)
    confirm_step(step=first_step(run), actor=administrator, evidence="Pressed.")
    driven(run, pace)

    retry_from(step=first_step(run), actor=administrator, reason="It was the wrong button.")
    driven(run, pace)

    assert run.status == "waiting"
    assert first_step(run).evidence == ""


def test_a_refused_step_fails_with_who_and_why(
    cluster: Cluster, pace: Pace, administrator: User
) -> None:
    asks = make_step(manual="Restart everything?", approval=True, probe="exit 10")
    run = driven(make_run(cluster, [asks, make_step("b", apply="true")]), pace)

    refuse_step(step=first_step(run), actor=administrator, reason="Not before Sunday.")
    driven(run, pace)

    assert run.status == "failed"
    assert statuses(run) == ["failed", "pending"]
    assert first_step(run).message == "Refused by administrator: Not before Sunday."


def test_a_step_that_nobody_answers_in_time_fails(cluster: Cluster, pace: Pace) -> None:
    asks = make_step(manual="Approve?", approval=True, probe="exit 10", answer_within_s=3600)
    run = driven(make_run(cluster, [asks]), pace)
    assert first_step(run).answer_by is not None
    sweep()
    assert statuses(run) == ["waiting"]

    Step.objects.filter(run=run).update(answer_by=Now())
    sweep()
    run.refresh_from_db()
    driven(run, pace)

    assert run.status == "failed"
    assert "Nobody answered before" in first_step(run).message


def test_a_step_that_asks_nothing_is_not_confirmed(
    cluster: Cluster, pace: Pace, administrator: User
) -> None:
    run = driven(make_run(cluster, [make_step(apply="exit 1")]), pace)

    with pytest.raises(InvalidTransition):
        confirm_step(step=first_step(run), actor=administrator, evidence="Looks fine.")


def test_a_run_begins_nothing_for_somebody_who_may_no_longer(
    cluster: Cluster, pace: Pace, tmp_path: Path
) -> None:
    user = make_user("leaver", permissions=("inventory.provision_cluster",))
    run = make_run(cluster, [make_step(apply=f"touch {tmp_path}/done")])
    Run.objects.filter(pk=run.pk).update(requested_by=user)
    User.objects.filter(pk=user.pk).update(is_active=False)

    driven(run, pace)

    assert run.status == RunStatus.FAILED
    assert run.reason == "leaver may no longer provision Loop: nothing was begun."
    assert not (tmp_path / "done").exists()
