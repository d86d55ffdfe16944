"""The audit: who did what, as far as one may see it."""

import csv
import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from inventory.models import Change, Cluster
from inventory.operations import ChangeCluster, perform
from provisioning.models import Run
from tests.factories import make_cluster, make_grant, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def alpha(db: None) -> Cluster:
    """Make a cluster that olga has renamed and run on."""
    cluster = make_cluster("alpha", private=None, public=None)
    olga = make_user("olga", superuser=True)
    perform(ChangeCluster({"name": "=HYPERLINK()"}), cluster=cluster, actor=olga, reason="Spring")
    Run.objects.create(cluster=cluster, requested_by=olga, requested_by_name="olga")
    return cluster


@pytest.fixture
def beta(alpha: Cluster) -> Cluster:
    """Make another one."""
    return make_cluster("beta", private=None, public=None)


@pytest.fixture
def auditor(client: Client, alpha: Cluster, beta: Cluster) -> Client:
    """Sign in who may look at alpha."""
    client.force_login(make_grant(make_user("viktor"), "viewer", alpha))
    return client


def entries(client: Client, **wanted: str) -> list[dict[str, Any]]:
    """Return the exported entries."""
    answer = client.get("/audit/audit.json", wanted)
    assert answer.status_code == 200
    return list(json.loads(b"".join(answer.streaming_content)))  # type: ignore[attr-defined]


def test_it_shows_changes_and_runs_with_before_and_after(auditor: Client) -> None:
    page = auditor.get("/audit/").content.decode()

    assert "Run of" in page
    assert "olga" in page
    assert "Spring" in page
    assert "Before and after" in page


def test_it_shows_ones_own_clusters_only(auditor: Client) -> None:
    page = auditor.get("/audit/").content.decode()

    assert {entry["cluster"] for entry in entries(auditor)} == {"alpha"}
    assert "beta" not in page.lower()
    assert Change.objects.filter(cluster__slug="beta").exists()


def test_who_administers_the_portal_sees_what_belongs_to_no_cluster(
    signed_in: Client, alpha: Cluster
) -> None:
    make_cluster("gamma")

    assert None in {entry["cluster"] for entry in entries(signed_in)}


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        ({"kind": "Run"}, 1),
        ({"kind": "ChangeCluster"}, 1),
        ({"user": "olg"}, 2),
        ({"user": "nobody"}, 0),
        ({"text": "spring"}, 1),
        ({"cluster": "alpha", "kind": "Run"}, 1),
    ],
)
def test_it_is_filtered(auditor: Client, wanted: dict[str, str], count: int) -> None:
    assert len(entries(auditor, **wanted)) == count


def test_it_is_filtered_by_days(auditor: Client) -> None:
    today = timezone.localdate()
    tomorrow = today + timedelta(days=1)

    assert entries(auditor, since=str(today), until=str(today))
    assert entries(auditor, since=str(tomorrow)) == []
    assert entries(auditor, until=str(today - timedelta(days=1))) == []


def test_a_cluster_that_one_does_not_see_is_no_filter(auditor: Client) -> None:
    assert auditor.get("/audit/audit.json", {"cluster": "beta"}).status_code == 400
    assert auditor.get("/audit/", {"cluster": "beta"}).status_code == 400


def test_a_table_of_it_has_no_formulas(auditor: Client) -> None:
    answer: Any = auditor.get("/audit/audit.csv")
    rows = list(csv.DictReader(StringIO(b"".join(answer.streaming_content).decode())))

    assert {row["who"] for row in rows} >= {"olga"}
    assert not any(value.startswith("=") for row in rows for value in row.values())


def test_the_api_has_it_by_pages(alpha: Cluster) -> None:
    api = APIClient()
    api.force_authenticate(make_grant(make_user("viktor"), "viewer", alpha))

    answer = api.get("/api/v1/audit/?kind=ChangeCluster&page_size=1").json()
    wrong = api.get("/api/v1/audit/?colour=red&since=yesterday")

    assert answer["count"] == 1
    assert answer["results"][0]["after"]["name"] == "=HYPERLINK()"
    assert set(wrong.json()["errors"]) == {"colour", "since"}


def test_who_sees_no_cluster_sees_no_audit(client: Client, alpha: Cluster) -> None:
    client.force_login(make_user("nobody"))

    assert client.get("/audit/").status_code == 403
