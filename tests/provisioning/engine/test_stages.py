"""How far failures reach: tolerance of a stage, its quorum, conditions, values for later steps."""

from __future__ import annotations

from pathlib import Path

from inventory.models import Cluster
from provisioning.engine.bracket import failed_words
from provisioning.engine.pace import Pace
from provisioning.models import Run
from provisioning.services import freeze, retry_run
from provisioning.services.moves import queue
from provisioning.steps import CompiledStep, Plan, Stage, value_reference
from tests.factories import make_user
from tests.provisioning.engine.runs import driven, make_run, make_step, printed, statuses
from tests.sshd import Sshd


def run_of(cluster: Cluster, *stages: Stage) -> Run:
    """Make a queued run of stages with rules of their own."""
    run = freeze(cluster=cluster, made=Plan(stages, {}), actor=None)
    queue(run)
    return run


def on_all(key: str, apply: str, **fields: object) -> list[CompiledStep]:
    """Make a step for each of the three containers; $HOST is the container's number."""
    return [make_step(key, host, apply=f"HOST={host}\n{apply}", **fields) for host in (1, 2, 3)]


def test_a_stage_goes_on_without_as_many_containers_as_it_tolerates(
    cluster: Cluster, pace: Pace
) -> None:
    first = Stage("s0", "First", tuple(on_all("first", '[ "$HOST" != 2 ]')), tolerance=1)
    second = Stage("s1", "Second", tuple(on_all("second", "true")), tolerance=1)

    run = driven(run_of(cluster, first, second), pace)

    assert statuses(run) == ["changed", "failed", "changed", "changed", "pending", "changed"]
    assert run.status == "failed"
    assert run.reason == "host-2: First: Apply ended with exit status 1."


def test_a_later_stage_that_tolerates_nothing_does_not_begin_its_successor(
    cluster: Cluster, pace: Pace
) -> None:
    first = Stage("s0", "First", tuple(on_all("first", '[ "$HOST" != 2 ]')), tolerance=1)
    second = Stage("s1", "Second", tuple(on_all("second", "true")))
    third = Stage("s2", "Third", tuple(on_all("third", "true")))

    run = driven(run_of(cluster, first, second, third), pace)

    assert statuses(run)[3:6] == ["changed", "pending", "changed"]
    assert statuses(run)[6:] == ["pending"] * 3


def test_steps_of_one_singleton_take_turns_whatever_their_containers(
    cluster: Cluster, pace: Pace, tmp_path: Path
) -> None:
    alone = f"mkdir {tmp_path}/busy && sleep 0.4 && rmdir {tmp_path}/busy"
    steps = [make_step(f"step-{n}", n, apply=alone, singleton="leader") for n in (1, 2, 3)]

    run = driven(run_of(cluster, Stage("s0", "Leader", tuple(steps))), pace)

    assert statuses(run) == ["changed"] * 3


def test_a_serial_step_that_was_lost_is_tried_again(
    cluster: Cluster, pace: Pace, tmp_path: Path
) -> None:
    once = f"[ -e {tmp_path}/tried ] || {{ touch {tmp_path}/tried; kill -9 0; }}"
    run = driven(make_run(cluster, [make_step(apply=once, serial=True)]), pace)

    assert statuses(run) == ["changed"]


def test_a_tolerated_failure_lets_a_serial_step_go_on(cluster: Cluster, pace: Pace) -> None:
    steps = on_all("restart", '[ "$HOST" != 1 ]', serial=True)

    tolerant = driven(run_of(cluster, Stage("s0", "Restart", tuple(steps), tolerance=1)), pace)

    assert statuses(tolerant) == ["failed", "changed", "changed"]


