"""The probe on real hosts: its values against the host's own cgroup, and loss noticed in time."""

import time
from collections.abc import Callable, Iterator

import pytest
from django.utils import timezone

from inventory.models import Cluster, Container
from monitoring.collector import Collector
from monitoring.metrics import HOST
from monitoring.models import HostState, Sample
from tests.factories import make_cluster, make_container, make_credential
from tests.lab.hosts import Lab
from tests.lab.machine import missing

pytestmark = [
    pytest.mark.lab,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(bool(missing()), reason=missing() or "the lab is there"),
    pytest.mark.usefixtures("clean_samples"),
]


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """Bring up two bare hosts."""
    with Lab("vm", "10.207.0", "10.208.0", layers=()) as lab:
        lab.up(2)
        yield lab


@pytest.fixture
def containers(lab: Lab) -> list[Container]:
    """Make the hosts containers of a cluster."""
    cluster: Cluster = make_cluster("vm", private="10.207.0.0/24", public="10.208.0.0/24")
    credential = make_credential(lab.key_path.read_text())
    rows = []
    for host in lab.hosts():
        row = make_container(cluster, host.name, private=host.private)
        Container.objects.filter(pk=row.pk).update(
            credential=credential,
            host_key=lab.host_key(host),
            host_key_confirmed_at=timezone.now(),
        )
        rows.append(row)
    return rows


@pytest.fixture
def collector(containers: list[Container]) -> Iterator[Collector]:
    """Make a collector that visits every two seconds."""
    collector = Collector(name="test:0", interval_s=2, threads=4)
    yield collector
    collector.close()


def until(collector: Collector, condition: Callable[[], object], *, seconds: float = 40) -> None:
    """Let the collector work until something holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, list(HostState.objects.values())
        collector.step()


def values(container: Container, key: str) -> list[float]:
    """Return what was measured of a host, oldest first."""
    place = HOST.index(key)
    rows = Sample.objects.filter(subject_id=container.pk, layout=HOST.number).order_by("at")
    stored = [row.values[place] for row in rows]
    return [float(HOST.metrics[place].value(v) or 0) for v in stored if v is not None]


def usage_s(lab: Lab, index: int) -> float:
    """Read a host's own CPU accounting."""
    text = lab.ssh(lab.hosts()[index], "head -n 1 /sys/fs/cgroup/cpu.stat")
    return int(text.split()[1]) / 1e6


def test_load_on_one_host_shows_there_as_its_cgroup_counts_it_and_nowhere_else(
    lab: Lab, containers: list[Container], collector: Collector
) -> None:
    loaded, idle = containers
    until(collector, lambda: len(values(idle, "cpu_percent")) >= 2)
    Sample.objects.all().delete()

    lab.ssh(lab.hosts()[0], "systemd-run -q --unit=burn timeout 60 sh -c 'while :; do :; done'")
    until(collector, lambda: len(values(loaded, "cpu_percent")) >= 2)
    Sample.objects.all().delete()
    before, started = usage_s(lab, 0), time.monotonic()
    until(collector, lambda: len(values(loaded, "cpu_percent")) >= 6)
    after, ended = usage_s(lab, 0), time.monotonic()
    lab.ssh(lab.hosts()[0], "systemctl stop burn")

    cpus = int(lab.ssh(lab.hosts()[0], "nproc"))
    truth = 100 * (after - before) / (ended - started) / cpus
    measured = values(loaded, "cpu_percent")
    assert sum(measured) / len(measured) == pytest.approx(truth, rel=0.1)
    assert max(values(idle, "cpu_percent")) < 15


def test_memory_and_disk_are_the_hosts_own(
    lab: Lab, containers: list[Container], collector: Collector
) -> None:
    until(collector, lambda: values(containers[1], "memory_used_bytes"))

    state = HostState.objects.get(container=containers[1])
    assert state.measured_in == "cgroup"
    assert state.probe_errors == {}
    assert 2**20 < values(containers[1], "memory_used_bytes")[-1] < 400 * 2**20
    assert 0 < values(containers[1], "disk_used_percent")[-1] <= 100


def test_a_host_without_power_is_down_and_the_other_goes_on(
    lab: Lab, containers: list[Container], collector: Collector
) -> None:
    until(collector, lambda: all(values(c, "cpu_percent") for c in containers))

    lab.power_off(lab.hosts()[0])
    off_at = time.monotonic()
    until(collector, lambda: HostState.objects.get(container=containers[0]).status == "down")
    took_s = time.monotonic() - off_at
    measured = len(values(containers[1], "cpu_percent"))
    until(collector, lambda: len(values(containers[1], "cpu_percent")) > measured)
    lab.power_on(lab.hosts()[0])
    until(collector, lambda: HostState.objects.get(container=containers[0]).status == "up")

    assert took_s < 30
    cpu = values(containers[0], "cpu_percent")
    assert min(cpu) >= 0
    assert max(cpu) <= 100
