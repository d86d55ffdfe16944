"""Preflight and guided installation in a real browser: axe, a phone's width, how it goes on."""

import os
from pathlib import Path

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from provisioning.models import Preflight, Run
from provisioning.states import CheckOutcome
from tests import looks
from tests.provisioning.preflights import make_preflight
from tests.provisioning.runs import make_ready_cluster

# A busy machine needs more than the usual five seconds.
expect.set_options(timeout=20_000)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
ANSWERS = [
    {
        "sentence": "pg-node-01 does not know pg-node-02, pg-node-03.",
        "remedy": "Write the names to its hosts file.",
        "fix": "component:names",
        "measured": "0 of 2 names are right",
    },
    {
        "key": "memory",
        "sentence": "pg-node-01 has 16000 MiB of memory, less than the 65536 of the inventory.",
        "remedy": "Adopt what was measured, or enlarge the machine.",
        "fix": "adopt",
    },
    {
        "key": "ports",
        "outcome": CheckOutcome.UNKNOWN,
        "about": "tcp 5432, PostgreSQL replication (postgresql-members)",
        "sentence": "PostgreSQL replication could not be tried from pg-node-02: there is no perl.",
    },
    {
        "key": "operating-system",
        "outcome": CheckOutcome.PASSED,
        "container_name": "pg-node-02",
        "sentence": "pg-node-02 runs debian 13 (x86_64).",
    },
    {
        "key": "disk-kind",
        "outcome": CheckOutcome.WARNING,
        "container_name": "pg-node-02",
        "sentence": "/dev/vda of pg-node-02 says that it rotates.",
    },
]


def keep(page: Page, name: str) -> None:
    """Take a picture for who wants to look, into the folder that PICTURES names."""
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def test_axe_finds_no_serious_fault_and_every_page_fits_a_phone(page: Page) -> None:
    make_preflight(make_ready_cluster(), *ANSWERS)

    for name in ("preflight", "installation", "plan"):
        page.goto(reverse(f"provisioning:{name}", args=["alpha"]))
        expect(page.get_by_role("heading", level=1)).to_contain_text("Alpha")
        keep(page, name)
        assert looks.faults(page) == []
        assert looks.overflow(page) <= 0


def test_a_preflight_is_started_watched_and_its_answers_appear(page: Page) -> None:
    cluster = make_ready_cluster()
    page.goto(reverse("provisioning:preflight", args=["alpha"]))

    page.get_by_role("button", name="Start the preflight").click()

    expect(page.get_by_text("Waits for a worker.")).to_be_visible()
    Preflight.objects.update(progress="Looking around: 1 of 3 machines")
    expect(page.get_by_text("Looking around: 1 of 3 machines")).to_be_visible()
    make_preflight(cluster, *ANSWERS)
    Preflight.objects.filter(finished_at=None).update(status="lost", finished_at=timezone.now())
    expect(page.get_by_text("does not know pg-node-02")).to_be_visible()
    page.get_by_role("link", name="Warning 1").click()
    expect(page.get_by_text("says that it rotates")).to_be_visible()
    expect(page.get_by_text("does not know pg-node-02")).to_have_count(0)
    page.emulate_media(media="print")
    expect(page.get_by_role("link", name="Warning 1")).to_be_hidden()
    keep(page, "preflight-print")


def test_a_run_past_failed_checks_begins_once_a_reason_is_given(page: Page) -> None:
    make_preflight(make_ready_cluster(), ANSWERS[1])
    page.goto(reverse("provisioning:plan", args=["alpha"]))

    page.get_by_role("button", name="Provision").click()
    assert not Run.objects.exists()  # The browser asks for the reason first.
    page.get_by_label("Why the run shall begin all the same").fill("More memory comes tomorrow.")
    page.get_by_role("button", name="Provision").click()

    expect(page.get_by_text("Started past failed checks of the preflight")).to_be_visible()
    assert Run.objects.get().proceed_reason == "More memory comes tomorrow."
    page.goto("about:blank")  # Nothing polls any more when the database goes.
