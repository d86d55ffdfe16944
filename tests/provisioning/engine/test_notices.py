"""Whom a run writes to: who asked for it, and who may answer it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core.mail import EmailMessage

from inventory.models import Cluster, Event
from provisioning.engine.pace import Pace
from provisioning.models import Run
from provisioning.tasks import send_notice
from tests.factories import make_user
from tests.provisioning.engine.runs import driven, make_run, make_step


def with_address(user: User) -> User:
    """Give somebody an e-mail address."""
    user.email = f"{user.username}@example.org"
    user.save()
    return user


@pytest.fixture
def olga(db: None) -> User:
    """Make an operator."""
    return with_address(make_user("olga", permissions=("inventory.provision_cluster",)))


@pytest.fixture
def anton(db: None) -> User:
    """Make an approver."""
    return with_address(make_user("anton", permissions=("provisioning.approve_step",)))


def asked_by(user: User, run: Run) -> Run:
    """Say who asked for a run."""
    Run.objects.filter(pk=run.pk).update(requested_by=user, requested_by_name=user.username)
    return run


def test_a_run_that_asks_for_approval_writes_to_approvers(
    cluster: Cluster, pace: Pace, olga: User, anton: User, mailoutbox: list[EmailMessage]
) -> None:
    step = make_step(
        manual="May all be restarted?", approval=True, probe="exit 10", answer_within_s=3600
    )
    run = driven(asked_by(olga, make_run(cluster, [step])), pace)

    assert send_notice(str(run.pk)) == "2 told"

    assert sorted(mail.to[0] for mail in mailoutbox) == ["anton@example.org", "olga@example.org"]
    assert mailoutbox[0].subject == f"[voipadmin] {run} waits for you"
    assert "May all be restarted?" in mailoutbox[0].body
    assert run.get_absolute_url() in mailoutbox[0].body
    assert Event.objects.filter(kind="run-waiting").exists()


def test_a_failed_run_writes_to_who_asked_for_it(
    cluster: Cluster, pace: Pace, olga: User, anton: User, mailoutbox: list[EmailMessage]
) -> None:
    run = driven(asked_by(olga, make_run(cluster, [make_step(apply="exit 3")])), pace)

    send_notice(str(run.pk))

    assert [mail.to for mail in mailoutbox] == [["olga@example.org"]]
    assert "Apply ended with exit status 3." in mailoutbox[0].body


def test_who_was_switched_off_is_not_written_to(
    cluster: Cluster, pace: Pace, olga: User, mailoutbox: list[EmailMessage]
) -> None:
    run = driven(asked_by(olga, make_run(cluster, [make_step(apply="true")])), pace)
    User.objects.update(is_active=False)

    assert send_notice(str(run.pk)) == "0 told"
    assert mailoutbox == []
