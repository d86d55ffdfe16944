"""The pages of plans and runs in a real browser: axe, a phone's width, the log as it grows."""

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from provisioning.models import Run
from provisioning.states import RunStatus
from tests import looks
from tests.factories import make_database_cluster, make_user
from tests.provisioning.runs import (
    let_end,
    let_run,
    make_planned_run,
    make_ready_cluster,
    write_lines,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def admin() -> User:
    """Make an administrator."""
    return make_user("admin", superuser=True)


@pytest.fixture
def page(live_server: LiveServer, admin: User) -> Iterator[Page]:
    """Open a browser of an administrator; what its console complains of fails the test."""
    with looks.open_page(live_server.url) as page:
        looks.sign_in(page, admin, live_server.url)
        page.on("pageerror", lambda error: pytest.fail(str(error)))
        yield page
        page.goto("about:blank")  # Nothing polls any more when the database goes.


@pytest.fixture
def run(admin: User) -> Run:
    """Make a run that is going on."""
    run = make_planned_run(make_ready_cluster(), admin)
    let_run(run)
    return run


def test_axe_finds_no_serious_fault_and_every_page_fits_a_phone(
    page: Page, admin: User, run: Run
) -> None:
    failed = make_planned_run(run.cluster, admin)
    let_run(failed)
    let_end(failed, RunStatus.FAILED)
    make_database_cluster("beta", nodes=2)
    found = {}
    for address in (
        reverse("provisioning:plan", args=["alpha"]),
        reverse("provisioning:plan", args=["beta"]),
        reverse("provisioning:run-list", args=["alpha"]),
        run.get_absolute_url(),
        failed.get_absolute_url(),
        reverse("provisioning:step-detail", args=[failed.steps.order_by("position")[1].pk]),
    ):
        page.goto(address)
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
        wide = looks.overflow(page)
        found[address] = looks.faults(page) + ([f"{wide} px too wide"] if wide > 0 else [])

    assert not any(found.values()), found


def test_lines_appear_while_the_run_goes_on_and_the_page_rests_at_its_end(
    page: Page, run: Run
) -> None:
    page.goto(run.get_absolute_url())
    expect(page.get_by_text("line 2")).to_be_visible()

    write_lines(run.steps.order_by("position")[1], "a later line")
    expect(page.get_by_text("a later line")).to_be_visible()

    let_end(run, RunStatus.SUCCEEDED)
    expect(page.locator("#run-state")).to_have_attribute("data-status", "succeeded")
    expect(page.locator("[hx-get]")).to_have_count(0)


def test_a_stage_that_was_opened_stays_open(page: Page, run: Run) -> None:
    page.goto(run.get_absolute_url())
    page.get_by_text("2. Database: firewall").click()

    with page.expect_response(lambda answer: answer.url.endswith(run.get_absolute_url())):
        pass

    expect(page.locator("#stage-2")).to_have_attribute("open", "")


def test_the_log_is_searched_and_its_first_error_found_by_keyboard(page: Page, run: Run) -> None:
    write_lines(run.steps.order_by("position")[1], "E: cannot find it: error", "fine again")
    page.goto(run.get_absolute_url())

    page.get_by_label("Search the log").press_sequentially("fine")
    expect(page.get_by_text("line 1")).to_be_hidden()
    expect(page.get_by_text("fine again")).to_be_visible()

    page.get_by_label("Search the log").fill("")
    page.get_by_role("button", name="First error").press("Enter")
    expect(page.locator(".log-found")).to_contain_text("cannot find it")
