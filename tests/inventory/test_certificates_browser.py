"""The page of certificates in a real browser: axe in both themes, a phone's width, an upload."""

from pathlib import Path

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from inventory import pki
from inventory.certificates import renew_certificates, upload_certificate
from tests import looks
from tests.browser import CHROMIUM
from tests.factories import make_database_cluster

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="Chromium is missing"),
]


def bought() -> pki.Pair:
    """Return a certificate of another authority."""
    now = timezone.now()
    return pki.issue(pki.make_authority("A certificate shop", now), ["pbx.example.com"], now)


def test_axe_finds_no_serious_fault_and_the_page_fits_a_phone(page: Page) -> None:
    cluster = make_database_cluster("alpha")
    renew_certificates(cluster, ["pg-node-01", "pg-node-02"])
    pair = bought()
    upload_certificate(cluster=cluster, certificate=pair.certificate, key=pair.key, actor=None)

    page.goto(reverse("inventory:certificate-list", args=["alpha"]), wait_until="networkidle")

    assert looks.faults(page) == []
    assert looks.overflow(page) <= 0


def test_a_certificate_is_pasted_checked_and_kept(page: Page) -> None:
    make_database_cluster("alpha")
    pair = bought()
    page.goto(reverse("inventory:certificate-list", args=["alpha"]))

    page.get_by_label("Certificate and chain").fill(pair.certificate)
    page.get_by_label("Private key").fill("something else")
    page.get_by_role("button", name="Check and store").click()
    expect(page.get_by_text("This is no private key in PEM format.")).to_be_visible()
    expect(page.get_by_label("Private key")).to_have_value("")
    page.get_by_label("Private key").fill(pair.key)
    page.get_by_role("button", name="Check and store").click()

    expect(page.get_by_role("region", name="Public side")).to_contain_text("pbx.example.com")
