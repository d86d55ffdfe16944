"""Runs over REST: made, read, refused."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from inventory.models import Cluster
from provisioning.models import Line, Run
from provisioning.states import RunStatus
from tests.factories import make_database_cluster, make_user
from tests.provisioning.runs import let_end, let_run, make_planned_run, make_ready_cluster

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> APIClient:
    """Sign in somebody who may provision."""
    client = APIClient()
    client.force_authenticate(
        make_user("olga", permissions=("inventory.view_cluster", "inventory.provision_cluster"))
    )
    return client


@pytest.fixture
def cluster() -> Cluster:
    """Make three nodes that can be installed."""
    return make_ready_cluster()


def post(api: APIClient, path: str, **body: Any) -> Any:
    """Send JSON."""
    return api.post(f"/api/v1/{path}", body, format="json")


def test_a_run_is_made_and_started(api: APIClient, cluster: Cluster) -> None:
    answer = post(api, "runs/", cluster="alpha")

    assert answer.status_code == 201
    assert answer.json()["status"] == "queued"
    assert answer.json()["requested_by_name"] == "olga"


def test_a_run_is_only_planned_when_asked_so_and_started_later(
    api: APIClient, cluster: Cluster
) -> None:
    run = post(api, "runs/", cluster="alpha", start=False).json()

    assert run["status"] == "planned"
    assert post(api, f"runs/{run['id']}/start/").json()["status"] == "queued"


def test_what_rules_forbid_is_409_with_their_numbers(api: APIClient) -> None:
    make_database_cluster("beta", nodes=2)

    answer = post(api, "runs/", cluster="beta")

    assert answer.status_code == 409
    assert {"R113", "R132", "S8"} <= {finding["rule"] for finding in answer.json()["findings"]}
    assert not Run.objects.exists()


def test_bad_input_is_400_with_every_fault_by_field(api: APIClient) -> None:
    answer = post(api, "runs/", cluster="nowhere", start="perhaps", colour="red")

    assert answer.status_code == 400
    assert set(answer.json()["errors"]) == {"cluster", "start", "colour"}


def test_what_comes_too_late_is_409(api: APIClient, cluster: Cluster) -> None:
    run = make_planned_run(cluster, make_user("anna"))
    let_run(run)
    let_end(run, RunStatus.SUCCEEDED)

    for action in ("cancel", "retry"):
        assert post(api, f"runs/{run.pk}/{action}/").status_code == 409


def test_lines_are_read_on_from_the_last_one_seen(api: APIClient, cluster: Cluster) -> None:
    run = make_planned_run(cluster, make_user("anna"))
    let_run(run, lines=5)
    third = Line.objects.order_by("pk")[2].pk

    path = f"/api/v1/run-lines/?attempt__step__run={run.pk}&id__gt={third}"
    lines = api.get(path).json()["results"]

    assert [line["text"] for line in lines] == ["line 3", "line 4"]


def test_steps_are_listed_in_order_with_references_for_secrets(
    api: APIClient, cluster: Cluster
) -> None:
    run = make_planned_run(cluster, make_user("anna"))

    steps = api.get(f"/api/v1/run-steps/?run={run.pk}&page_size=1000").json()["results"]

    assert [step["position"] for step in steps] == list(range(run.steps.count()))
    assert any("⟦secret:" in str(step["spec"]["files"]) for step in steps)


def test_a_list_of_runs_takes_as_many_queries_for_many_as_for_one(
    api: APIClient, cluster: Cluster
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            api.get("/api/v1/runs/")
        return len(captured)

    anna = make_user("anna")
    make_planned_run(cluster, anna)
    queries()  # The first request reads the user's permissions.
    for_one = queries()
    for _ in range(3):
        make_planned_run(cluster, anna)

    assert queries() == for_one


def test_a_viewer_reads_and_starts_nothing(cluster: Cluster) -> None:
    client = APIClient()
    client.force_authenticate(make_user("viktor", permissions=("inventory.view_cluster",)))

    assert client.get("/api/v1/runs/").status_code == 200
    assert post(client, "runs/", cluster="alpha").status_code == 403
