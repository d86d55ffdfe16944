"""Fixtures that every folder of tests shares."""

import os

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.test import Client


@pytest.fixture
def administrator(db: None) -> User:
    """Make a user who may do everything."""
    return get_user_model().objects.create_superuser(username="administrator", password="secret")


@pytest.fixture
def signed_in(client: Client, administrator: User) -> Client:
    """Return a client that the administrator has signed in with."""
    client.force_login(administrator)
    return client


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let a skipped test fail the run in CI: what is not proven there is not proven."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
