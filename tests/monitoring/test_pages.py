"""Fragments and pages of monitoring, and the series that charts read."""

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from inventory.models import Cluster, Container, Node, RoleAssignment
from monitoring.hosts import host_plans
from monitoring.ingest import SampleRow, ingest
from monitoring.metrics import HOST, POSTGRESQL
from monitoring.models import HostState
from monitoring.rollups import roll_up
from tests.factories import make_cluster, make_database_cluster, make_user

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def cluster() -> Cluster:
    """Make a cluster of three database nodes whose hosts are monitored."""
    cluster = make_database_cluster("db")
    cluster.containers.update(
        host_key="ssh-ed25519 AAAA", host_key_confirmed_at=timezone.now(), state="running"
    )
    return cluster


def measure(container: Container, at: datetime, **values: float) -> None:
    """Store a host's sample."""
    row = SampleRow(at.replace(microsecond=0), container.pk, HOST.number, HOST.quantise(values))
    ingest([row], now=timezone.now())


def found(container: Container, *, seconds_ago: float = 5, **fields: object) -> HostState:
    """Write how a host was found."""
    at = timezone.now() - timedelta(seconds=seconds_ago)
    defaults = {"status": "up", "changed_at": at, "last_attempt_at": at, "last_seen_at": at}
    return HostState.objects.create(container=container, **(defaults | fields))


def text(client: Client, name: str, *args: object, headers: dict[str, str] | None = None) -> str:
    """Return a page's text."""
    response = client.get(reverse(f"monitoring:{name}", args=args), headers=headers)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


@pytest.mark.parametrize(
    "name", ["container-metrics", "node-metrics", "cluster-health", "headroom"]
)
def test_one_address_is_a_page_and_for_htmx_a_fragment(
    signed_in: Client, cluster: Cluster, name: str
) -> None:
    subject: object = cluster.slug
    if name.startswith("container"):
        subject = cluster.containers.earliest("pk").pk
    elif name.startswith("node"):
        subject = cluster.nodes.earliest("pk").pk

    page, fragment = text(signed_in, name, subject), text(signed_in, name, subject, headers=HTMX)

    assert "<html" in page
    assert "<h1>" in page
    assert "<html" not in fragment
    assert fragment in page


def test_a_stranger_sees_nothing(client: Client, cluster: Cluster) -> None:
    response = client.get(reverse("monitoring:headroom", args=[cluster.slug]))

    assert response.status_code == 302


def test_a_user_without_the_permission_is_refused(client: Client, cluster: Cluster) -> None:
    client.force_login(make_user())

    assert client.get(reverse("monitoring:headroom", args=["db"])).status_code == 404


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({}, "Up"),
        ({"seconds_ago": 300}, "Stale"),
        ({"status": "down", "error": "pg-node-01 does not answer."}, "Down"),
        ({"status": "refused", "error": "The host key has changed."}, "Login refused"),
    ],
)
def test_a_hosts_state_is_a_word(
    signed_in: Client, cluster: Cluster, fields: dict, word: str
) -> None:
    container = cluster.containers.earliest("pk")
    state = found(container, **fields)

    page = text(signed_in, "container-metrics", container.pk)
    health = text(signed_in, "cluster-health", cluster.slug)

    assert f"</i> {word}</span>" in page
    assert f"</i> {word}</span>" in health
    assert state.error in page


def test_the_worst_host_comes_first(signed_in: Client, cluster: Cluster) -> None:
    one, two, three = cluster.containers.order_by("name")
    found(one)
    found(two, seconds_ago=500)
    found(three, status="down", error="no answer")

    page = text(signed_in, "cluster-health", cluster.slug, headers=HTMX)

    assert page.index("pg-node-03") < page.index("pg-node-02") < page.index("pg-node-01")


def test_a_part_of_the_probe_that_failed_is_shown(signed_in: Client, cluster: Cluster) -> None:
    container = cluster.containers.earliest("pk")
    found(container, probe_errors={"etcd": "no answer on port 2379"})

    page = text(signed_in, "container-metrics", container.pk)

    assert "1 part of the probe failed" in page
    assert "no answer on port 2379" in page


def test_a_host_that_is_not_monitored_says_what_it_lacks(
    signed_in: Client, cluster: Cluster
) -> None:
    cluster.containers.update(host_key="", host_key_confirmed_at=None)

    page = text(signed_in, "container-metrics", cluster.containers.earliest("pk").pk)

    assert "confirmed host key" in page


