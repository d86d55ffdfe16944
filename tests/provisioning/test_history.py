"""What is kept of runs, for how long, and as one document."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from inventory.models import Cluster
from provisioning.models import Line, Run, RunbookVersion
from provisioning.states import RunStatus
from provisioning.tasks import keep_house
from tests.factories import make_user
from tests.provisioning.runs import let_end, let_run, make_planned_run, make_ready_cluster

pytestmark = pytest.mark.django_db


@pytest.fixture
def cluster() -> Cluster:
    """Make a cluster with parameters of its own."""
    cluster = make_ready_cluster()
    Cluster.objects.filter(pk=cluster.pk).update(parameters={"firewall_rollback_s": 45})
    cluster.refresh_from_db()
    return cluster


def ended(cluster: Cluster, *, days_ago: int) -> Run:
    """Make a run that failed some days ago and printed two lines."""
    run = make_planned_run(cluster, make_user())
    let_run(run, lines=2)
    let_end(run, RunStatus.FAILED)
    then = timezone.now() - timedelta(days=days_ago)
    Run.objects.filter(pk=run.pk).update(finished_at=then)
    return run


def test_a_run_keeps_its_parameters_and_the_runbooks_it_was_planned_with(cluster: Cluster) -> None:
    run = make_planned_run(cluster, make_user())

    version = RunbookVersion.objects.get(hash=run.runbook_hashes["database"])

    assert run.parameters == {"firewall_rollback_s": 45}
    assert "patroni" in version.files["database.yaml"]
    assert "database/patroni.yml.j2" in version.files


def test_the_same_version_is_kept_once(cluster: Cluster) -> None:
    make_planned_run(cluster, make_user())
    make_planned_run(cluster, make_user())

    assert RunbookVersion.objects.count() == 1


def test_an_export_holds_everything_in_one_document(cluster: Cluster, signed_in: Client) -> None:
    run = ended(cluster, days_ago=0)

    answer = signed_in.get(reverse("provisioning:run-export", args=[run.pk]))
    document = json.loads(answer.getvalue())

    assert answer["Content-Disposition"].startswith('attachment; filename="run-')
    assert (document["cluster"], document["status"]) == ("alpha", "failed")
    assert document["parameters"] == {"firewall_rollback_s": 45}
    assert document["runbooks"][0]["role"] == "database"
    assert len(document["steps"]) == run.steps.count()
    attempt = document["steps"][1]["attempts"][0]
    assert (attempt["outcome"], attempt["exit_code"]) == ("failed", 1)
    assert [line[2] for line in attempt["lines"]] == ["line 0", "line 1"]


def test_the_api_exports_the_same(cluster: Cluster, signed_in: Client) -> None:
    run = ended(cluster, days_ago=0)

    page = signed_in.get(reverse("provisioning:run-export", args=[run.pk]))
    api = signed_in.get(f"/api/v1/runs/{run.pk}/export/")

    assert page.getvalue() == api.getvalue()


def test_lines_go_first_and_runs_stay(cluster: Cluster, settings: Settings) -> None:
    settings.RUN_LOG_RETENTION_DAYS, settings.RUN_RETENTION_DAYS = 30, 0
    old, new = ended(cluster, days_ago=31), ended(cluster, days_ago=29)

    keep_house()

    assert Run.objects.count() == 2
    assert not Line.objects.filter(attempt__step__run=old).exists()
    assert Line.objects.filter(attempt__step__run=new).count() == 2


def test_old_runs_go_with_the_runbooks_that_nobody_names_any_more(
    cluster: Cluster, settings: Settings
) -> None:
    settings.RUN_LOG_RETENTION_DAYS, settings.RUN_RETENTION_DAYS = 0, 30
    old = ended(cluster, days_ago=31)
    RunbookVersion.objects.update(first_used_at=timezone.now() - timedelta(days=40))
    version = RunbookVersion.objects.get()
    unused = RunbookVersion.objects.create(hash="0" * 64, platform="p", role="r", files={})
    RunbookVersion.objects.filter(pk=unused.pk).update(first_used_at=version.first_used_at)
    new = ended(cluster, days_ago=1)

    keep_house()

    assert [run.pk for run in Run.objects.all()] == [new.pk]
    assert not Run.objects.filter(pk=old.pk).exists()
    assert list(RunbookVersion.objects.all()) == [version]


def test_a_run_that_goes_on_is_kept_however_old(cluster: Cluster, settings: Settings) -> None:
    settings.RUN_RETENTION_DAYS = 1
    run = make_planned_run(cluster, make_user())
    let_run(run)
    Run.objects.update(requested_at=timezone.now() - timedelta(days=9))

    keep_house()

    assert Run.objects.filter(pk=run.pk).exists()
