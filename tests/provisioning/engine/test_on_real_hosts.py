"""The engine on a real Debian host with systemd: steps run in units, and end with them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from inventory.models import Cluster, Container, Secret
from inventory.ssh import fetch_host_key
from provisioning.engine.pace import Pace
from provisioning.models import Attempt, Line, Run
from provisioning.services import cancel_run
from provisioning.states import RunStatus
from tests.factories import make_cluster, make_container, make_credential, make_node
from tests.lab.hosts import Host, Lab
from tests.lab.machine import missing
from tests.provisioning.engine.runs import (
    PACE,
    drive_elsewhere,
    driven,
    make_run,
    make_step,
    printed,
    wait_until,
)

pytestmark = [pytest.mark.lab, pytest.mark.django_db(transaction=True)]

PACE_HERE = Pace(**{**PACE, "patience_s": 20, "starter": "auto"})
COUNT = """
echo once >>/root/applied
n=0
while [ $n -lt 60 ]; do echo line $n; n=$((n + 1)); sleep 0.05; done
"""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """Bring up one bare host."""
    if why := missing():
        pytest.skip(why)
    with Lab("ve", "10.209.0", "10.211.0", layers=()) as lab:
        lab.up(1)
        yield lab


@pytest.fixture
def host(lab: Lab) -> Host:
    """Return the host, clean."""
    (host,) = lab.hosts()
    lab.ssh(host, "rm -rf /root/applied /var/lib/voipadmin")
    return host


@pytest.fixture
def cluster(db: None, lab: Lab, host: Host) -> Cluster:
    """Make a cluster of the one host."""
    cluster = make_cluster("ve", private="10.209.0.0/24", public=None)
    container = make_container(
        cluster, "host-1", private=host.private, networks=("ve-private", "ve-public")
    )
    Container.objects.update(
        credential=make_credential(lab.key_path.read_text()),
        host_key=str(fetch_host_key(host.private)),
        host_key_confirmed_at=timezone.now(),
    )
    make_node(container, "pg-1")
    return cluster


def test_a_step_runs_in_a_unit_and_is_followed_after_its_driver_was_killed(
    cluster: Cluster, lab: Lab, host: Host
) -> None:
    files = {"password": "⟦secret:marker⟧"}
    run = make_run(cluster, [make_step(apply=COUNT, files=files)])
    driver = drive_elsewhere(run, PACE_HERE)
    wait_until(lambda: Line.objects.filter(text="line 5").exists())
    unit = f"voipadmin-step-{Attempt.objects.get().pk}.service"
    shown = lab.ssh(host, f"systemctl show {unit}")

    driver.kill()
    driver.wait()
    wait_until(lambda: Run.objects.undriven().filter(pk=run.pk).exists())
    driven(run, PACE_HERE)

    assert run.status == RunStatus.SUCCEEDED
    assert printed(run.steps.get()) == [f"line {n}" for n in range(60)]
    assert lab.ssh(host, "cat /root/applied").split() == ["once"]
    assert "ActiveState=active" in shown
    assert Secret.objects.get().value not in shown
    assert "not-found" in lab.ssh(host, f"systemctl show -p LoadState {unit}")
    assert lab.ssh(host, "stat -c %a /var/lib/voipadmin/steps/*").split() == ["700"]


def test_cancel_ends_the_unit(cluster: Cluster, lab: Lab, host: Host, administrator: User) -> None:
    long = make_step("second", apply="setsid sleep 777 & echo begun; sleep 778")
    run = make_run(cluster, [make_step("first", apply="true"), long])
    driver = drive_elsewhere(run, PACE_HERE)
    wait_until(lambda: Line.objects.filter(text="begun").exists())

    cancel_run(run=run, actor=administrator)

    assert driver.wait() == 0
    run.refresh_from_db()
    assert run.status == RunStatus.CANCELLED
    assert lab.ssh(host, "pgrep -fc 'sleep 77[78]' || true").strip() == "0"