def test_a_nodes_charts_are_those_of_its_roles_and_of_its_machine(
    signed_in: Client, cluster: Cluster
) -> None:
    node = cluster.nodes.earliest("pk")

    page = text(signed_in, "node-metrics", node.pk)

    container = node.placements.get().container
    assert reverse("monitoring:series", args=[POSTGRESQL.number, node.pk]) in page
    assert reverse("monitoring:series", args=[HOST.number, container.pk]) in page


def test_a_cluster_without_machines_says_so(signed_in: Client) -> None:
    make_cluster("empty")

    assert "No machines to watch yet" in text(signed_in, "cluster-health", "empty")
    assert "No roles have nodes yet" in text(signed_in, "headroom", "empty")


def test_health_takes_a_constant_number_of_queries(
    signed_in: Client, cluster: Cluster, django_assert_max_num_queries: object
) -> None:
    for container in cluster.containers.all():
        found(container)

    with django_assert_max_num_queries(8):  # type: ignore[operator]
        text(signed_in, "cluster-health", cluster.slug, headers=HTMX)


def test_headroom_is_of_the_leader_with_its_age(signed_in: Client, cluster: Cluster) -> None:
    now = timezone.now() - timedelta(seconds=20)
    for node, percent in zip(cluster.nodes.order_by("name"), (7.0, 35.0, 14.0), strict=True):
        measure(node.placements.get().container, now, cpu_percent=percent)
    leader = cluster.nodes.get(name="pg-node-01")
    values = POSTGRESQL.quantise({"patroni_role": 1.0})
    row = SampleRow(now.replace(microsecond=0), leader.pk, POSTGRESQL.number, values)
    ingest([row], now=timezone.now())

    page = text(signed_in, "headroom", cluster.slug, headers=HTMX)

    assert "CPU: <strong>10 % of usable</strong> now" in page
    assert "the smallest node that may take over" in page
    assert "seconds ago" in page


def test_headroom_is_unknown_while_a_node_is_not_measured(
    signed_in: Client, cluster: Cluster
) -> None:
    measure(cluster.containers.earliest("pk"), timezone.now(), cpu_percent=7)

    page = text(signed_in, "headroom", cluster.slug, headers=HTMX)

    assert "<strong>unknown</strong>, 1 of 3 nodes measured" in page


def test_a_single_node_is_called_a_single_point_of_failure(signed_in: Client) -> None:
    cluster = make_database_cluster("one", nodes=1)

    assert "Single point of failure" in text(signed_in, "headroom", cluster.slug)


def test_a_series_has_values_in_their_units_and_no_line_across_a_gap(
    signed_in: Client, cluster: Cluster
) -> None:
    container = cluster.containers.earliest("pk")
    now = timezone.now()
    for minutes, percent in ((30, 12.345), (29, 13.0), (1, 50.0)):
        measure(container, now - timedelta(minutes=minutes), cpu_percent=percent)

    address = reverse("monitoring:series", args=[HOST.number, container.pk])
    answer = signed_in.get(address, {"range": "1h"}).json()

    cpu = answer["metrics"][0]
    assert cpu["values"] == [12.35, 13.0, None, 50.0] or cpu["values"] == [12.34, 13.0, None, 50.0]
    assert (cpu["key"], cpu["unit"], cpu["last"]) == ("cpu_percent", "%", 50.0)
    assert len(answer["at"]) == 4
    assert answer["origin"] == "measured"


def test_a_long_series_is_made_of_hours(signed_in: Client, cluster: Cluster) -> None:
    container = cluster.containers.earliest("pk")
    now = timezone.now()
    for minutes in range(180, 240):
        measure(container, now - timedelta(minutes=minutes), cpu_percent=minutes / 10)
    roll_up(now)

    address = reverse("monitoring:series", args=[HOST.number, container.pk])
    answer = signed_in.get(address, {"range": "7d"}).json()

    cpu = answer["metrics"][0]
    known = [value for value in cpu["values"] if value is not None]
    assert answer["resolution"] == "hour"
    assert 1 <= len(known) <= 2
    assert max(cpu["peaks"]) >= max(known)


@pytest.mark.parametrize("question", [{"range": "2h"}, {"range": ""}])
def test_a_range_that_there_is_not_is_400(
    signed_in: Client, cluster: Cluster, question: dict[str, str]
) -> None:
    address = reverse("monitoring:series", args=[1, cluster.containers.earliest("pk").pk])

    assert signed_in.get(address, question).status_code == 400


def test_only_roles_that_are_installed_are_asked(cluster: Cluster) -> None:
    before = host_plans(range(64))
    RoleAssignment.objects.filter(node=Node.objects.earliest("pk")).update(state="active")
    after = host_plans(range(64))

    assert [len(plan.probes) for plan in before.values()] == [0, 0, 0]
    assert sorted(len(plan.probes) for plan in after.values()) == [0, 0, 1]
