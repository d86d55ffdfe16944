"""How soon a run begins after somebody started it, and how soon its lines can be read.

    python benchmarks/tasks.py [--quick]

The real `manage.py work` on a throwaway PostgreSQL that waits for the disk, and one host on a
loopback sshd (needs root). Measured are the times from the commit that queues a run (as start_run
does) to its first step on the host, beside that of a bare django-q2 task in turns with it; and of
lines from being written on the host until another connection to the database sees them. Ends with
one line of JSON; exit code 1 when a target is missed.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Any

# Run as a script, Python looks in this folder alone.
sys.path.insert(0, str(Path(__file__).parents[1]))
import benchmarks.durable  # Django, before everything that asks for settings

# isort: split
from django.db import connection, transaction
from django.utils import timezone
from django_q.models import Success
from django_q.tasks import async_task

from benchmarks.loopback import hosts, make_cluster
from inventory.models import Cluster
from provisioning.engine.bell import ring
from provisioning.models import Attempt, Line, Run
from provisioning.services import freeze
from provisioning.states import RunStatus
from provisioning.steps import CompiledStep, Plan, Stage

BASE_DIR = Path(__file__).parents[1]
# A second is what a person who pressed a button waits without asking.
TARGETS = {"first_step_p50_s": 0.6, "first_step_p95_s": 1.0, "line_p95_s": 1.0}
PATIENCE_S = 60
# Lines of a step that prints as builds and installs do: some at once, then nothing for a while.
PRINT = """
n=0
while [ $n -lt {count} ]; do
    date +%s.%N; date +%s.%N; date +%s.%N
    sleep 0.$((n % 7))
    n=$((n + 1))
done
"""


@contextmanager
def worker() -> Iterator[None]:
    """Run the queue's processes for a while."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", "work"],
        cwd=BASE_DIR,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def until(condition: Callable[[], Any]) -> Any:
    """Return what becomes true."""
    end = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        if time.monotonic() > end:
            raise SystemExit("It did not happen in time.")
        time.sleep(0.02)
    return found


def planned(cluster: Cluster, script: str) -> Run:
    """Freeze a run of one step."""
    step = CompiledStep(
        key="bench.tasks.step",
        title="Step",
        kind="command",
        role="bench",
        component="tasks",
        node="node-0",
        container="host-0",
        probe="",
        apply=script,
        verify="",
    )
    return freeze(cluster=cluster, made=Plan((Stage("s", "Stage", (step,)),), {}), actor=None)


def start(run: Run) -> datetime:
    """Queue a run and ring, as start_run does; return the database's time after the commit."""
    with transaction.atomic():
        run.move(RunStatus.QUEUED, queued_at=timezone.now())
        ring(run.pk)
    return database_now()


def database_now() -> datetime:
    """Ask the database for the time."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        found: datetime = cursor.fetchone()[0]
    return found


def ended(run: Run) -> None:
    """Wait for the end of a run."""
    ending = Run.objects.filter(pk=run.pk, finished_at__isnull=False)
    row = until(ending.first)
    assert row.status == RunStatus.SUCCEEDED, row.reason


def first_step_s(run: Run, started: datetime) -> float:
    """Return the time from the commit until the host had the first step."""
    ended(run)
    begun_at = Attempt.objects.get(step__run=run).begun_at
    assert begun_at
    return (begun_at - started).total_seconds()


def task_s() -> float:
    """Return the time from a bare task's commit until a worker began it."""
    name = async_task("time.time")
    queued = time.time()
    row = until(Success.objects.filter(pk=name).first)
    return float(row.result) - queued


def in_turns(cluster: Cluster, count: int) -> tuple[list[float], list[float]]:
    """Measure runs and bare tasks, one after the other; the first of each warms up."""
    runs, tasks = [], []
    for _ in range(count + 1):
        run = planned(cluster, "true")
        runs.append(first_step_s(run, start(run)))
        tasks.append(task_s())
    return runs[1:], tasks[1:]


def burst(clusters: list[Cluster]) -> list[float]:
    """Start runs of many clusters at once."""
    started = [(run, start(run)) for run in [planned(cluster, "true") for cluster in clusters]]
    return [first_step_s(run, at) for run, at in started]


def lines(cluster: Cluster, count: int) -> list[float]:
    """Return for each line how long it took to be seen in the database."""
    run = planned(cluster, PRINT.format(count=count))
    start(run)
    seen: dict[int, float] = {}
    active = True
    while active:
        active = Run.objects.filter(pk=run.pk, finished_at=None).exists()
        rows = Line.objects.filter(attempt__step__run=run, sequence__gt=max(seen, default=-1))
        texts = dict(rows.values_list("sequence", "text"))
        now = time.time()
        seen |= {n: now - float(text) if text[0] != "=" else 0 for n, text in texts.items()}
        time.sleep(0.02)
    ended(run)
    assert len(seen) == 3 * count + 1
    return [took for number, took in sorted(seen.items()) if number]


def p95(values: list[float]) -> float:
    """Return the 95th percentile."""
    return quantiles(values, n=20, method="inclusive")[-1]


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer runs, under a minute")
    quick = parser.parse_args().quick
    with hosts(benchmarks.durable.FOLDER / "sshd") as server:
        cluster = make_cluster(server, "bench", 1)
        others = [make_cluster(server, f"bench-{n}", 1) for n in range(4 if quick else 10)]
        with worker():
            runs, tasks = in_turns(cluster, 8 if quick else 40)
            bursts = burst(others)
            printed = lines(cluster, 20 if quick else 100)
    measured = {"first_step": runs, "bare_task": tasks, "burst": bursts, "line": printed}
    figures = {}
    for name, values in measured.items():
        figures[f"{name}_p50_s"] = round(median(values), 3)
        figures[f"{name}_p95_s"] = round(p95(values), 3)
        shown = f"p50 {median(values):6.3f} s, p95 {p95(values):6.3f} s, of {len(values)}"
        print(f"{name:12} {shown}")
    met = all(figures[name] <= target for name, target in TARGETS.items())
    print(json.dumps({"figures": figures, "targets": TARGETS, "met": met}))
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
