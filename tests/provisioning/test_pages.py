"""The pages of plans and runs: what they show, who may act, how they refuse."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from inventory import example
from inventory.models import Cluster
from provisioning.models import Attempt, Run
from provisioning.states import RunStatus
from tests.factories import make_database_cluster, make_platforms, make_user
from tests.provisioning.runs import (
    let_end,
    let_run,
    make_planned_run,
    make_ready_cluster,
    write_lines,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(client: Client) -> Client:
    """Sign in somebody who may provision."""
    user = make_user("olga", permissions=("inventory.view_cluster", "inventory.provision_cluster"))
    client.force_login(user)
    return client


@pytest.fixture
def viewer() -> Client:
    """Sign in somebody who may only look."""
    client = Client()
    client.force_login(make_user("viktor", permissions=("inventory.view_cluster",)))
    return client


@pytest.fixture
def cluster() -> Cluster:
    """Make three nodes that can be installed."""
    return make_ready_cluster()


@pytest.fixture
def run(cluster: Cluster) -> Run:
    """Make a run that is going on."""
    run = make_planned_run(cluster, make_user("anna"))
    let_run(run)
    return run


def page(client: Client, name: str, *args: object, **query: str) -> str:
    """Get a page's text."""
    answer = client.get(reverse(f"provisioning:{name}", args=args), query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_plan_shows_steps_files_and_references_in_the_place_of_secrets(
    operator: Client, cluster: Cluster
) -> None:
    text = page(operator, "plan", "alpha")

    assert "Install PostgreSQL 17, Patroni and etcd" in text
    assert "/etc/patroni/config.yml" in text
    assert "⟦secret:" in text
    assert "Name the machine ‹name›" in text
    assert "disabled" not in text


def test_what_stands_in_the_way_is_on_the_plan_with_rule_and_source(operator: Client) -> None:
    make_database_cluster("beta", nodes=2)

    text = page(operator, "plan", "beta")

    for rule in ("R113", "R132", "S8"):
        assert rule in text
    assert "disabled" in text


def test_a_run_that_rules_forbid_is_not_made(operator: Client) -> None:
    make_database_cluster("beta", nodes=2)

    answer = operator.post(reverse("provisioning:run-create", args=["beta"]), follow=True)

    assert "R113" in answer.content.decode()
    assert not Run.objects.exists()


def test_an_example_is_never_installed(operator: Client) -> None:
    make_platforms()
    cluster, _ = example.load(actor=None)

    operator.post(reverse("provisioning:run-create", args=[cluster.slug]))

    assert "its machines do not exist" in page(operator, "plan", cluster.slug)
    assert not Run.objects.exists()


def test_provision_freezes_the_plan_and_queues_it(operator: Client, cluster: Cluster) -> None:
    answer = operator.post(reverse("provisioning:run-create", args=["alpha"]))

    run = Run.objects.get()
    assert answer.headers["Location"] == run.get_absolute_url()
    assert run.status == RunStatus.QUEUED
    assert run.requested_by_name == "olga"


def test_a_run_shows_its_stages_and_latest_lines(operator: Client, run: Run) -> None:
    text = page(operator, "run-detail", run.pk)

    assert "1. Database: host names" in text
    assert "line 2" in text
    assert 'hx-trigger="every 1s"' in text


def test_what_lines_say_is_escaped(operator: Client, run: Run) -> None:
    write_lines(run.steps.order_by("position")[1], "<script>alert(1)</script>")

    assert "<script>alert" not in page(operator, "run-detail", run.pk)


def test_the_whole_log_is_a_download(operator: Client, run: Run) -> None:
    answer = operator.get(reverse("provisioning:run-log", args=[run.pk]))

    lines = b"".join(answer.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    assert "attachment" in answer.headers["Content-Disposition"]
    assert [line.rpartition("] ")[2] for line in lines] == ["line 0", "line 1", "line 2"]


def test_a_failed_run_shows_the_end_of_what_failed_and_can_be_retried(
    operator: Client, run: Run
) -> None:
    let_end(run, RunStatus.FAILED)

    text = page(operator, "run-detail", run.pk)
    assert "Apply ended with exit status 1." in text
    assert "Retry what is not done" in text

    operator.post(reverse("provisioning:run-retry", args=[run.pk]))
    run.refresh_from_db()
    assert run.status == RunStatus.QUEUED


def test_a_cancel_that_comes_too_late_is_refused_with_a_sentence(
    operator: Client, run: Run
) -> None:
    let_end(run, RunStatus.SUCCEEDED)

    answer = operator.post(reverse("provisioning:run-cancel", args=[run.pk]), follow=True)

    assert "is succeeded" in answer.content.decode()


def test_a_running_run_is_asked_to_cancel(operator: Client, run: Run) -> None:
    operator.post(reverse("provisioning:run-cancel", args=[run.pk]))

    run.refresh_from_db()
    assert run.status == RunStatus.CANCELLING
    assert run.cancelled_by_name == "olga"


def test_a_step_shows_what_runs_on_the_machine(operator: Client, run: Run) -> None:
    step = run.steps.order_by("position")[1]

    text = page(operator, "step-detail", step.pk)

    assert "Look (probe)" in text
    assert "line 0" in text


def test_a_viewer_looks_and_does_not_act(viewer: Client, run: Run) -> None:
    text = page(viewer, "run-detail", run.pk)

    assert "Cancel" not in text
    for name, argument in (
        ("run-create", "alpha"),
        ("run-cancel", run.pk),
        ("run-retry", run.pk),
        ("step-confirm", run.steps.all()[0].pk),
    ):
        assert viewer.post(reverse(f"provisioning:{name}", args=[argument])).status_code == 403


def test_who_may_not_see_clusters_sees_no_run(run: Run) -> None:
    client = Client()
    client.force_login(make_user("nobody"))

    assert client.get(run.get_absolute_url()).status_code == 404


def test_a_stranger_is_asked_to_sign_in(client: Client, run: Run) -> None:
    answer = client.get(run.get_absolute_url())

    assert answer.status_code == 302
    assert "/login/" in answer.headers["Location"]


def test_the_failure_card_shows_the_commands_end_the_journal_and_a_hint(
    operator: Client, run: Run
) -> None:
    said = ("==> apply", "E: Could not get lock /var/lib/dpkg/lock", "==> journal", "etcd: bye")
    write_lines(run.steps.order_by("position")[1], *said)
    let_end(run, RunStatus.FAILED)

    text = page(operator, "run-detail", run.pk)

    assert "exit status 1 in apply" in text
    assert "Another package manager holds the lock?" in text
    assert "<code>dpkg --configure -a</code>" in text
    assert "End of the service’s journal" in text
    assert f"{reverse('provisioning:hint-list')}#apt-lock" in text


def test_every_known_cause_has_its_place_on_their_page(operator: Client) -> None:
    text = page(operator, "hint-list")

    assert 'id="apt-lock"' in text
    assert 'id="timeout"' in text


def test_a_run_tells_how_long_it_still_takes_from_earlier_ones(
    operator: Client, cluster: Cluster, run: Run
) -> None:
    assert "No earlier run tells how long this takes." in page(operator, "run-detail", run.pk)

    let_end(run, RunStatus.SUCCEEDED)
    now = timezone.now()
    Attempt.objects.bulk_create(
        Attempt(
            step=step,
            number=1,
            epoch=1,
            outcome="changed",
            begun_at=now,
            finished_at=now + timedelta(seconds=60),
        )
        for step in run.steps.filter(attempts=None, manual="")
    )
    next_run = make_planned_run(cluster, make_user("otto"))
    assert "min left" in page(operator, "run-detail", next_run.pk)
