"""The collector against a real SSH server on loopback, and against what can go wrong with it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from inventory.models import Cluster, Container, Event, Fact
from inventory.ssh import HostKey
from monitoring import leases
from monitoring.collector import Collector
from monitoring.leases import SHARDS
from monitoring.metrics import HOST
from monitoring.models import Collector as CollectorRow
from monitoring.models import HostState, Sample, Shard
from tests.factories import make_cluster, make_container, make_credential
from tests.sshd import Sshd, missing, serving

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(bool(missing()), reason=missing()),
    pytest.mark.usefixtures("clean_samples"),
]
PROJECT = Path(__file__).parents[2]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Sshd]:
    """Run an SSH server."""
    with serving(tmp_path) as server:
        yield server


@pytest.fixture
def cluster() -> Cluster:
    """Make a cluster whose private network is loopback."""
    return make_cluster("loop", private="127.0.0.0/8")


@pytest.fixture
def collector() -> Iterator[Collector]:
    """Make a collector that visits every half second."""
    collector = Collector(name="test:0", interval_s=0.5, threads=4)
    yield collector
    collector.close()


def monitored(cluster: Cluster, server: Sshd, name: str, ip: str = "127.0.0.1") -> Container:
    """Make a container that the server stands for."""
    container = make_container(cluster, name, private=ip, ssh_port=server.port)
    Container.objects.filter(pk=container.pk).update(
        credential=make_credential(server.key),
        host_key=server.host_key,
        host_key_confirmed_at=timezone.now(),
    )
    return container


def until(collector: Collector, condition: Callable[[], object], *, seconds: float = 20) -> None:
    """Let the collector work until something holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, list(HostState.objects.values())
        collector.step()


def status(container: Container) -> str:
    """Return a host's status as stored."""
    state = HostState.objects.filter(pk=container.pk).first()
    return state.status if state else ""


def count(container: Container) -> int:
    """Count the samples of a host."""
    return Sample.objects.filter(layout=HOST.number, subject_id=container.pk).count()


def test_a_host_is_measured_over_one_kept_connection(
    server: Sshd, cluster: Cluster, collector: Collector
) -> None:
    container = monitored(cluster, server, "one")

    def measured() -> bool:
        # Visits that a busy machine bunches up are too close for a rate.
        return Sample.objects.latest("at").values[HOST.index("cpu_percent")] is not None

    until(collector, lambda: count(container) >= 3 and measured())

    state = HostState.objects.get()
    last = Sample.objects.latest("at").values
    assert (state.status, state.error, state.failures) == ("up", "", 0)
    assert abs(state.clock_skew_s or 9) < 1
    assert 0 < (last[HOST.index("memory_used_percent")] or 0) <= 10_000
    assert last[HOST.index("disk_used_percent")] is not None
    assert (server.folder / "log").read_text().count("Accepted publickey") == 1
    assert not Event.objects.filter(kind__startswith="host-").exists()


def test_a_host_that_hangs_costs_the_others_nothing(
    server: Sshd, cluster: Cluster, collector: Collector
) -> None:
    good = monitored(cluster, server, "good")
    with socket.create_server(("127.0.0.9", server.port)):  # accepts, and says nothing
        hanging = [monitored(cluster, server, f"hanging{n}", f"127.0.0.{n}") for n in range(10, 19)]
        hanging.append(monitored(cluster, server, "hanging9", "127.0.0.9"))

        until(collector, lambda: count(good) >= 4, seconds=8)

    assert status(good) == "up"
    assert sum(count(host) for host in hanging) == 0


def test_a_host_that_falls_silent_is_down_and_comes_back(
    server: Sshd, cluster: Cluster, collector: Collector
) -> None:
    container = monitored(cluster, server, "one")
    until(collector, lambda: count(container) >= 1)

    server.stop()
    until(collector, lambda: status(container) == "down")
    state = HostState.objects.get()
    server.start()
    until(collector, lambda: status(container) == "up")

    assert "refuses the connection" in state.error
    assert state.last_seen_at
    assert state.last_attempt_at
    assert state.last_attempt_at > state.last_seen_at
    events = Event.objects.filter(container=container).order_by("pk")
    assert [event.kind for event in events if event.kind.startswith("host-")] == [
        "host-down",
        "host-up",
    ]


def test_rules_are_told_when_a_host_falls_silent_and_only_then(
    cluster: Cluster, server: Sshd, collector: Collector
) -> None:
    """R92: a fact when it changes, not one a visit."""
    container = monitored(cluster, server, "host")
    heard = Fact.objects.filter(container=container, key="collection")

    until(collector, lambda: heard.filter(value="live").exists())
    written_at = heard.get().at
    samples = Sample.objects.count()
    until(collector, lambda: Sample.objects.count() > samples)
    assert heard.get().at == written_at

    server.stop()
    until(collector, lambda: heard.filter(value="silent").exists())


