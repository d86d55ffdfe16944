"""Fixtures that every folder of tests shares."""

import os
from collections.abc import Iterator

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from tests import looks


@pytest.fixture
def administrator(db: None) -> User:
    """Make a user who may do everything."""
    return get_user_model().objects.create_superuser(username="administrator", password="secret")


@pytest.fixture
def signed_in(client: Client, administrator: User) -> Client:
    """Return a client that the administrator has signed in with."""
    client.force_login(administrator)
    return client


@pytest.fixture
def page(live_server: LiveServer) -> Iterator[Page]:
    """Open a browser of an administrator; what its console complains of fails the test."""
    user = get_user_model().objects.create_superuser(username="admin", password="secret-phrase")
    with looks.open_page(live_server.url) as page:
        looks.sign_in(page, user, live_server.url)
        page.on("pageerror", lambda error: pytest.fail(str(error)))
        yield page


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let a skipped test fail the run in CI: what is not proven there is not proven."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
