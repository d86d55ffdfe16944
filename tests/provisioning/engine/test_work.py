"""`manage.py work`: tasks run; a queue that no longer takes any ends, to be started again."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django_q.models import Success, Task
from django_q.tasks import async_task

from provisioning.watchdog import IDLE
from tests.provisioning.engine.runs import environment
from voipadmin.processes import Family, children, is_alive, kill_group, name

PROJECT = Path(__file__).parents[3]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def worker() -> Iterator[subprocess.Popen[str]]:
    """The command, on the test's own database, with two workers; a task waits there 2 s at most."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", "work"],
        cwd=PROJECT,
        env={**environment(), "VOIPADMIN_TASK_WAITS_S": "2"},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    yield process
    kill_group(process.pid)
    process.communicate()


def wait_until(condition: object, seconds: float = 30) -> None:
    """Ask until it holds."""
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "It did not become so in time."
        time.sleep(0.1)


def test_it_runs_tasks_and_ends_at_the_first_sigterm(worker: subprocess.Popen[str]) -> None:
    task = async_task("math.copysign", 1, -1)
    wait_until(lambda: Task.objects.filter(pk=task).exists())

    worker.send_signal(signal.SIGTERM)

    assert worker.wait(timeout=20) == 0
    assert Success.objects.get(pk=task).result == -1


def idle_workers(worker: subprocess.Popen[str]) -> list[int]:
    """Wait for both workers to have nothing to do, and return them."""
    found: list[int] = []

    def are_idle() -> bool:
        found[:] = [pid for pid in family(worker) if name(pid) == IDLE]
        return len(found) == 2

    wait_until(are_idle)
    return found


def family(worker: subprocess.Popen[str]) -> set[int]:
    """Return the processes that the command has forked."""
    members = Family(worker.pid)
    members.lost_a_member()
    return members.members


def taken(task: str) -> bool:
    """Tell whether a task was carried out."""
    return bool(Task.objects.filter(pk=task).exists())


def test_it_ends_when_its_idle_workers_are_killed(worker: subprocess.Popen[str]) -> None:
    first = async_task("math.copysign", 1, -1)
    wait_until(lambda: taken(first))
    members = family(worker)

    for pid in idle_workers(worker):
        os.kill(pid, signal.SIGKILL)

    _, said = worker.communicate(timeout=20)
    assert worker.returncode == 1
    assert "it ends, to be started again" in said
    assert not [pid for pid in members if is_alive(pid)]


def test_it_ends_when_its_guard_is_killed(worker: subprocess.Popen[str]) -> None:
    task = async_task("math.copysign", 1, -1)
    wait_until(lambda: taken(task))
    members = family(worker)

    os.kill(min(children(worker.pid)), signal.SIGKILL)

    _, said = worker.communicate(timeout=20)
    assert worker.returncode == 1
    assert "lost one of its processes" in said
    assert not [pid for pid in members if is_alive(pid)]


def test_it_ends_when_idle_workers_do_not_take_what_waits(
    worker: subprocess.Popen[str],
) -> None:
    members = family(worker)
    for pid in idle_workers(worker):  # As workers do that wait for a lock of the dead.
        os.kill(pid, signal.SIGSTOP)
    task = async_task("math.copysign", 1, -1)

    _, said = worker.communicate(timeout=30)

    assert worker.returncode == 1
    assert "The worker takes no tasks, though some wait and it is idle" in said
    assert not taken(task)
    assert not [pid for pid in members if is_alive(pid)]


def test_a_busy_worker_is_not_taken_for_one_that_hangs(worker: subprocess.Popen[str]) -> None:
    slow = [async_task("time.sleep", 4) for _ in range(2)]
    waits = async_task("math.copysign", 1, -1)

    wait_until(lambda: taken(waits))

    assert all(taken(task) for task in slow)
    assert worker.poll() is None
