"""Samples, metrics and host states over REST."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from inventory.models import Container
from monitoring.ingest import SampleRow, ingest
from monitoring.metrics import HOST
from monitoring.models import HostState
from tests.factories import make_database_cluster, make_user

pytestmark = pytest.mark.django_db
Query = dict[str, str | int]


@pytest.fixture
def container() -> Container:
    """Make a machine with two samples."""
    container = make_database_cluster("db", nodes=1).containers.get()
    now = timezone.now().replace(microsecond=0)
    ingest(
        [
            SampleRow(
                now - timedelta(minutes=n),
                container.pk,
                1,
                HOST.quantise({"cpu_percent": 10.0 * n}),
            )
            for n in (1, 2)
        ],
        now=now,
    )
    return container


def test_samples_of_a_range_are_read(signed_in: Client, container: Container) -> None:
    query: Query = {
        "container": container.pk,
        "metric": "cpu_percent",
        "range": "1h",
    }
    answer = signed_in.get("/api/v1/samples/", query).json()

    assert [sample["value"] for sample in answer["samples"]] == [20.0, 10.0]
    assert (answer["unit"], answer["resolution"], answer["origin"]) == ("%", "raw", "measured")


def test_samples_between_two_times_are_read(signed_in: Client, container: Container) -> None:
    start = timezone.now() - timedelta(seconds=90)
    query: Query = {
        "container": container.pk,
        "metric": "cpu_percent",
        "start": start.isoformat(),
    }

    answer = signed_in.get("/api/v1/samples/", query).json()

    assert [sample["value"] for sample in answer["samples"]] == [10.0]


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ({}, {"metric"}),
        ({"metric": "nonsense", "range": "2h", "contaner": "1"}, {"metric", "range", "contaner"}),
        ({"metric": "cpu_percent"}, {"container"}),
        ({"metric": "cpu_percent", "container": "99999999"}, {"container"}),
        ({"metric": "cpu_percent", "node": "x"}, {"container", "node"}),
        ({"metric": "timeline", "container": "x"}, {"container", "node"}),
        ({"metric": "cpu_percent", "container": "", "start": "soon"}, {"container", "start"}),
    ],
)
def test_every_fault_of_a_question_is_reported_by_field(
    signed_in: Client, container: Container, query: dict[str, str], fields: set[str]
) -> None:
    response = signed_in.get("/api/v1/samples/", query)

    assert response.status_code == 400
    assert set(response.json()["errors"]) == fields


def test_metrics_are_listed_with_unit_and_subject(signed_in: Client) -> None:
    found = {metric["key"]: metric for metric in signed_in.get("/api/v1/metrics/").json()}

    assert found["cpu_percent"]["unit"] == "%"
    assert found["patroni_role"]["subject"] == "node"
    assert found["patroni_role"]["labels"] == {"0": "replica", "1": "leader"}


def test_host_states_say_what_may_be_said_now(signed_in: Client, container: Container) -> None:
    at = timezone.now() - timedelta(minutes=10)
    HostState.objects.create(
        container=container, status="up", changed_at=at, last_attempt_at=at, last_seen_at=at
    )

    (state,) = signed_in.get("/api/v1/host-states/").json()["results"]

    assert (state["status"], state["shown"]) == ("up", "stale")
    assert (state["container_name"], state["cluster"]) == ("pg-node-01", "db")


@pytest.mark.parametrize("name", ["samples", "metrics", "host-states"])
def test_nobody_looks_without_the_permission(client: Client, name: str) -> None:
    assert client.get(f"/api/v1/{name}/").status_code == 401
    client.force_login(make_user())
    assert client.get(f"/api/v1/{name}/").status_code == 403
