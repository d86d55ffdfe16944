"""The import page in a real browser: axe in both themes, a phone's width, the keyboard."""

from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from inventory.models import Container
from tests import looks
from tests.browser import CHROMIUM
from tests.factories import make_database_cluster
from tests.inventory.interchange.files import CONTAINERS, container_row, table

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="Chromium is missing"),
]


@pytest.fixture
def opened(page: Page) -> Page:
    """Open an import page as an administrator."""
    make_database_cluster("alpha", nodes=2)
    page.goto(reverse("inventory:cluster-import", args=["alpha"]))
    return page


def choose(page: Page, text: str) -> None:
    """Choose a file of containers and ask what it would change."""
    file = {"name": "containers.csv", "mimeType": "text/csv", "buffer": text.encode()}
    page.get_by_label("File", exact=True).set_input_files(file)  # type: ignore[arg-type]
    page.get_by_role("button", name="Show what would change").click()


def problems(page: Page) -> list[str]:
    """Return what axe finds, and whether the page is too wide for a phone."""
    too_wide = looks.overflow(page)
    return [*looks.faults(page), *([f"{too_wide} px too wide"] if too_wide > 0 else [])]


def test_a_file_is_mended_looked_at_and_imported(opened: Page) -> None:
    assert problems(opened) == []

    bad = container_row("web_1", 40).replace(",13,4,", ",13,four,")
    choose(opened, table(f"{CONTAINERS},colour", f"{bad},red", container_row("web-2", 300) + ","))
    expect(opened.get_by_role("alert")).to_be_focused()
    expect(opened.get_by_role("alert")).to_contain_text("the file has 5 faults")
    assert problems(opened) == []

    rows = [container_row("web-1", 40), "pg-node-01,debian,13,8,16384,,alpha-private=10.99.0.1"]
    choose(opened, table(CONTAINERS, *rows))
    expect(opened.get_by_role("heading", name="The rules would refuse this import")).to_be_visible()
    assert problems(opened) == []

    rows[1] = container_row("pg-node-01", 31).replace(",4,16384,", ",8,16384,")
    choose(opened, table(CONTAINERS, *rows))
    expect(opened.get_by_text("1 added, 1 changed, 0 removed, 0 unchanged")).to_be_visible()
    assert problems(opened) == []
    assert Container.objects.count() == 2

    opened.get_by_role("button", name="Import", exact=True).click()
    expect(opened.get_by_text("Imported: 1 added, 1 changed")).to_be_visible()
    assert Container.objects.get(name="pg-node-01").vcpus == 8
