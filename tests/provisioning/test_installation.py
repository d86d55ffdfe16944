"""The guided installation: where each step stands, what it waits for, what running it does."""

import pytest
from django.test import Client
from django.urls import reverse

from inventory.models import Cluster
from provisioning.installation import GuideStep, Progress
from provisioning.installation_board import guide_step, installation
from provisioning.models import Run
from provisioning.services import request_run
from provisioning.states import RunStatus
from tests.factories import make_container, make_node, make_user
from tests.provisioning.preflights import make_preflight
from tests.provisioning.runs import let_end, let_run, make_ready_cluster

pytestmark = pytest.mark.django_db


@pytest.fixture
def cluster() -> Cluster:
    """Make a database cluster and a portal that needs it."""
    cluster = make_ready_cluster()
    make_node(make_container(cluster, "portal-node-01", public="10.204.0.20"), "portal-1", "portal")
    return cluster


@pytest.fixture
def operator(client: Client) -> Client:
    """Sign in somebody who may provision."""
    user = make_user("olga", permissions=("inventory.view_cluster", "inventory.provision_cluster"))
    client.force_login(user)
    return client


def step(cluster: Cluster, number: int) -> GuideStep:
    """Return a step of the order as it stands."""
    found = guide_step(cluster, number)
    assert found
    return found


def database_run(cluster: Cluster, status: RunStatus | None) -> Run:
    """Make a run of the first step: on its way, or ended like this."""
    run = request_run(cluster=cluster, actor=make_user(), roles=["database"])
    let_run(run)
    if status:
        let_end(run, status)
    return run


def test_the_order_is_the_vendors_with_machines_and_states(cluster: Cluster) -> None:
    """R141."""
    rows = installation(cluster)["rows"]

    assert [row.guide.number for row in rows] == [1, 2, 3, 4, 5, 6, 7]
    assert rows[0].guide.machines == ("pg-node-01", "pg-node-02", "pg-node-03")
    assert rows[0].guide.progress == Progress.NOT_BEGUN
    assert rows[1].guide.progress == Progress.NO_NODES
    assert rows[3].guide.machines == ("portal-node-01",)


@pytest.mark.parametrize(
    ("status", "progress"),
    [
        (None, Progress.RUNNING),
        (RunStatus.SUCCEEDED, Progress.DONE),
        (RunStatus.FAILED, Progress.FAILED),
    ],
)
def test_a_step_stands_where_its_last_run_left_it(
    cluster: Cluster, status: RunStatus | None, progress: Progress
) -> None:
    run = database_run(cluster, status)

    found = step(cluster, 1)

    assert found.progress == progress
    assert [past.run for past in found.pasts] == [run.pk]


def test_what_today_would_be_done_otherwise_has_changed_since(cluster: Cluster) -> None:
    database_run(cluster, RunStatus.SUCCEEDED)
    Cluster.objects.update(parameters={"patroni_ttl_s": 25})
    cluster.refresh_from_db()

    assert step(cluster, 1).progress == Progress.CHANGED


def test_a_step_waits_for_what_it_builds_upon_and_goes_on_after(cluster: Cluster) -> None:
    assert [other.number for other in step(cluster, 4).waits_for] == [1]

    database_run(cluster, RunStatus.SUCCEEDED)

    assert step(cluster, 4).waits_for == ()


def test_a_step_is_run_alone_and_one_that_waits_is_refused(
    operator: Client, cluster: Cluster
) -> None:
    address = reverse("provisioning:installation-run", args=["alpha"])

    waits = operator.post(address, {"step": "4"}, follow=True)
    begun = operator.post(address, {"step": "1"})

    assert "builds upon step 1 (PostgreSQL HA cluster)" in waits.content.decode()
    run = Run.objects.get()
    assert begun.headers["Location"] == run.get_absolute_url()
    assert (run.roles, run.status) == (["database"], RunStatus.QUEUED)


def test_the_page_tells_what_to_do_and_asks_for_a_reason_after_a_failed_check(
    operator: Client, cluster: Cluster
) -> None:
    address = reverse("provisioning:installation", args=["alpha"])
    before = operator.get(address).content.decode()
    make_preflight(cluster, {"key": "clean-target", "sentence": "Somebody is there."})
    after = operator.get(address).content.decode()
    part = operator.get(address, headers={"HX-Request": "true"}).content.decode()

    assert "ask the machines" in before
    assert "It builds upon" in before
    assert "Somebody is there." in after
    assert 'id="reason-1"' in after
    assert "<h1>" not in part


def test_a_step_that_is_not_there_is_404(operator: Client, cluster: Cluster) -> None:
    address = reverse("provisioning:installation-run", args=["alpha"])

    assert operator.post(address, {"step": "99"}).status_code == 404
    assert operator.post(address, {"step": "x"}).status_code == 404