def test_a_changed_host_key_is_refused_and_said(
    server: Sshd, cluster: Cluster, collector: Collector
) -> None:
    container = monitored(cluster, server, "one")
    until(collector, lambda: count(container) >= 1)

    server.stop()
    server.make_host_key()
    server.start()
    until(collector, lambda: status(container) == "refused")

    assert "host key of one has changed" in HostState.objects.get().error
    assert Event.objects.filter(kind="host-refused", container=container).count() == 1
    shown = Fact.objects.filter(container=container, key="shown_host_key")
    until(collector, shown.exists)
    assert shown.get().value == HostKey.parse(server.host_key).fingerprint
    assert Event.objects.filter(kind="host-key-changed", container=container).count() == 1


def test_a_new_host_key_that_somebody_confirmed_is_taken_up(
    server: Sshd, cluster: Cluster, collector: Collector
) -> None:
    container = monitored(cluster, server, "one")
    Container.objects.update(host_key="ssh-ed25519 " + "A" * 68)
    until(collector, lambda: status(container) == "refused")

    Container.objects.update(host_key=server.host_key)

    until(collector, lambda: status(container) == "up")


def test_a_container_without_a_login_is_said_to_lack_one(
    server: Sshd, cluster: Cluster, collector: Collector
) -> None:
    container = monitored(cluster, server, "one")
    Container.objects.update(credential=None)

    until(collector, lambda: status(container) == "refused")

    assert "has no credential" in HostState.objects.get().error


def test_a_host_that_is_no_longer_monitored_is_left_alone(
    server: Sshd, cluster: Cluster, collector: Collector
) -> None:
    container = monitored(cluster, server, "one")
    until(collector, lambda: count(container) >= 1)

    Container.objects.update(state="stopped")

    until(collector, lambda: not collector.hosts)


def test_a_database_that_goes_away_loses_no_sample(
    server: Sshd, cluster: Cluster, collector: Collector
) -> None:
    container = monitored(cluster, server, "one")
    until(collector, lambda: count(container) >= 1)

    connection.ensure_connection()
    connection.connection.close()
    visits = collector.visits
    until(collector, lambda: collector.visits >= visits + 2)

    # Two visits in one second are one sample: wait for a later one.
    until(collector, lambda: count(container) >= 2 and not collector._pending)


def test_two_collectors_share_the_shards_and_one_takes_over_from_the_other() -> None:
    leases.start("a:1")
    first = leases.renew("a:1")
    assert len(first) == SHARDS

    second = leases.renew("b:1")
    first = leases.renew("a:1")
    second = leases.renew("b:1")

    assert len(first) == len(second) == SHARDS // 2
    assert not first & second
    leases.end("a:1")
    assert len(leases.renew("b:1")) == SHARDS


def test_an_expired_lease_is_taken_by_the_databases_clock() -> None:
    leases.start("a:1")
    leases.renew("a:1")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE monitoring_shard SET expires_at = now() - interval '1 s'")
        cursor.execute("UPDATE monitoring_collector SET heartbeat_at = now() - interval '1 min'")

    assert len(leases.renew("b:1")) == SHARDS
    assert leases.renew("a:1") == frozenset()


def test_the_shards_of_a_collector_that_died_here_are_free_at_once() -> None:
    host = socket.gethostname()
    dead = subprocess.Popen(["true"])
    dead.wait()
    leases.start(f"{host}:{dead.pid}")
    leases.renew(f"{host}:{dead.pid}")

    leases.start(f"{host}:{os.getpid()}")

    assert len(leases.renew(f"{host}:{os.getpid()}")) == SHARDS


def test_a_collector_without_the_lease_writes_samples_but_no_states(
    server: Sshd, cluster: Cluster, collector: Collector
) -> None:
    container = monitored(cluster, server, "one")
    until(collector, lambda: count(container) >= 1)
    Shard.objects.update(holder="other:1", expires_at=timezone.now() + timedelta(hours=1))
    HostState.objects.update(error="written by the other")

    collector._lease_at = time.monotonic() + 3
    written = count(container)
    until(collector, lambda: count(container) > written)

    assert HostState.objects.get().error == "written by the other"


def test_the_command_collects_until_it_is_killed_and_its_successor_goes_on(
    server: Sshd, cluster: Cluster
) -> None:
    container = monitored(cluster, server, "one")
    with running():
        wait(lambda: count(container) >= 2)
    killed = Sample.objects.count()

    with running() as process:
        wait(lambda: count(container) >= killed + 2, seconds=10)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0

    assert not Shard.objects.exclude(holder="").exists()
    assert CollectorRow.objects.count() == 0


class running:  # noqa: N801 - reads as a sentence
    """Run `manage.py collect` on the tests' database; killed at the end if it still runs."""

    def __enter__(self) -> "subprocess.Popen[bytes]":
        settings = connection.settings_dict
        host = settings["HOST"].replace("/", "%2F")
        url = f"postgres://{settings['USER']}@{host}/{settings['NAME']}"
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "collect", "--interval", "1"],
            cwd=PROJECT,
            env={**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        )
        return self.process

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()


def wait(condition: Callable[[], object], *, seconds: float = 20) -> None:
    """Wait for another process."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)
