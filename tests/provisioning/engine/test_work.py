"""`manage.py work`: tasks run, and runs without a driver are found, by one command."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from django_q.models import Success, Task
from django_q.tasks import async_task

PROJECT = Path(__file__).parents[3]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def worker() -> Iterator[subprocess.Popen[bytes]]:
    """The command, on the test's own database."""
    settings = connection.settings_dict
    environment = os.environ | {
        "DATABASE_URL": f"postgres://{settings['USER']}@{settings['HOST'].replace('/', '%2F')}"
        f"/{settings['NAME']}",
        "DJANGO_SETTINGS_MODULE": "tests.settings",
    }
    process = subprocess.Popen(
        [sys.executable, "manage.py", "work"],
        cwd=PROJECT,
        env=environment,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    yield process
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_until(condition: object, seconds: float = 30) -> None:
    """Ask until it holds."""
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "It did not become so in time."
        time.sleep(0.1)


def test_it_runs_tasks_and_ends_at_the_first_sigterm(worker: subprocess.Popen[bytes]) -> None:
    task = async_task("math.copysign", 1, -1)
    wait_until(lambda: Task.objects.filter(pk=task).exists())

    worker.send_signal(signal.SIGTERM)

    assert worker.wait(timeout=20) == 0
    assert Success.objects.get(pk=task).result == -1
