"""Single sign-on, against a real OpenID Connect provider that is made for tests."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from tests.factories import make_user
from tests.provisioning.engine.runs import wait_until
from voipadmin.accounts.models import Requirement
from voipadmin.accounts.services import set_policy

pytestmark = pytest.mark.django_db
HOME = "/"


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """Run the provider; return its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: _answers(f"http://127.0.0.1:{port}/"))
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _answers(url: str) -> bool:
    with suppress(requests.ConnectionError):
        return requests.get(url, timeout=5).ok
    return False


@pytest.fixture(autouse=True)
def offered(provider: str, settings: Any) -> None:
    """Let the portal offer it, as the environment would."""
    app = {
        "provider_id": "oidc",
        "name": "Our directory",
        "client_id": "voipadmin",
        "secret": "any",
        "settings": {"server_url": provider},
    }
    settings.SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": {"APPS": [app], "OAUTH_PKCE_ENABLED": True}
    }


def asked(client: Client) -> str:
    """Press the button of the sign-in page; return where the provider asks the person."""
    page = client.get(reverse("account_login"))
    assert b"Our directory" in page.content
    return client.post(reverse("openid_connect_login", args=["oidc"]))["Location"]


def come_back(client: Client, there: str, person: str) -> Any:
    """Sign in at the provider and go where it leads; redirects of the portal are followed."""
    answer = requests.post(there, data={"sub": person}, allow_redirects=False, timeout=30)
    return client.get(_path(answer.headers["Location"]), follow=True)


def _path(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def claim(provider: str, person: str, **claims: Any) -> None:
    """Let the provider know a person."""
    requests.put(f"{provider}/users/{person}", json=claims, timeout=30).raise_for_status()


def test_who_comes_the_first_time_becomes_a_user_who_may_nothing(
    client: Client, provider: str
) -> None:
    claim(provider, "olga", email="olga@example.com", preferred_username="olga")

    come_back(client, asked(client), "olga")

    user = User.objects.get(username="olga")
    assert client.session["_auth_user_id"] == str(user.pk)
    assert not user.is_staff
    assert not user.is_superuser
    assert not user.has_usable_password()
    assert not user.get_all_permissions()


def test_who_comes_again_is_the_same_user(client: Client, provider: str) -> None:
    claim(provider, "otto", email="otto@example.com", preferred_username="otto")
    come_back(client, asked(client), "otto")
    client.logout()

    come_back(client, asked(client), "otto")

    assert User.objects.filter(username__startswith="otto").count() == 1


@pytest.mark.parametrize(("linked", "verified"), [(False, True), (True, False)])
def test_an_address_alone_makes_nobody_somebody_else(
    client: Client, provider: str, settings: Any, linked: bool, verified: bool
) -> None:
    settings.SOCIALACCOUNT_EMAIL_AUTHENTICATION = linked
    settings.SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = linked
    boss = make_user("boss")
    User.objects.filter(pk=boss.pk).update(email="boss@example.com")
    claims = {"email": "boss@example.com", "preferred_username": "mallory"}
    claim(provider, "mallory", **claims, email_verified=verified)

    come_back(client, asked(client), "mallory")

    assert client.session["_auth_user_id"] == str(User.objects.get(username="mallory").pk)


def test_a_verified_address_is_trusted_where_the_settings_say_so(
    client: Client, provider: str, settings: Any
) -> None:
    settings.SOCIALACCOUNT_EMAIL_AUTHENTICATION = True
    settings.SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = True
    boss = make_user("chief")
    User.objects.filter(pk=boss.pk).update(email="chief@example.com")
    claim(provider, "chief-there", email="chief@example.com", email_verified=True)

    come_back(client, asked(client), "chief-there")

    assert client.session["_auth_user_id"] == str(boss.pk)


def test_an_answer_that_nobody_asked_for_signs_nobody_in(client: Client, provider: str) -> None:
    claim(provider, "eve", email="eve@example.com", preferred_username="eve")
    there = asked(client)

    come_back(Client(), there, "eve")

    assert not User.objects.filter(username="eve").exists()


def test_a_forged_state_signs_nobody_in(client: Client, provider: str) -> None:
    there = asked(client)
    state = dict(parse_qsl(urlsplit(there).query))["state"]
    forged = there.replace(state, "x" * len(state))

    come_back(client, forged, "eve")

    assert "_auth_user_id" not in client.session


def test_the_second_factor_is_asked_of_who_signed_in_elsewhere_too(
    client: Client, provider: str
) -> None:
    set_policy(actor=make_user("admin", superuser=True), second_factor=Requirement.EVERYBODY)
    claim(provider, "nina", email="nina@example.com", preferred_username="nina")

    page = come_back(client, asked(client), "nina")

    assert page.redirect_chain[-1][0] == reverse("mfa_index")
    assert client.get(HOME)["Location"] == reverse("mfa_index")
