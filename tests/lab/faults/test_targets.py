"""What a run works on fails: a host hangs, loses power, is cut off, is full, or is busy."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User

from inventory.models import Cluster
from provisioning.compile.step import Place, compile_step
from provisioning.models import Attempt, Run
from provisioning.runbook.schema import StepSpec
from provisioning.services import retry_run
from provisioning.states import RunStatus, StepStatus
from provisioning.steps import CompiledStep
from tests.lab.faults.machines import driver_of, kill, switched_on
from tests.lab.faults.work import (
    Work,
    applied,
    assert_done_once,
    assert_free,
    begin,
    counting,
    ended,
    long_step,
    wait_for_line,
)
from tests.lab.hosts import Lab
from tests.provisioning.engine.runs import printed, wait_until

pytestmark = [pytest.mark.lab, pytest.mark.django_db(transaction=True)]

PACKAGE = "haproxy"
SOMEBODY = "chrony"
# Somebody else's apt holds its lock until it is told to go on.
HOLD = (
    "apt-get -qq update && mkfifo /root/go && systemd-run --quiet --unit=somebody"
    " apt-get install -y -o DPkg::Pre-Invoke::='cat /root/go' " + SOMEBODY
)


def message(run: Run) -> str:
    """Return what the steps of a run say for now."""
    return "; ".join(filter(None, run.steps.values_list("message", flat=True)))


def assert_lost_and_looked(work: Work, lab: Lab) -> None:
    """Check that the step was lost, looked again, and found that all was done."""
    run = ended(work.run)
    tries = Attempt.objects.filter(step__run=run, step__key="long").order_by("number")
    assert list(tries.values_list("outcome", "message")) == [
        ("lost", "The host was restarted while the step ran."),
        ("ok", ""),
    ]
    lines = printed(run.steps.get(key="long"))
    assert lines == work.expected["long"][: len(lines)]
    assert run.status == RunStatus.SUCCEEDED, run.reason
    assert applied(lab, 1) == ["long", "after"]
    assert_free(run)


def test_a_host_hangs_for_a_minute(cluster: Cluster, lab: Lab) -> None:
    with switched_on(1):
        work = begin(cluster, [long_step(host, seconds=8) for host in (1, 2, 3)])
        wait_for_line("long line 5")

        lab.freeze(lab.host(2))
        frozen_at = time.monotonic()
        wait_until(lambda: "host-2" in message(work.run), seconds=60)
        wait_until(lambda: time.monotonic() > frozen_at + 60, seconds=70)
        lab.thaw(lab.host(2))

        assert_done_once(work, lab)
    assert message(work.run) == ""


def test_a_host_loses_power_and_comes_back(cluster: Cluster, lab: Lab) -> None:
    with switched_on(1):
        after = counting("after", 1, lines=3, pause=0)
        work = begin(cluster, [long_step(seconds=60, look=True), after])
        wait_for_line("long line 5")

        lab.power_off(lab.host(1))
        wait_until(lambda: "host-1" in message(work.run), seconds=60)
        lab.power_on(lab.host(1))

        assert_lost_and_looked(work, lab)


@pytest.mark.thorough
def test_a_host_that_stays_without_power_fails_with_the_reason(
    cluster: Cluster, lab: Lab, administrator: User
) -> None:
    with switched_on(1, pace={"lease_s": 4, "connect_s": 2, "call_s": 2, "patience_s": 5}):
        work = begin(cluster, [counting("first", 1, lines=3, pause=0)])
        ended(work.run)
        lab.power_off(lab.host(1))

        work = begin(cluster, [counting("second", 1, lines=3, pause=0)])
        run = ended(work.run)
        lab.power_on(lab.host(1))

        assert run.status == RunStatus.FAILED
        assert "host-1" in run.reason
        assert_free(run)
        retry_run(run=run, actor=administrator)
        assert ended(run).status == RunStatus.SUCCEEDED
    assert applied(lab, 1) == ["first", "second"]


def test_a_host_is_cut_off_for_a_while(cluster: Cluster, lab: Lab) -> None:
    with switched_on(1):
        work = begin(cluster, [long_step(host, seconds=8) for host in (1, 2, 3)])
        wait_for_line("long line 5")

        lab.cut(lab.host(3))
        wait_until(lambda: "host-3" in message(work.run), seconds=60)
        lab.join(lab.host(3))

        assert_done_once(work, lab)
    assert message(work.run) == ""


@pytest.mark.thorough
def test_a_host_is_cut_off_while_the_worker_dies(cluster: Cluster, lab: Lab) -> None:
    with switched_on(2):
        work = begin(cluster, [long_step(host, seconds=8) for host in (1, 2, 3)])
        wait_for_line("long line 5")

        lab.cut(lab.host(3))
        kill(driver_of(work.run))
        wait_until(lambda: Run.objects.filter(pk=work.run.pk, epoch=2).exists(), seconds=60)
        wait_until(lambda: "host-3" in message(work.run), seconds=60)
        lab.join(lab.host(3))

        assert_done_once(work, lab)


@pytest.fixture
def small_disk(lab: Lab) -> Iterator[str]:
    """Give the first host a disk of 512 KiB for what runs leave there; return where it is."""
    base = "/var/lib/voipadmin"
    lab.ssh(lab.host(1), f"mkdir -p {base} && mount -t tmpfs -o size=512k tmpfs {base}")
    yield base
    lab.ssh(lab.host(1), f"umount -l {base}")


def fill(lab: Lab, base: str) -> None:
    """Leave no byte on a disk."""
    lab.ssh(lab.host(1), f"cat /dev/zero >{base}/full || true")


def test_the_disk_is_full_before_a_step(
    cluster: Cluster, lab: Lab, administrator: User, small_disk: str
) -> None:
    lab.ssh(lab.host(1), f"mkdir {small_disk}/runs {small_disk}/steps; touch {small_disk}/lock")
    fill(lab, small_disk)
    with switched_on(1):
        work = begin(cluster, [counting("only", 1, lines=3, pause=0)])
        run = ended(work.run)

        assert run.status == RunStatus.FAILED
        assert "No space left on device" in run.reason
        assert_free(run)
        assert applied(lab, 1) == []
        lab.ssh(lab.host(1), f"rm {small_disk}/full")
        retry_run(run=run, actor=administrator)
        assert ended(run).status == RunStatus.SUCCEEDED, run.reason
    assert applied(lab, 1) == ["only"]


def test_the_disk_fills_while_a_step_runs(
    cluster: Cluster, lab: Lab, administrator: User, small_disk: str
) -> None:
    with switched_on(1):
        after = counting("after", 1, lines=3, pause=0)
        many = counting("long", 1, lines=1500, pause=0.005, look=True)
        work = begin(cluster, [many, after])
        wait_for_line("long line 5")
        fill(lab, small_disk)
        run = ended(work.run)

        step = run.steps.get(key="long")
        lines = printed(step)
        assert (run.status, step.status) == (RunStatus.FAILED, StepStatus.FAILED)
        assert "No space left on device" in run.reason
        assert lines == work.expected["long"][: len(lines)]
        assert_free(run)
        lab.ssh(lab.host(1), f"rm {small_disk}/full")
        retry_run(run=run, actor=administrator)
        assert ended(run).status == RunStatus.SUCCEEDED, run.reason
    assert applied(lab, 1) == ["long", "after"]
    assert Attempt.objects.filter(step=step).count() == 2


def test_somebody_else_holds_the_lock_of_apt(cluster: Cluster, lab: Lab) -> None:
    host = lab.host(1)
    lab.ssh(host, HOLD)
    wait_until(lambda: "cat /root/go" in lab.ssh(host, "ps -eo args"))
    with switched_on(1):
        work = begin(cluster, [install(PACKAGE)])
        wait_until(lambda: "held by process" in said(work.run) or message(work.run), seconds=60)
        assert work.run.steps.get().status == StepStatus.RUNNING

        lab.ssh(host, "echo go >/root/go; rm /root/go")

        run = ended(work.run)
    assert run.status == RunStatus.SUCCEEDED, run.reason
    installed = lab.ssh(host, f"dpkg-query -W -f='${{db:Status-Status}} ' {PACKAGE} {SOMEBODY}")
    assert installed.split() == ["installed", "installed"]
    assert_free(run)


def install(package: str) -> CompiledStep:
    """Make the step that a runbook makes of a package."""
    spec = StepSpec.model_validate({"key": "it", "title": "It", "packages": {"apt": [package]}})
    context = {"node": {"name": "pg-1"}, "container": {"name": "host-1"}}
    return compile_step(spec, Place("database", "test", {}), context)[0].step


def said(run: Run) -> str:
    """Return what the only step of a run printed so far."""
    step = run.steps.get()
    parts = Attempt.objects.filter(step=step).values_list("partial", flat=True)
    return "\n".join([*printed(step), *parts])


def test_a_worker_dies_and_the_host_has_no_systemd(plain_cluster: Cluster, plain_lab: Lab) -> None:
    assert plain_lab.ssh(plain_lab.host(1), "cat /proc/1/comm; ls /run/systemd/system || true")
    with switched_on(2):
        work = begin(plain_cluster, [long_step(seconds=8)])
        wait_for_line("long line 5")

        kill(driver_of(work.run))

        assert_done_once(work, plain_lab)
    assert work.run.epoch == 2


def test_a_host_without_systemd_loses_power(plain_cluster: Cluster, plain_lab: Lab) -> None:
    with switched_on(1):
        after = counting("after", 1, lines=3, pause=0)
        work = begin(plain_cluster, [long_step(seconds=60, look=True), after])
        wait_for_line("long line 5")

        plain_lab.power_off(plain_lab.host(1))
        plain_lab.power_on(plain_lab.host(1))

        assert_lost_and_looked(work, plain_lab)