def test_nothing_more_begins_when_a_stage_has_lost_its_quorum(
    cluster: Cluster, pace: Pace, tmp_path: Path
) -> None:
    # The third waits for the others, so that they have failed before it goes on.
    breaks = '[ "$HOST" = 3 ] || exit 1'
    waits = f"""
until [ "$(ls {tmp_path}/out 2>/dev/null | wc -l)" = 2 ]; do sleep 0.05; done
"""
    first = [
        make_step("first", host, apply=f"mkdir -p {tmp_path}/out/{host}; exit 1") for host in (1, 2)
    ]
    third = [make_step("first", 3, apply=waits + breaks.replace('"$HOST"', "3"))]
    harm = [make_step("harm", 3, apply=f"touch {tmp_path}/harm")]
    stage = Stage("s0", "Members", (*first, *third, *harm), tolerance=2, quorum=2)

    run = driven(run_of(cluster, stage), pace)

    assert run.status == "failed"
    assert "Members needs 2 containers that are well and has 1" in run.reason
    assert not (tmp_path / "harm").exists()


def test_a_stage_does_not_begin_before_its_quorum_answers(
    cluster: Cluster, pace: Pace, sshd: Sshd, tmp_path: Path
) -> None:
    cluster.containers.exclude(name="host-1").update(ssh_port=1)
    stage = Stage("s0", "Members", tuple(on_all("join", f"touch {tmp_path}/$HOST")), quorum=2)

    run = driven(run_of(cluster, stage), pace)

    assert run.status == "failed"
    assert "Members needs 2 containers that answer and has 1: nothing of it was begun" in run.reason
    assert "host-2 (127.0.0.2 port 1) refuses the connection" in run.reason
    assert statuses(run) == ["pending"] * 3
    assert not (tmp_path / "1").exists()


def test_with_its_quorum_a_stage_begins(cluster: Cluster, pace: Pace) -> None:
    stage = Stage("s0", "Members", tuple(on_all("join", "true")), quorum=2)

    assert driven(run_of(cluster, stage), pace).status == "succeeded"


def test_a_step_that_is_not_meant_for_a_machine_is_skipped(
    cluster: Cluster, pace: Pace, tmp_path: Path
) -> None:
    step = make_step(only_if="exit 1", apply=f"touch {tmp_path}/applied")

    run = driven(make_run(cluster, [step, make_step("later", apply="true")]), pace)

    assert statuses(run) == ["skipped", "changed"]
    assert not (tmp_path / "applied").exists()


def test_what_a_step_registers_reaches_later_steps_in_files(cluster: Cluster, pace: Pace) -> None:
    ask = make_step("ask", apply='echo "token 42" >"$STEP_DIR/register"', register="token")
    use = make_step(
        "use",
        2,
        apply='cat "$STEP_DIR/files/config"',
        files={"config": f"joined with {value_reference('pg-1', 'token')}\n"},
    )

    run = driven(make_run(cluster, [ask], [use]), pace)

    assert run.status == "succeeded"
    assert run.steps.get(position=0).registered == "token 42"
    assert printed(run.steps.get(position=1)) == ["joined with token 42"]


def test_a_value_that_nobody_registered_fails_the_step_that_needs_it(
    cluster: Cluster, pace: Pace
) -> None:
    use = make_step("use", apply="true", files={"config": value_reference("pg-1", "token")})

    run = driven(make_run(cluster, [use]), pace)

    assert run.steps.get().message == "It needs token of pg-1, which no step has registered."


def test_a_registered_value_outlives_a_retry(cluster: Cluster, pace: Pace, tmp_path: Path) -> None:
    ask = make_step("ask", apply='echo 7 >"$STEP_DIR/register"', register="number")
    config = value_reference("pg-1", "number")
    use = make_step(
        "use",
        apply=f'cat "$STEP_DIR/files/n"; test -e {tmp_path}/mended',
        files={"n": f"{config}\n"},
    )
    run = driven(make_run(cluster, [ask, use]), pace)
    (tmp_path / "mended").touch()

    retry_run(run=run, actor=make_user())
    driven(run, pace)

    assert run.status == "succeeded"
    assert printed(run.steps.get(position=1)) == ["7", "7"]


def test_of_many_failures_a_few_are_told(cluster: Cluster, pace: Pace) -> None:
    run = driven(make_run(cluster, on_all("bad", "exit 4")), pace)
    told = failed_words("", [*run.steps.bad(), *run.steps.bad()])

    assert run.reason.count("ended with exit status 4.") == 3
    assert told.count("ended with exit status 4.") == 3
    assert told.endswith("; and 3 more")
