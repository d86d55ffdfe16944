"""How tests look at a page: signed in, in both themes, checked by axe, as wide as a phone."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.db import connections
from playwright.sync_api import Page, ViewportSize

from tests.browser import chromium

DESKTOP: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}


@contextmanager
def open_page(address: str) -> Iterator[Page]:
    """Open a browser with one page; relative addresses are below `address`.

    Playwright keeps an event loop in this thread, which Django would take for an async caller.
    """
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    try:
        with chromium() as browser:
            context = browser.new_context(
                base_url=address, viewport=DESKTOP, reduced_motion="reduce"
            )
            yield context.new_page()
            # What the test opened belongs to Playwright's loop; nobody else would close it.
            connections.close_all()
    finally:
        if before is None:
            del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
        else:
            os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = before


def sign_in(page: Page, user: User, address: str) -> None:
    """Give the browser a session of the user."""
    session = SessionStore()
    session["_auth_user_id"] = str(user.pk)
    session["_auth_user_backend"] = settings.AUTHENTICATION_BACKENDS[0]
    session["_auth_user_hash"] = user.get_session_auth_hash()
    session.save()
    cookie = str(session.session_key)
    page.context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": address}]
    )


def faults(page: Page) -> list[str]:
    """Return what axe finds serious or critical on the page as it stands, in both themes."""
    found = []
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        for violation in Axe().run(page).response["violations"]:
            if violation["impact"] in ("serious", "critical"):
                places = [node["target"] for node in violation["nodes"]]
                found.append(f"{theme}: {violation['id']} at {places}")
    return found


def overflow(page: Page) -> int:
    """Return by how many pixels the page is wider than a phone's screen."""
    page.set_viewport_size(PHONE)
    try:
        return int(page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))
    finally:
        page.set_viewport_size(DESKTOP)
