"""Steps look before they act, and say how it went."""

from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from inventory.models import Cluster, Container, Event, Fact, MaintenanceWindow, RoleAssignment
from inventory.ssh import HostKey
from provisioning.engine.pace import Pace
from provisioning.models import ContainerLock
from provisioning.states import RunStatus
from tests.provisioning.engine.runs import driven, make_run, make_step, printed, statuses
from tests.sshd import Sshd


def test_a_step_that_is_so_already_is_ok_and_nothing_is_applied(
    cluster: Cluster, pace: Pace, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    run = make_run(cluster, [make_step(probe="exit 0", apply=f"touch {mark}")])

    driven(run, pace)

    assert statuses(run) == ["ok"]
    assert run.status == RunStatus.SUCCEEDED
    assert not mark.exists()


def test_a_step_that_is_not_so_is_applied_and_verified(
    cluster: Cluster, pace: Pace, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    step = make_step(
        probe=f"test -e {mark} || exit 10", apply=f"echo working; touch {mark}", verify="echo good"
    )
    run = make_run(cluster, [step])

    driven(run, pace)

    assert statuses(run) == ["changed"]
    assert printed(run.steps.get()) == ["working", "good"]
    assert mark.exists()


@pytest.mark.parametrize(
    ("scripts", "phase", "code"),
    [
        ({"probe": "exit 3", "apply": "exit 0"}, "probe", 3),
        ({"probe": "exit 10", "apply": "exit 4"}, "apply", 4),
        ({"probe": "exit 10", "apply": "exit 0", "verify": "exit 10"}, "verify", 10),
    ],
)
def test_a_step_says_which_phase_failed(
    cluster: Cluster, pace: Pace, scripts: dict[str, Any], phase: str, code: int
) -> None:
    run = make_run(cluster, [make_step(**scripts)])

    driven(run, pace)

    attempt = run.steps.get().attempts.get()
    assert (attempt.outcome, attempt.phase, attempt.exit_code) == ("failed", phase, code)
    assert run.status == RunStatus.FAILED
    assert f"{phase.capitalize()} ended with exit status {code}" in run.reason


def test_files_reach_the_step_readable_by_root_alone_and_are_gone_afterwards(
    cluster: Cluster, pace: Pace
) -> None:
    step = make_step(
        apply='stat -c "%a %n" "$STEP_DIR" "$STEP_DIR/files/a.conf"; cat "$STEP_DIR/files/a.conf"',
        files={"a.conf": "größer 'quoted' $HOME\nlast"},
    )
    run = make_run(cluster, [step])

    driven(run, pace)

    lines = printed(run.steps.get())
    assert [line.split()[0] for line in lines[:2]] == ["700", "600"]
    assert lines[2:] == ["größer 'quoted' $HOME", "last"]
    assert not list(Path(pace.base).glob("steps/*/files"))


def test_a_failing_container_lets_its_siblings_finish_the_stage_and_stops_the_next(
    cluster: Cluster, pace: Pace
) -> None:
    run = make_run(
        cluster,
        [
            make_step("one", 1, apply="exit 1"),
            make_step("two", 1, apply="true"),
            make_step("one", 2, apply="sleep 0.5"),
            make_step("two", 2, apply="true"),
        ],
        [make_step("later", 2, apply="true")],
    )

    driven(run, pace)

    assert statuses(run) == ["failed", "pending", "changed", "changed", "pending"]


def test_containers_work_at_the_same_time_and_the_steps_of_one_in_order(
    cluster: Cluster, pace: Pace, tmp_path: Path
) -> None:
    # Each waits for the other: one after the other they would run into their timeouts.
    meet = "touch {0}/{1}; until [ -e {0}/{2} ]; do sleep 0.05; done"
    run = make_run(
        cluster,
        [
            make_step("meet", 1, apply=meet.format(tmp_path, 1, 2)),
            make_step("after", 1, apply=f"test -e {tmp_path}/2"),
            make_step("meet", 2, apply=meet.format(tmp_path, 2, 1)),
        ],
    )

    driven(run, pace)

    assert statuses(run) == ["changed"] * 3


def test_a_serial_step_runs_on_one_container_at_a_time(
    cluster: Cluster, pace: Pace, tmp_path: Path
) -> None:
    alone = f"mkdir {tmp_path}/alone && sleep 0.2 && rmdir {tmp_path}/alone"
    run = make_run(
        cluster, [make_step("turn", host, apply=alone, serial=True) for host in (1, 2, 3)]
    )

    driven(run, pace)

    assert statuses(run) == ["changed"] * 3


def test_a_serial_step_that_failed_is_not_tried_on_the_next_container(
    cluster: Cluster, pace: Pace
) -> None:
    steps = [make_step("turn", host, apply="exit 1", serial=True) for host in (1, 2, 3)]
    run = make_run(cluster, steps)

    driven(run, pace)

    assert statuses(run) == ["failed", "pending", "pending"]


def test_a_step_that_takes_too_long_is_ended(cluster: Cluster, pace: Pace) -> None:
    run = make_run(cluster, [make_step(apply="sleep 60", timeout_s=1)])

    driven(run, pace)

    step = run.steps.get()
    assert step.status == "failed"
    assert step.message == "It took longer than 1 s and was ended."


def test_an_unreachable_host_is_named_on_its_step(cluster: Cluster, pace: Pace, sshd: Sshd) -> None:
    sshd.stop()
    run = make_run(cluster, [make_step(apply="true")])

    driven(run, pace)

    assert statuses(run) == ["failed"]
    assert "host-1 (127.0.0.1 port" in run.steps.get().message
    assert "refuses the connection" in run.steps.get().message


def test_a_changed_host_key_fails_the_step_before_anything_is_sent(
    cluster: Cluster, pace: Pace, sshd: Sshd
) -> None:
    sshd.stop()
    sshd.make_host_key()
    sshd.start()
    run = make_run(cluster, [make_step(apply="true")])

    driven(run, pace)

    assert "The host key of host-1 has changed" in run.steps.get().message
    shown = Fact.objects.get(container__name="host-1", key="shown_host_key").value
    assert shown == HostKey.parse(sshd.host_key).fingerprint
    assert not Path(pace.base).exists()


def test_a_container_without_a_login_fails_its_step_with_the_reason(
    cluster: Cluster, pace: Pace
) -> None:
    Container.objects.filter(name="host-1").update(credential=None)
    run = make_run(cluster, [make_step(apply="true")])

    driven(run, pace)

    message = run.steps.get().message
    assert message == "host-1 has no credential: choose one on its page, or for its cluster."


def test_a_success_activates_roles_frees_locks_and_ends_the_maintenance(
    cluster: Cluster, pace: Pace
) -> None:
    run = make_run(cluster, [make_step("one", host, apply="true") for host in (1, 2)])

    driven(run, pace)

    states = RoleAssignment.objects.order_by("node__name").values_list("state", flat=True)
    assert list(states) == ["active", "active", "planned"]
    assert not ContainerLock.objects.exists()
    windows = MaintenanceWindow.objects.filter(cluster=cluster)
    assert windows.count() == 2
    assert all(window.ends_at < timezone.now() for window in windows)
    assert list(Event.objects.order_by("at").values_list("kind", flat=True)) == [
        "run-started",
        "run-succeeded",
    ]
    cluster.refresh_from_db()
    assert cluster.state == "installing"


def test_a_failure_says_so_of_the_roles_it_hit(cluster: Cluster, pace: Pace) -> None:
    steps = [make_step("one", 1, apply="false"), make_step("one", 2, apply="true")]
    run = make_run(cluster, steps)

    driven(run, pace)

    states = RoleAssignment.objects.order_by("node__name").values_list("state", flat=True)
    assert list(states) == ["failed", "active", "planned"]
