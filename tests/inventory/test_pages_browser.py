"""The inventory pages in a real browser: axe in both themes, a phone's width, the keyboard."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from inventory import example
from inventory.models import Cluster, Network, Node
from tests import looks
from tests.browser import CHROMIUM
from tests.factories import (
    make_container,
    make_database_cluster,
    make_network,
    make_platforms,
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="Chromium is missing"),
]


@pytest.fixture
def stranger(live_server: LiveServer) -> Iterator[Page]:
    """Open a browser that nobody has signed in with."""
    with looks.open_page(live_server.url) as page:
        yield page


def addresses() -> list[str]:
    """Return every inventory page, with data to show."""
    cluster = make_database_cluster("alpha", nodes=2)
    make_container(cluster, "spare", private="10.203.0.99")
    make_network("pool-net", cidr="10.7.0.0/24")
    free = make_container(None, "free-one", networks=("pool-net", "pool-net"), private="10.7.0.9")
    node = Node.objects.get(name="pg-node-01")
    container = node.placements.get().container
    voipnow, _ = example.load(actor=None)
    return [
        "/clusters/",
        reverse("inventory:cluster-create"),
        cluster.get_absolute_url(),
        voipnow.get_absolute_url(),
        reverse("inventory:cluster-edit", args=["alpha"]),
        reverse("inventory:node-create", args=["alpha"]),
        reverse("inventory:finding-list", args=["alpha"]),
        reverse("inventory:waiver-list", args=["alpha"]),
        reverse("inventory:waiver-create", args=["alpha"])
        + "?key=dedicated-disk&subject=role:database&role=database",
        reverse("inventory:impact", args=["alpha"]) + "?lost=node:pg-node-01",
        reverse("inventory:impact", args=[voipnow.slug]),
        reverse("inventory:rule-list"),
        reverse("inventory:rule-detail", args=["count-minimum"]),
        reverse("inventory:network-list"),
        reverse("inventory:network-create"),
        reverse("inventory:container-list"),
        reverse("inventory:container-list") + "?pool=free",
        reverse("inventory:container-create") + "?cluster=alpha",
        container.get_absolute_url(),
        reverse("inventory:container-edit", args=[container.pk]),
        reverse("inventory:container-host-key", args=[container.pk]),
        reverse("inventory:container-adopt", args=[free.pk]),
        node.get_absolute_url(),
        reverse("inventory:node-edit", args=[node.pk]),
        reverse("inventory:node-move", args=[node.pk]),
        reverse("inventory:node-remove", args=[node.pk]),
        "/clusters/nowhere/",
    ]


def test_axe_finds_no_serious_fault_and_every_page_fits_a_phone(page: Page) -> None:
    found = {}
    for address in addresses():
        page.goto(address, wait_until="networkidle")
        too_wide = [f"{wide} px too wide"] if (wide := looks.overflow(page)) > 0 else []
        if problems := looks.faults(page) + too_wide:
            found[address] = problems

    assert found == {}


def test_axe_finds_no_serious_fault_before_there_is_data(page: Page) -> None:
    found = {}
    make_platforms()
    for address in ("/clusters/", "/containers/", "/networks/"):
        page.goto(address)
        found[address] = looks.faults(page)

    assert not any(found.values()), found


def test_the_checks_see_a_fault_when_there_is_one(page: Page) -> None:
    page.goto("/networks/")
    page.evaluate("document.querySelector('h1').style.color = '#222'")
    page.evaluate("document.querySelector('h1').style.minWidth = '50rem'")

    assert any("color-contrast" in fault for fault in looks.faults(page))
    assert looks.overflow(page) > 0


def test_axe_finds_no_serious_fault_on_the_sign_in_page(stranger: Page) -> None:
    stranger.goto("/clusters/")
    stranger.get_by_label("Username").fill("nobody")
    stranger.get_by_label("Password").fill("nothing")
    stranger.get_by_role("button", name="Sign in").click()

    expect(stranger.get_by_role("alert")).to_contain_text("are not correct")
    assert looks.faults(stranger) == []


def test_a_refusal_takes_the_focus_and_has_no_serious_fault(page: Page) -> None:
    cluster = make_database_cluster("alpha", nodes=2)
    make_container(cluster, "tiny", vcpus=1, private="10.203.0.99")
    page.goto(reverse("inventory:node-create", args=["alpha"]))

    page.get_by_label("Name").fill("pg-node-03")
    page.get_by_label("Container").select_option("tiny")
    page.get_by_label("Database", exact=True).check()
    page.get_by_role("button", name="Add node").click()

    refusal = page.get_by_role("alert")
    expect(refusal).to_contain_text("R120")
    expect(refusal).to_contain_text("Distributed Deployment Overview")
    expect(refusal).to_be_focused()
    expect(page.get_by_label("Name")).to_have_value("pg-node-03")
    expect(page.get_by_label("Database", exact=True)).to_be_checked()
    assert looks.faults(page) == []


def test_the_first_steps_work_by_keyboard_alone(page: Page) -> None:
    make_platforms()
    page.goto("/clusters/")

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.includes('Load example')"):
            break
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", level=1)).to_have_text("Example: Ring2All distributed")
    assert Cluster.objects.get().is_example


def test_the_chosen_theme_outlives_the_page(page: Page) -> None:
    page.emulate_media(color_scheme="light")
    page.goto("/networks/")
    page.get_by_role("button", name="Switch between dark and light").click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")

    page.goto("/containers/")

    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")


def test_a_login_form_shows_the_fields_of_the_chosen_way(page: Page) -> None:
    page.goto(reverse("inventory:container-create"))
    expect(page.get_by_label("Private key")).to_be_hidden()

    page.get_by_label("Log in with").select_option("A new private key")

    expect(page.get_by_label("Private key")).to_be_visible()
    expect(page.get_by_label("Stored login")).to_be_hidden()
    assert Network.objects.count() == 0
