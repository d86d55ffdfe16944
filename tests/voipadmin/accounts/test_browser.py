"""Signing in with a security key, and how the pages of accounts look, in a browser."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from tests import looks
from tests.factories import make_cluster, make_grant, make_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
KEY = {
    "protocol": "ctap2",
    "transport": "usb",
    "hasResidentKey": False,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def visitor(live_server: LiveServer) -> Iterator[Page]:
    """Open a browser that nobody has signed in with; a key is plugged in."""
    address = live_server.url.replace("127.0.0.1", "localhost")
    with looks.open_page(address) as page:
        page.on("pageerror", lambda error: pytest.fail(str(error)))
        devtools = page.context.new_cdp_session(page)
        devtools.send("WebAuthn.enable")
        devtools.send("WebAuthn.addVirtualAuthenticator", {"options": KEY})
        yield page


def sign_in(page: Page, name: str = "olga") -> None:
    """Type name and password."""
    page.goto("/login/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill("secret-phrase")
    page.get_by_role("button", name="Sign in", exact=True).click()


def test_a_security_key_is_added_and_asked_for(visitor: Page) -> None:
    make_grant(make_user("olga"), "viewer", make_cluster("alpha", private=None, public=None))
    sign_in(visitor)
    visitor.get_by_role("link", name="olga").click()
    visitor.get_by_role("link", name="Add a key").click()
    visitor.get_by_label("Password").fill("secret-phrase")
    visitor.get_by_role("button", name="Go on").click()
    expect(visitor.get_by_role("heading", name="Add a security key")).to_be_visible()
    visitor.wait_for_load_state()  # Until then the button does nothing.
    visitor.get_by_role("button", name="Add", exact=True).click()
    expect(visitor.get_by_role("heading", name="Recovery codes")).to_be_visible()
    visitor.get_by_role("button", name="Sign out").click()

    sign_in(visitor)
    expect(visitor.get_by_role("heading", name="Second factor")).to_be_visible()
    visitor.wait_for_load_state()
    assert looks.faults(visitor) == []
    visitor.get_by_role("button", name="Use a security key").click()

    expect(visitor.get_by_role("heading", name="Clusters")).to_be_visible()


def test_the_pages_can_be_read_by_everybody(visitor: Page) -> None:
    visitor.goto("/login/")
    assert looks.faults(visitor) == []
    make_grant(make_user("anna"), "administrator")
    make_user("root", superuser=True)
    make_grant(make_user("olga"), "viewer", make_cluster("alpha"))
    sign_in(visitor, "root")
    expect(visitor.get_by_role("heading", name="Clusters")).to_be_visible()

    for address in (
        "/clusters/alpha/access/",
        "/audit/",
        "/users/",
        "/users/policy/",
        "/account/second-factor/",
    ):
        visitor.goto(address)

        assert looks.faults(visitor) == [], address
        assert looks.overflow(visitor) <= 0, address
