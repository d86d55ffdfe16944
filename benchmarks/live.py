"""How long a line takes from being written on a host to a reader's screen.

    python benchmarks/live.py [--quick] [--hosts 10] [--lines 60] [--readers 1]

Hosts are addresses of one loopback sshd (needs root); a driver, a web server and Chromium run as in
production, the database waits for the disk. Each line is the time at which it was written. Ends
with one line of JSON; exit code 1 when the target is missed.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles

# Run as a script, Python looks in this folder alone.
sys.path.insert(0, str(Path(__file__).parents[1]))
from django.utils import timezone
from playwright.sync_api import Page

import benchmarks.durable  # Django, before its models

# isort: split
from django.contrib.auth.models import User

from benchmarks.loopback import hosts, make_cluster
from provisioning.models import Run
from provisioning.services import freeze
from provisioning.states import RunStatus
from provisioning.steps import CompiledStep, Plan, Stage
from tests import looks

HERE = Path(__file__).parent
TARGETS = {"p95_s": 1.0}
# Pauses that no clock of ours is a multiple of, or the same moment would be met each time.
WRITE = """
n=0
while [ "$n" -lt {lines} ]; do
    n=$((n + 1))
    date +%s.%N
    sleep 0.$((n * 37 % 60 + 10))
done
"""
WATCH = """
window.ages = [];
new MutationObserver((changes) => requestAnimationFrame(() => {
    for (const change of changes) for (const line of change.addedNodes) {
        const at = Number(line.querySelector?.(".log-text").textContent);
        if (at > 1e9) ages.push(Date.now() / 1000 - at);
    }
})).observe(document.getElementById("run-log"), { childList: true });
"""


@contextmanager
def web_server() -> Iterator[str]:
    """Serve the portal as `make up` does; yields its address."""
    os.environ["VOIPADMIN_STATIC_ROOT"] = f"{benchmarks.durable.FOLDER}/static"
    collect = [sys.executable, "manage.py", "collectstatic", "--no-input", "-v", "0"]
    subprocess.run(collect, cwd=HERE.parent, check=True)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://localhost:{listener.getsockname()[1]}"
        command = ["-m", "gunicorn", "--config", "python:voipadmin.gunicorn", "voipadmin.wsgi"]
        process = subprocess.Popen(
            [sys.executable, *command, "--bind", f"fd://{listener.fileno()}"],
            pass_fds=[listener.fileno()],
            cwd=HERE.parent,
        )
        try:
            urllib.request.urlopen(f"{address}/login/", timeout=30).close()
            yield address
        finally:
            process.terminate()
            process.wait()


def make_run(cluster_hosts: int, lines: int, sshd: object) -> Run:
    """Queue a run in which every host writes lines, each with its time."""
    cluster = make_cluster(sshd, "live", cluster_hosts)  # type: ignore[arg-type]
    steps = tuple(
        CompiledStep(
            key="write",
            title="Write lines",
            kind="command",
            role="database",
            component="live",
            node="",
            container=f"host-{number}",
            probe="",
            apply=WRITE.format(lines=lines),
            verify="",
            timeout_s=600,
        )
        for number in range(cluster_hosts)
    )
    run = freeze(cluster=cluster, made=Plan((Stage("live", "Live", steps),), {}), actor=None)
    run.move(RunStatus.QUEUED, queued_at=timezone.now())
    return run


def watched(page: Page, run: Run, wanted: int) -> list[float]:
    """Let a reader look on while the run is driven; return the ages of the lines he saw."""
    page.goto(run.get_absolute_url())
    page.evaluate(WATCH)
    pace = json.dumps({"base": f"{benchmarks.durable.FOLDER}/targets/{{container}}"})
    driver = subprocess.Popen([sys.executable, f"{HERE}/drive_run.py", str(run.pk), pace])
    page.wait_for_function(f"ages.length >= {wanted}", timeout=600_000)
    driver.wait()
    ages: list[float] = page.evaluate("ages")
    return ages


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="10 lines a host; under a minute")
    parser.add_argument("--hosts", type=int, default=10)
    parser.add_argument("--lines", type=int, default=60)
    parser.add_argument("--readers", type=int, default=1, help="pages that look on")
    chosen = parser.parse_args()
    lines = 10 if chosen.quick else chosen.lines
    user = User.objects.create_superuser("reader")
    with hosts(benchmarks.durable.FOLDER / "sshd") as sshd, web_server() as address:
        run = make_run(chosen.hosts, lines, sshd)
        with looks.open_page(address) as page:
            looks.sign_in(page, user, address)
            for _ in range(chosen.readers - 1):
                page.context.new_page().goto(run.get_absolute_url())
            page.bring_to_front()
            ages = watched(page, run, chosen.hosts * lines)
    cuts = quantiles(ages, n=20)
    figures = {"lines": len(ages), "p50_s": round(cuts[9], 3), "p95_s": round(cuts[18], 3)}
    met = figures["p95_s"] <= TARGETS["p95_s"]
    print(json.dumps({"figures": figures, "targets": TARGETS, "met": met}))
    return int(not met)


if __name__ == "__main__":
    sys.exit(main())
