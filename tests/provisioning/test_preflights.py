"""Preflights as rows: who may start one when, what is kept, what they mean for runs."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from inventory import example
from inventory.models import Change, Cluster, Container, Fact
from inventory.operations import Refused
from provisioning import preflight, retention
from provisioning.models import CheckResult, Preflight, Run
from provisioning.services import (
    adopt_measured,
    lose_abandoned,
    request_preflight,
    request_run,
    retry_run,
    start_run,
)
from provisioning.states import CheckOutcome, PreflightStatus, RunStatus
from tests.factories import make_grant, make_platforms, make_user
from tests.provisioning.preflights import make_preflight
from tests.provisioning.runs import let_end, let_run, make_planned_run, make_ready_cluster

pytestmark = pytest.mark.django_db
FULL = {"key": "clean-target", "sentence": "PostgreSQL runs on pg-node-01."}


@pytest.fixture
def cluster() -> Cluster:
    """Make three nodes that can be installed."""
    return make_ready_cluster()


@pytest.fixture
def anna() -> User:
    """Make somebody who may do everything."""
    return make_user("anna", superuser=True)


@pytest.fixture
def operator(client: Client) -> Client:
    """Sign in somebody who may provision."""
    user = make_user("olga", permissions=("inventory.view_cluster", "inventory.provision_cluster"))
    client.force_login(user)
    return client


def refusal(act: Any, **named: Any) -> str:
    """Return why something is refused."""
    with pytest.raises(Refused) as refused:
        act(**named)
    return str(refused.value)


def test_two_at_once_on_a_cluster_are_refused_with_who_began(cluster: Cluster, anna: User) -> None:
    request_preflight(cluster=cluster, actor=anna)

    words = refusal(request_preflight, cluster=cluster, actor=make_user("ben", superuser=True))

    assert "on its way, begun by anna" in words


def test_a_run_and_a_preflight_keep_out_of_each_others_way(cluster: Cluster, anna: User) -> None:
    planned = make_planned_run(cluster, anna)
    looking = request_preflight(cluster=cluster, actor=anna)

    assert "holds ports on the machines" in refusal(start_run, run=planned, actor=anna)

    Preflight.objects.filter(pk=looking.pk).update(
        status=PreflightStatus.DONE, finished_at=timezone.now()
    )
    let_run(planned)
    assert "works on the machines" in refusal(request_preflight, cluster=cluster, actor=anna)


def test_a_run_is_not_carried_on_while_machines_are_asked(cluster: Cluster, anna: User) -> None:
    failed = make_planned_run(cluster, anna)
    let_run(failed)
    let_end(failed, RunStatus.FAILED)
    request_preflight(cluster=cluster, actor=anna)

    assert "holds ports on the machines" in refusal(retry_run, run=failed, actor=anna)


def test_an_example_and_what_is_not_there_are_not_asked(cluster: Cluster, anna: User) -> None:
    make_platforms()
    shown, _ = example.load(actor=None)

    assert "do not exist" in refusal(request_preflight, cluster=shown, actor=anna)
    words = refusal(request_preflight, cluster=cluster, actor=anna, checks=["colour"])
    assert "no check or machine colour" in words


def test_one_whose_worker_is_gone_is_lost_and_may_be_started_again(
    cluster: Cluster, anna: User
) -> None:
    gone = request_preflight(cluster=cluster, actor=anna)
    Preflight.objects.filter(pk=gone.pk).update(
        status=PreflightStatus.RUNNING, beat_at=timezone.now() - timedelta(minutes=2)
    )

    assert lose_abandoned() == 1

    gone.refresh_from_db()
    assert gone.status == PreflightStatus.LOST
    assert "Start it again" in gone.reason
    request_preflight(cluster=cluster, actor=anna)


def test_machines_that_cannot_be_logged_in_to_are_said_so_and_the_rest_is_unknown(
    cluster: Cluster, anna: User
) -> None:
    Container.objects.update(credential=None)
    asked = request_preflight(cluster=cluster, actor=anna)

    preflight.execute(asked.pk)
    preflight.execute(asked.pk)  # Delivered twice.

    asked.refresh_from_db()
    assert asked.status == PreflightStatus.DONE
    assert {r.sentence for r in asked.results.filter(key="login", outcome="failed")} == {
        f"pg-node-0{n} has no credential: choose one on its page, or for its cluster."
        for n in (1, 2, 3)
    }
    assert asked.results.exclude(key="login").filter(outcome="unknown").exists()


def test_asking_again_for_one_machine_takes_over_the_other_answers(
    cluster: Cluster, anna: User
) -> None:
    before = make_preflight(
        cluster, FULL, {"container_name": "pg-node-02", "key": "login"}, {"container_name": "gone"}
    )
    Container.objects.update(credential=None)
    asked = request_preflight(
        cluster=cluster, actor=anna, checks=["login"], containers=["pg-node-02"]
    )

    preflight.execute(asked.pk)

    assert list(asked.results.values_list("container_name", "key", "at")) == [
        ("pg-node-01", "clean-target", before.finished_at),
        ("pg-node-02", "login", asked.results.get(key="login").at),
    ]


def test_failed_checks_hold_a_run_back_until_somebody_says_why_not(
    cluster: Cluster, anna: User
) -> None:
    make_preflight(cluster, FULL)

    assert "PostgreSQL runs" in refusal(request_run, cluster=cluster, actor=anna)

    run = request_run(cluster=cluster, actor=anna, proceed_reason="It is ours.")
    start_run(run=run, actor=anna)
    run.refresh_from_db()
    assert (run.status, run.proceed_reason) == (RunStatus.QUEUED, "It is ours.")
    change = Change.objects.get(operation="proceed-past-preflight")
    assert (change.actor_name, change.reason) == ("anna", "It is ours.")


@pytest.mark.parametrize(
    "answer",
    [
        {"outcome": CheckOutcome.WARNING},
        {"outcome": CheckOutcome.UNKNOWN},
        {"container_name": "elsewhere"},
        {"fix": "component:names"},
    ],
    ids=["a warning", "unknown", "another machine", "mended by the run"],
)
def test_what_holds_no_run_back(cluster: Cluster, anna: User, answer: dict[str, Any]) -> None:
    make_preflight(cluster, FULL | answer)

    assert request_run(cluster=cluster, actor=anna).proceed_reason == ""


def test_a_plan_made_before_the_preflight_failed_is_held_back_too(
    cluster: Cluster, anna: User
) -> None:
    run = make_planned_run(cluster, anna)
    make_preflight(cluster, FULL)

    assert "PostgreSQL runs" in refusal(start_run, run=run, actor=anna)


def test_a_missing_name_is_mended_by_a_run_of_that_component_alone(
    operator: Client, cluster: Cluster
) -> None:
    make_preflight(cluster, {"fix": "component:names"}, FULL)

    answer = operator.post(
        reverse("provisioning:preflight-mend", args=["alpha"]), {"component": "names"}
    )

    run = Run.objects.get()
    assert answer.headers["Location"] == run.get_absolute_url()
    assert (run.components, run.status) == (["names"], RunStatus.QUEUED)
    assert {step.component for step in run.steps.all()} == {"names"}


def test_what_was_measured_is_adopted_through_an_operation_with_its_origin(
    cluster: Cluster, anna: User
) -> None:
    make_preflight(cluster)

    adopt_measured(cluster=cluster, actor=anna, container="pg-node-01")

    row = Container.objects.get(name="pg-node-01")
    assert (row.vcpus, row.memory_mib) == (8, 32000)
    assert list(row.disks.values_list("device", "size_gib", "kind")) == [("/dev/vda", 600, "nvme")]
    assert Fact.objects.get(container=row, key="memory_mib").origin == "measured"
    change = Change.objects.get(operation="ChangeContainer")
    assert change.reason == "Measured by the preflight."


def test_a_machine_too_small_for_its_role_is_not_adopted(cluster: Cluster, anna: User) -> None:
    looked = make_preflight(cluster)
    looked.facts["pg-node-01"]["memory_mib"] = 512
    looked.save()

    assert "R120" in refusal(adopt_measured, cluster=cluster, actor=anna, container="pg-node-01")


def test_the_page_groups_answers_filters_them_and_offers_what_mends_them(
    operator: Client, cluster: Cluster
) -> None:
    make_preflight(
        cluster,
        FULL | {"fix": "component:names"},
        {
            "outcome": CheckOutcome.PASSED,
            "sentence": "All is well.",
            "container_name": "pg-node-02",
        },
    )
    address = reverse("provisioning:preflight", args=["alpha"])

    every = operator.get(address).content.decode()
    failed = operator.get(address, {"outcome": "failed", "by": "check"}).content.decode()

    assert "All is well." in every
    assert "Mend: run names" in every
    assert "“It has to be so.” (004)" in every
    assert "All is well." not in failed
    assert "Nothing foreign is where a role is to be installed" in failed


def test_the_page_polls_while_machines_are_asked_and_not_after(
    operator: Client, cluster: Cluster
) -> None:
    address = reverse("provisioning:preflight", args=["alpha"])
    operator.post(reverse("provisioning:preflight-start", args=["alpha"]))

    asking = operator.get(address, headers={"HX-Request": "true"}).content.decode()
    Preflight.objects.update(status="lost", reason="It is gone.", finished_at=timezone.now())
    lost = operator.get(address, headers={"HX-Request": "true"}).content.decode()

    assert 'hx-trigger="every 1s"' in asking
    assert "Waits for a worker." in asking
    assert "hx-trigger" not in lost
    assert "It is gone." in lost


def test_the_plan_asks_for_a_reason_or_hints_at_a_preflight(
    operator: Client, cluster: Cluster
) -> None:
    address = reverse("provisioning:plan", args=["alpha"])
    hinted = operator.get(address).content.decode()
    make_preflight(cluster, FULL)
    asked = operator.get(address).content.decode()

    refused = operator.post(reverse("provisioning:run-create", args=["alpha"]), follow=True)
    began = operator.post(
        reverse("provisioning:run-create", args=["alpha"]), {"proceed_reason": "It is ours."}
    )

    assert "Nobody has asked the machines yet" in hinted
    assert 'name="proceed_reason"' not in hinted
    assert 'name="proceed_reason"' in asked
    assert "PostgreSQL runs on pg-node-01." in refused.content.decode()
    assert began.headers["Location"] == Run.objects.get().get_absolute_url()


def test_an_old_preflight_is_said_to_be_old(operator: Client, cluster: Cluster) -> None:
    make_preflight(cluster, at=timezone.now() - timedelta(days=8))

    text = operator.get(reverse("provisioning:plan", args=["alpha"])).content.decode()

    assert "ask them again" in text


def test_a_viewer_reads_and_starts_nothing(client: Client, cluster: Cluster) -> None:
    make_preflight(cluster, FULL)
    client.force_login(make_grant(make_user("viktor"), "viewer", cluster))

    page = client.get(reverse("provisioning:preflight", args=["alpha"]))
    posts = ("preflight-start", "preflight-mend", "preflight-adopt", "installation-run")
    answers = [client.post(reverse(f"provisioning:{name}", args=["alpha"])) for name in posts]

    assert "PostgreSQL runs" in page.content.decode()
    assert "<button" not in page.content.decode().partition('id="preflight"')[2]
    assert {answer.status_code for answer in answers} == {403}


def test_the_download_has_every_answer_with_its_source(operator: Client, cluster: Cluster) -> None:
    make_preflight(cluster, FULL)

    body = operator.get(reverse("provisioning:preflight-json", args=["alpha"])).json()

    assert body["counts"] == {"failed": 1}
    assert body["results"][0]["source"] == {"document": "004", "text": "It has to be so."}
    assert body["facts"]["pg-node-01"]["vcpus"] == 8


def test_rest_starts_reads_and_adopts(anna: User, cluster: Cluster) -> None:
    make_preflight(cluster, FULL)
    api = APIClient()
    api.force_authenticate(anna)

    started = api.post("/api/v1/preflights/", {"cluster": "alpha", "checks": ["names"]}, "json")
    twice = api.post("/api/v1/preflights/", {"cluster": "alpha"}, "json")
    wrong = api.post("/api/v1/preflights/", {"cluster": "alpha", "checks": ["colour"]}, "json")
    done = api.get("/api/v1/preflights/?status=done").json()["results"][0]
    detail = api.get(f"/api/v1/preflights/{done['id']}/").json()
    adopted = api.post(
        f"/api/v1/preflights/{done['id']}/adopt/", {"container": "pg-node-01"}, "json"
    )

    assert (started.status_code, started.json()["checks"]) == (201, ["names"])
    assert (twice.status_code, wrong.status_code) == (409, 400)
    assert detail["results"][0]["sentence"] == FULL["sentence"]
    assert adopted.status_code == 200
    assert Container.objects.get(name="pg-node-01").vcpus == 8


def test_rest_refuses_a_run_past_failed_checks_without_a_reason(
    anna: User, cluster: Cluster
) -> None:
    make_preflight(cluster, FULL)
    api = APIClient()
    api.force_authenticate(anna)

    refused = api.post("/api/v1/runs/", {"cluster": "alpha"}, "json")
    reason = {"cluster": "alpha", "proceed_reason": "It is ours."}
    begun = api.post("/api/v1/runs/", reason, "json")

    assert refused.status_code == 409
    assert refused.json()["findings"][0]["message"] == FULL["sentence"]
    assert (begun.status_code, begun.json()["proceed_reason"]) == (201, "It is ours.")


def test_old_preflights_go_but_the_last_one_stays(cluster: Cluster) -> None:
    make_preflight(cluster, FULL, at=timezone.now() - timedelta(days=900))
    last = make_preflight(cluster, FULL, at=timezone.now() - timedelta(days=800))

    retention.keep_house()

    assert list(Preflight.objects.all()) == [last]
    assert CheckResult.objects.count() == 1
