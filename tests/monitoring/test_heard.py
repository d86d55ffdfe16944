"""What rules are told of the collector: who is heard, when that changes (R92)."""

import threading
from datetime import datetime, timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from inventory.history import lock_clusters
from inventory.models import Cluster, Container, Fact, RoleAssignment
from inventory.rules import findings
from inventory.snapshot import load_topology
from inventory.states import Origin
from monitoring.heard import READ_AGAIN, UNVISITED, Heard, silence_unvisited
from monitoring.models import HostState
from monitoring.states import HostStatus
from monitoring.tracking import Track
from monitoring.writer import Found
from tests.factories import make_cluster, make_container, make_node

pytestmark = pytest.mark.django_db(transaction=True)
NOW = timezone.now()


@pytest.fixture
def container() -> Container:
    """Make a machine with a node that serves."""
    container = make_container(make_cluster("one"), "pg-node-01")
    make_node(container)
    RoleAssignment.objects.update(state="active")
    return container


def found(container: Container, status: HostStatus, at: datetime = NOW) -> list[Found]:
    """Let a visit have found a host so."""
    track = Track(status, at, attempted_at=at)
    return [Found(container.pk, container.name, track, HostStatus.UNKNOWN)]


def written(container: Container) -> list[tuple[str, datetime]]:
    """Return what rules read of a machine."""
    return list(Fact.objects.filter(container=container).values_list("value", "at"))


def is_monitored(cluster: Cluster | None) -> bool:
    """Tell what the rule says."""
    assert cluster
    return all(f.key != "nodes-monitored" for f in findings(load_topology(cluster)))


def test_the_rule_follows_what_the_collector_hears(container: Container) -> None:
    heard = Heard()
    assert not is_monitored(container.cluster)

    heard.write(found(container, HostStatus.UP), now=NOW)
    assert is_monitored(container.cluster)

    heard.write(found(container, HostStatus.DOWN), now=NOW)
    assert not is_monitored(container.cluster)


@pytest.mark.parametrize("status", [HostStatus.DOWN, HostStatus.REFUSED, HostStatus.UNKNOWN])
def test_what_does_not_answer_is_silent(container: Container, status: HostStatus) -> None:
    Heard().write(found(container, status), now=NOW)

    assert written(container) == [("silent", NOW)]


def test_nothing_is_written_while_nothing_changes(container: Container) -> None:
    heard = Heard()
    heard.write(found(container, HostStatus.UP), now=NOW)

    for minutes in range(1, 30):
        heard.write(found(container, HostStatus.UP), now=NOW + timedelta(minutes=minutes))
    Heard().write(found(container, HostStatus.UP), now=NOW + timedelta(hours=1))

    assert written(container) == [("live", NOW)]


def test_a_visit_that_brings_no_news_asks_the_database_nothing(container: Container) -> None:
    heard = Heard()
    heard.write(found(container, HostStatus.UP), now=NOW)

    with CaptureQueriesContext(connection) as queries:
        heard.write(found(container, HostStatus.UP), now=NOW + READ_AGAIN / 2)

    assert len(queries) == 0


def test_a_machine_that_moves_to_another_cluster_is_heard_there(container: Container) -> None:
    heard = Heard()
    heard.write(found(container, HostStatus.UP), now=NOW)
    other = make_cluster("two", private="10.205.0.0/24", public=None)
    Container.objects.filter(pk=container.pk).update(cluster=other)

    heard.write(found(container, HostStatus.UP), now=NOW + READ_AGAIN)

    assert Fact.objects.filter(cluster=other, container=container, value="live").exists()


def test_a_machine_in_the_free_pool_is_nobodys_matter() -> None:
    container = make_container(None, private=None)

    Heard().write(found(container, HostStatus.UP), now=NOW)

    assert not Fact.objects.exists()


def test_a_cluster_under_lock_is_told_later(container: Container) -> None:
    heard, locked, done = Heard(), threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            lock_clusters([container.cluster_id])
            locked.set()
            done.wait(30)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    assert locked.wait(30)
    heard.write(found(container, HostStatus.UP), now=NOW)
    during = written(container)
    done.set()
    holder.join(30)
    heard.write(found(container, HostStatus.UP), now=NOW)

    assert during == []
    assert written(container) == [("live", NOW)]


@pytest.mark.parametrize(
    ("age", "silenced"), [(UNVISITED, 0), (UNVISITED + timedelta(seconds=1), 1)]
)
def test_without_a_collector_a_machine_falls_silent(
    container: Container, age: timedelta, silenced: int
) -> None:
    """R92: a collector that died cannot say so itself."""
    heard = Heard()
    heard.write(found(container, HostStatus.UP), now=NOW)
    HostState.objects.create(
        container=container, status="up", changed_at=NOW, last_attempt_at=NOW - age
    )

    assert silence_unvisited(NOW) == silenced
    assert silence_unvisited(NOW) == 0
    assert is_monitored(container.cluster) is not bool(silenced)

    heard.write(found(container, HostStatus.UP), now=NOW + READ_AGAIN)
    assert is_monitored(container.cluster)


def test_a_collector_may_take_its_time(container: Container, settings: Settings) -> None:
    settings.COLLECT_INTERVAL_S = 600
    Heard().write(found(container, HostStatus.UP), now=NOW)
    HostState.objects.create(
        container=container, status="up", changed_at=NOW, last_attempt_at=NOW - UNVISITED * 2
    )

    assert silence_unvisited(NOW) == 0


def test_only_what_a_collector_wrote_is_silenced(container: Container) -> None:
    assert container.cluster
    Fact.objects.create(
        cluster=container.cluster,
        container=container,
        key="collection",
        value="live",
        origin=Origin.TYPED,
        at=NOW,
    )

    assert silence_unvisited(NOW) == 0
