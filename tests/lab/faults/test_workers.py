"""What carries a run out is killed: worker, machine, parts of the queue, the database."""

from __future__ import annotations

import random

import pytest
from django.db import connection, connections
from django_q.models import Task
from django_q.tasks import async_task

from inventory.models import Cluster
from provisioning.models import Run
from tests.lab.faults.machines import driver_of, kill, queues, switched_on
from tests.lab.faults.work import (
    assert_done_once,
    begin,
    forty_steps,
    long_step,
    wait_for_line,
)
from tests.lab.hosts import Lab
from tests.provisioning.engine.runs import wait_until
from tests.throwaway import throwaway_server

pytestmark = [pytest.mark.lab, pytest.mark.django_db(transaction=True)]

# Ten moments of the run, as shares of its lines. Two are tried in CI, all by `make lab-test`.
MOMENTS = sorted(map(random.Random(20).uniform, [0] * 10, [1] * 10))
IN_CI = (2, 7)
PARTS = ["pusher", "monitor", "idle worker", pytest.param("guard", marks=pytest.mark.thorough)]


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param(moment, id=f"{moment:.0%}", marks=() if n in IN_CI else pytest.mark.thorough)
        for n, moment in enumerate(MOMENTS)
    ],
)
def test_a_worker_is_killed_at_a_moment_of_forty_steps(
    cluster: Cluster, lab: Lab, moment: float
) -> None:
    with switched_on(2):
        work = begin(cluster, *forty_steps())
        wait_until(lambda: work.stored() >= moment * work.lines, seconds=90)

        kill(driver_of(work.run))

        assert_done_once(work, lab)
    assert work.run.epoch >= 2


def test_the_run_of_a_dead_machine_is_carried_on_within_30_s_of_its_lease(
    cluster: Cluster, lab: Lab
) -> None:
    with switched_on(2, pace={"connect_s": 5}) as machines:  # With a lease as operators have it.
        work = begin(cluster, [long_step(seconds=30)])
        wait_for_line("long line 20")
        driver = driver_of(work.run)
        (dead,) = [machine for machine in machines if machine.has(driver)]

        dead.switch_off()
        late = "SELECT EXTRACT(EPOCH FROM statement_timestamp() - %s)"
        lease_ends = Run.objects.values_list("lease_expires_at", flat=True).get(pk=work.run.pk)
        wait_until(lambda: Run.objects.filter(pk=work.run.pk, epoch=2).exists(), seconds=60)
        with connection.cursor() as cursor:
            cursor.execute(late, [lease_ends])
            seconds_late = cursor.fetchone()[0]

        assert_done_once(work, lab)
    assert 0 <= seconds_late < 30


@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_the_queue_is_killed(cluster: Cluster, lab: Lab, part: str) -> None:
    with switched_on(1, workers=2):
        work = begin(cluster, [long_step(seconds=5)])
        wait_for_line("long line 5")
        driver, (queue,) = driver_of(work.run), queues()
        idle = next(pid for pid in queue.workers if pid != driver)
        parts = {"pusher": queue.pusher, "monitor": queue.monitor, "guard": queue.sentinel}

        kill(parts.get(part, idle))

        assert_done_once(work, lab)
        wait_until(lambda: queue.sentinel not in [q.sentinel for q in queues()])
        task = async_task("math.copysign", 1, -1)
        wait_until(lambda: Task.objects.filter(pk=task).exists(), seconds=60)


@pytest.mark.parametrize("how", ["stopped", pytest.param("killed", marks=pytest.mark.thorough)])
def test_the_database_is_restarted(cluster: Cluster, lab: Lab, how: str) -> None:
    server = throwaway_server()
    with switched_on(2):
        work = begin(cluster, [long_step(host, seconds=5) for host in (1, 2, 3)])
        wait_for_line("long line 5")
        connections.close_all()

        if how == "killed" and (database := server.pid()):
            kill(database)
            wait_until(lambda: server.pid() is None)
        server.stop()
        server.start()

        assert_done_once(work, lab)
    assert work.run.epoch >= 2
