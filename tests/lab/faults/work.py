"""What the runs of the fault tests do on the hosts, and how one sees that all was done once."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.utils import timezone

from inventory.models import Cluster
from provisioning.engine.bell import ring
from provisioning.models import Attempt, ContainerLock, Line, Run, Step
from provisioning.services import freeze
from provisioning.states import ENDED, RunStatus
from provisioning.steps import CompiledStep, Plan, Stage
from tests.lab.hosts import Lab
from tests.provisioning.engine.runs import make_step, printed, wait_until

APPLY = """
echo {key} >>/root/applied
sync /root/applied
n=0
while [ $n -lt {lines} ]; do
    echo {key} line $n
    n=$((n + 1))
    sleep {pause}
done
"""
COUNT = re.compile(r"-lt (\d+)")


@dataclass(frozen=True)
class Work:
    """A run under way, and what it will have printed in the end."""

    run: Run
    expected: dict[str, list[str]]

    @property
    def lines(self) -> int:
        """Return how many lines will be stored, the names of phases included."""
        return sum(len(lines) + 1 for lines in self.expected.values())

    def stored(self) -> int:
        """Return how many lines are stored by now."""
        return Line.objects.filter(attempt__step__run=self.run).count()


def counting(
    key: str, host: int, *, lines: int, pause: float, look: bool = False, timeout_s: int = 120
) -> CompiledStep:
    """Make a step that counts in its log, and leaves a mark for every time it is applied.

    With `look` its probe finds that mark, as any step that can be lost should.
    """
    return make_step(
        key,
        host,
        apply=APPLY.format(key=key, lines=lines, pause=pause),
        probe=f"grep -qx {key} /root/applied 2>/dev/null || exit 10" if look else "",
        timeout_s=timeout_s,
    )


def printed_by(key: str, lines: int) -> list[str]:
    """Return what such a step prints."""
    return [f"{key} line {n}" for n in range(lines)]


def long_step(host: int = 1, *, seconds: float = 10, look: bool = False) -> CompiledStep:
    """Make a step that prints ten lines a second."""
    return counting("long", host, lines=round(seconds * 10), pause=0.1, look=look)


def begin(cluster: Cluster, *stages: list[CompiledStep]) -> Work:
    """Queue a run of such steps and ring for a worker."""
    made = Plan(
        tuple(Stage(f"s{n}", f"Stage {n}", tuple(steps)) for n, steps in enumerate(stages)), {}
    )
    run = freeze(cluster=cluster, made=made, actor=None)
    run.move(RunStatus.QUEUED, queued_at=timezone.now())
    ring(run.pk)
    counts = {step.key: COUNT.search(step.apply) for step in made.steps}
    expected = {key: printed_by(key, int(found[1])) for key, found in counts.items() if found}
    return Work(run, expected)


def forty_steps() -> list[list[CompiledStep]]:
    """Return two stages of twenty steps on three hosts; every fifth takes two seconds."""
    steps = [
        counting(
            f"step-{number:02d}",
            number % 3 + 1,
            lines=20 if number % 5 == 0 else 4,
            pause=0.1 if number % 5 == 0 else 0.02,
        )
        for number in range(40)
    ]
    return [steps[:20], steps[20:]]


def ended(run: Run, *, seconds: float = 180) -> Run:
    """Wait for a run to end."""
    wait_until(
        lambda: Run.objects.filter(pk=run.pk, status__in=sorted(ENDED)).exists(), seconds=seconds
    )
    run.refresh_from_db()
    return run


def assert_done_once(work: Work, lab: Lab) -> None:
    """Check the end state: all applied once, every line stored once and in order, locks free."""
    run = ended(work.run)
    assert run.status == RunStatus.SUCCEEDED, run.reason
    steps = list(Step.objects.filter(run=run))
    assert {step.key: printed(step) for step in steps} == work.expected
    assert {step.status for step in steps} == {"changed"}
    assert Attempt.objects.filter(step__run=run).count() == len(steps)
    for host in lab.hosts():
        keys = [step.key for step in steps if step.container_name == f"host-{host.index}"]
        assert applied(lab, host.index) == keys
    assert_free(run)


def assert_free(run: Run) -> None:
    """Check that nothing is held any more."""
    assert not ContainerLock.objects.exists()
    assert (run.lease_expires_at, run.driver) == (None, "")


def applied(lab: Lab, number: int) -> list[str]:
    """Return the steps that were applied on a host, as often as they were."""
    return lab.ssh(lab.host(number), "cat /root/applied 2>/dev/null || true").split()


def wait_for_line(text: str, *, seconds: float = 60) -> None:
    """Wait until a line is stored."""
    wait_until(lambda: Line.objects.filter(text=text).exists(), seconds=seconds)
