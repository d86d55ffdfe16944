"""A run is planned from the cluster, refused with every reason, and started as it was planned."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from django_q.models import OrmQ

from inventory.models import Cluster, Container
from inventory.operations import Refused
from provisioning.models import Run, Step
from provisioning.services import request_run, start_run
from provisioning.states import InvalidTransition, RunStatus
from tests.factories import make_container, make_credential, make_database_cluster, make_node

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFakeFakeFakeFakeFakeFakeFakeFakeFakeFakeFake"


@pytest.fixture
def cluster(db: None) -> Cluster:
    """Make a database cluster that can be logged in to."""
    cluster = make_database_cluster("db")
    Container.objects.update(
        credential=make_credential("a key"),
        host_key=HOST_KEY,
        host_key_confirmed_at=timezone.now(),
    )
    return cluster


def test_a_plan_is_frozen_with_every_step(cluster: Cluster, administrator: User) -> None:
    run = request_run(cluster=cluster, actor=administrator)

    assert run.status == RunStatus.PLANNED
    assert run.requested_by_name == "administrator"
    assert set(run.steps.values_list("container__name", flat=True)) == {
        "pg-node-01",
        "pg-node-02",
        "pg-node-03",
    }
    assert not run.steps.filter(node=None).exists()
    positions = list(run.steps.values_list("position", flat=True))
    assert positions == list(range(len(positions)))
    assert run.runbook_hashes


def test_what_a_rule_forbids_is_not_planned(cluster: Cluster, administrator: User) -> None:
    # Four members: a tie is possible.
    make_node(make_container(cluster, "pg-node-04", private="10.203.0.34"), "pg-node-04")
    Container.objects.update(host_key=HOST_KEY, host_key_confirmed_at=timezone.now())
    Container.objects.update(credential=make_credential("a key"))

    with pytest.raises(Refused) as refusal:
        request_run(cluster=cluster, actor=administrator)

    assert any(finding.blocks == "run" for finding in refusal.value.findings)
    assert not Run.objects.exists()


def test_every_missing_login_is_named_at_once(cluster: Cluster, administrator: User) -> None:
    Container.objects.filter(name="pg-node-01").update(host_key="", host_key_confirmed_at=None)
    Container.objects.filter(name="pg-node-02").update(credential=None)

    with pytest.raises(Refused) as refusal:
        request_run(cluster=cluster, actor=administrator)

    assert [finding.subject for finding in refusal.value.findings] == [
        "container:pg-node-01",
        "container:pg-node-02",
    ]


def test_a_container_without_an_address_to_log_in_to_is_named(
    cluster: Cluster, administrator: User
) -> None:
    Container.objects.filter(name="pg-node-01").update(ssh_network="public")

    with pytest.raises(Refused, match="pg-node-01 has no public address to log in to"):
        request_run(cluster=cluster, actor=administrator)


@pytest.mark.django_db(transaction=True)
def test_a_start_queues_the_run_and_rings_once(cluster: Cluster, administrator: User) -> None:
    run = request_run(cluster=cluster, actor=administrator)

    start_run(run=run, actor=administrator)

    run.refresh_from_db()
    assert run.status == RunStatus.QUEUED
    assert OrmQ.objects.count() == 1
    with pytest.raises(InvalidTransition):
        start_run(run=run, actor=administrator)


def test_a_plan_of_yesterdays_cluster_is_not_started(cluster: Cluster, administrator: User) -> None:
    run = request_run(cluster=cluster, actor=administrator)
    Step.objects.filter(run=run, position=0).update(hash="of another runbook")

    with pytest.raises(Refused, match="make a new plan"):
        start_run(run=run, actor=administrator)


def test_a_platform_without_runbooks_for_a_role_has_nothing_to_do(
    cluster: Cluster, administrator: User
) -> None:
    with pytest.raises(Refused, match="nothing to do"):
        request_run(cluster=cluster, actor=administrator, roles=["no-such-role"])
