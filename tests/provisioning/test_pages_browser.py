"""The pages of plans and runs in a real browser: axe, a phone's width, the log as it grows."""

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from provisioning.models import Run, Step
from provisioning.states import RunStatus, StepStatus
from tests import looks
from tests.factories import make_database_cluster, make_user
from tests.provisioning.runs import (
    let_end,
    let_run,
    make_planned_run,
    make_ready_cluster,
    write_lines,
)

# Lines that the page may hold at once.
AT_MOST = 2000

# A busy machine needs more than the usual five seconds.
expect.set_options(timeout=20_000)

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
        reverse("provisioning:run-differences", args=[failed.pk]),
        reverse("provisioning:run-list-all"),
        reverse("provisioning:operations"),
        reverse("provisioning:hint-list"),
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

    page.reload()
    expect(page.get_by_text("a later line")).to_be_visible()


def test_a_stage_that_was_opened_stays_open(page: Page, run: Run) -> None:
    page.goto(run.get_absolute_url())
    page.get_by_text("2. Database: firewall").click()
    step = run.steps.filter(stage=1)[0]
    expect(page.locator("#row-2-1")).to_be_visible()
    expect(page.locator("#row-2-1 .cell-skipped")).to_have_count(0)

    Step.objects.filter(pk=step.pk).update(status=StepStatus.SKIPPED)
    expect(page.locator("#row-2-1 .cell-skipped")).to_have_count(1)

    expect(page.locator("#stage-2")).to_have_attribute("open", "")


def test_the_log_is_searched_and_its_first_error_found_by_keyboard(page: Page, run: Run) -> None:
    write_lines(run.steps.order_by("position")[1], "E: cannot find it: error", "fine again")
    page.goto(run.get_absolute_url())

    page.get_by_label("Search the log").press_sequentially("line")
    expect(page.locator("#log-count")).to_have_text("1 of 3")
    page.get_by_label("Search the log").press("Enter")
    expect(page.locator("#log-count")).to_have_text("2 of 3")
    page.get_by_label("Search the log").press("Shift+Enter")
    expect(page.locator(".log-found")).to_contain_text("line 0")
    page.get_by_label("Search the log").fill("nowhere")
    expect(page.locator("#log-count")).to_have_text("not found")

    page.get_by_role("button", name="First error").press("Enter")
    expect(page.locator(".log-found")).to_contain_text("cannot find it")


def test_a_long_log_stays_a_window_that_follows_until_its_reader_scrolls(
    page: Page, run: Run
) -> None:
    step = run.steps.order_by("position")[1]
    write_lines(step, *(f"early {n}" for n in range(19_000)), "the one needle")
    page.goto(run.get_absolute_url())
    log, follow = page.locator("#run-log"), page.get_by_label("Follow")

    for part in range(4):
        write_lines(step, *(f"late {part}-{n}" for n in range(1000)))
        expect(log.locator(".log-line").last).to_contain_text(f"late {part}-999")
    shown = rows(page)
    assert shown == in_order(shown)
    assert len(shown) <= AT_MOST

    log.evaluate("box => { box.scrollTop = 0 }")
    expect(follow).not_to_be_checked()
    expect(log.locator(".log-line").first).to_contain_text("late 1-500")
    write_lines(step, "written meanwhile")
    page.get_by_label("Search the log").fill("needle")
    expect(page.locator(".log-found")).to_be_in_viewport()
    shown = rows(page)
    assert shown == in_order(shown)
    assert len(shown) <= AT_MOST

    follow.check()
    expect(page.get_by_text("written meanwhile")).to_be_in_viewport()


def test_a_log_follows_one_container_alone(page: Page, run: Run) -> None:
    other = run.steps.filter(container_name="pg-node-02")[0]
    write_lines(other, "of the second")
    page.goto(run.get_absolute_url())
    expect(page.get_by_text("line 2")).to_be_visible()

    page.get_by_label("Container", exact=True).select_option("pg-node-02")
    expect(page.get_by_text("line 2")).to_have_count(0)
    write_lines(run.steps.order_by("position")[1], "line 3")
    write_lines(other, "more of the second")
    expect(page.get_by_text("more of the second")).to_be_visible()
    expect(page.get_by_text("line 3")).to_have_count(0)


def test_a_portal_that_is_away_is_told_and_nothing_is_missed(page: Page, run: Run) -> None:
    page.goto(run.get_absolute_url())
    expect(page.get_by_text("line 2")).to_be_visible()

    page.route("**/lines/**", lambda route: route.abort())
    expect(page.locator("#log-notice")).to_contain_text("does not answer")
    write_lines(run.steps.order_by("position")[1], "written while it was away")
    page.unroute("**/lines/**")

    expect(page.get_by_text("written while it was away")).to_have_count(1)
    expect(page.locator("#log-notice")).to_be_hidden()


def rows(page: Page) -> list[int]:
    """Return the keys of the lines that the page holds."""
    script = "lines => lines.map(line => Number(line.dataset.pk))"
    keys: list[int] = page.locator("#run-log .log-line").evaluate_all(script)
    return keys


def in_order(keys: list[int]) -> list[int]:
    """Return what keys should be: consecutive, each once."""
    return list(range(keys[0], keys[0] + len(keys)))
