"""The IP plan and the firewall page in a real browser: axe in both themes, a phone's width."""

from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from inventory.models import Container, Network
from tests import looks
from tests.browser import CHROMIUM
from tests.factories import make_cluster, make_container, make_database_cluster

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="Chromium is missing"),
]


def addresses() -> list[str]:
    """Return the pages, with everything to show that they can show."""
    cluster = make_database_cluster("alpha")
    make_container(cluster, "odd", private="10.203.0.99").addresses.update(name="other.internal")
    make_cluster("beta", private="10.203.0.0/25")
    network = Network.objects.get(name="alpha-private")
    container = Container.objects.get(name="pg-node-01")
    return [
        reverse("inventory:address-plan", args=["alpha"]),
        reverse("inventory:address-plan", args=["alpha"]) + "?telephony=20&load-balancer=400",
        reverse("inventory:address-plan", args=["alpha"]) + "?telephony=many",
        reverse("inventory:container-firewall", args=[container.pk]),
        reverse("inventory:network-edit", args=[network.pk]),
    ]


def test_axe_finds_no_serious_fault_and_every_page_fits_a_phone(page: Page) -> None:
    found = {}
    for address in addresses():
        page.goto(address, wait_until="networkidle")
        too_wide = [f"{wide} px too wide"] if (wide := looks.overflow(page)) > 0 else []
        if problems := looks.faults(page) + too_wide:
            found[address] = problems

    assert found == {}


def test_growth_is_typed_and_checked(page: Page) -> None:
    """K14."""
    page.goto(addresses()[0])
    expect(page.get_by_text("Everything fits")).to_be_visible()

    page.get_by_role("spinbutton", name="Telephony").fill("20")
    page.get_by_role("button", name="Check growth").click()

    expect(page.get_by_text("Does not fit")).to_be_visible()
    expect(page.get_by_role("row", name="Telephony")).to_contain_text("no number for 11 of 20")
    expect(page.get_by_role("spinbutton", name="Telephony")).to_have_value("20")
