"""Signing in: throttled, with a second factor, and as the policy asks."""

from typing import Any

import pytest
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from inventory.models import Change
from tests.factories import make_cluster, make_grant, make_user
from voipadmin.accounts.models import Requirement
from voipadmin.accounts.services import forget_factors, set_policy

pytestmark = pytest.mark.django_db
API = "/api/v1/"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def code_of(secret: str = SECRET) -> str:
    """Return what an authenticator app shows now."""
    counter = next(yield_hotp_counters_from_time())
    return str(format_hotp_value(hotp_value(secret, counter)))


def with_app(user: User) -> User:
    """Let a user have an authenticator app and recovery codes."""
    TOTP.activate(user, SECRET)
    RecoveryCodes.activate(user)
    return user


def sign_in(client: Client, name: str = "olga", password: str = "secret-phrase") -> Any:
    """Send name and password."""
    return client.post("/login/", {"login": name, "password": password})


def is_signed_in(client: Client) -> bool:
    """Tell whether the client has a user."""
    return "_auth_user_id" in client.session


def ask_token(**fields: str) -> Any:
    """Ask for a token."""
    body = {"username": "olga", "password": "secret-phrase", **fields}
    return APIClient().post(f"{API}token/", body, format="json")


def require(answer: Requirement) -> None:
    """Let the portal ask for second factors."""
    set_policy(second_factor=answer, actor=make_user("root", superuser=True))


def test_the_counts_of_wrong_passwords_are_shared_by_all_processes() -> None:
    assert "db" in type(cache._connections[cache._alias]).__module__  # type: ignore[attr-defined]


def test_a_name_that_is_guessed_at_is_closed_for_a_time(client: Client) -> None:
    make_user("olga")
    for _ in range(5):
        sign_in(client, password="guess")

    answer = sign_in(client)

    assert not is_signed_in(client)
    assert "Too many failed login attempts" in answer.content.decode()


def test_an_address_that_guesses_names_is_stopped(client: Client) -> None:
    make_user("olga")
    for number in range(10):
        sign_in(client, name=f"nobody{number}", password="guess")

    sign_in(client)

    assert not is_signed_in(client)


def test_another_address_does_not_pay_for_it(client: Client) -> None:
    make_user("olga")
    for number in range(10):
        sign_in(client, name=f"nobody{number}", password="guess")

    other = Client(REMOTE_ADDR="198.51.100.7")
    sign_in(other)

    assert is_signed_in(other)


def test_a_made_up_forwarding_header_is_no_other_address(client: Client) -> None:
    make_user("olga")
    statuses = []
    for number in range(12):
        api = APIClient(headers={"X-Forwarded-For": f"198.51.100.{number}"})
        body = {"username": f"nobody{number}", "password": "guess"}
        statuses.append(api.post(f"{API}token/", body, format="json").status_code)

    assert statuses[-1] == 429


def test_a_name_is_guessed_at_for_tokens_twenty_times_an_hour() -> None:
    make_user("olga")
    statuses = [
        APIClient(REMOTE_ADDR=f"198.51.100.{number}")
        .post(f"{API}token/", {"username": "Olga", "password": "guess"}, format="json")
        .status_code
        for number in range(21)
    ]

    assert statuses == [400] * 20 + [429]


def test_nobody_signs_up(client: Client) -> None:
    assert client.get("/account/signup/").status_code in (302, 404)
    assert User.objects.count() == 0


def test_after_the_password_comes_the_code(client: Client) -> None:
    with_app(make_user("olga"))

    asked = sign_in(client)
    before = is_signed_in(client)
    wrong = client.post(asked["Location"], {"code": "000000"})
    client.post(asked["Location"], {"code": code_of()})

    assert asked["Location"].startswith(reverse("mfa_authenticate"))
    assert not before
    assert "Incorrect code" in wrong.content.decode()
    assert is_signed_in(client)


def test_a_recovery_code_signs_in_once(client: Client) -> None:
    user = with_app(make_user("olga"))
    codes = Authenticator.objects.get(user=user, type="recovery_codes").wrap()
    code = codes.get_unused_codes()[0]

    for _ in range(2):
        client.logout()
        asked = sign_in(client)
        client.post(asked["Location"], {"code": code})

    assert not is_signed_in(client)


def test_an_app_is_set_up_with_its_first_code(
    client: Client, django_capture_on_commit_callbacks: Any
) -> None:
    make_user("olga")
    sign_in(client)
    page = reverse("mfa_activate_totp")
    client.post(client.get(page)["Location"], {"password": "secret-phrase"})
    client.get(page)
    secret = client.session["mfa.totp.secret"]

    with django_capture_on_commit_callbacks(execute=True):
        done = client.post(page, {"code": code_of(secret)})

    assert done["Location"] == reverse("mfa_view_recovery_codes")
    assert "10 of 10 are left" in client.get(done["Location"]).content.decode()
    assert Change.objects.filter(
        actor__username="olga", summary="Set an authenticator app up: olga"
    ).exists()


def test_what_a_factor_rests_on_is_stored_encrypted() -> None:
    user = with_app(make_user("olga"))

    stored = Authenticator.objects.get(user=user, type="totp").data["secret"]

    assert SECRET not in stored
    assert get_adapter().decrypt(stored) == SECRET
    assert generate_totp_secret() != generate_totp_secret()


def test_a_token_takes_the_code_too() -> None:
    with_app(make_user("olga"))

    without, wrong, right = ask_token(), ask_token(code="000000"), ask_token(code=code_of())

    assert without.status_code == 400
    assert "second factor" in without.json()["errors"]["code"][0]
    assert wrong.status_code == 400
    assert right.status_code == 200


def test_a_code_for_a_token_is_not_guessed() -> None:
    with_app(make_user("olga"))
    for _ in range(5):
        ask_token(code="000000")

    assert ask_token(code=code_of()).status_code == 400


@pytest.mark.parametrize(
    ("asked", "level", "is_led"),
    [
        (Requirement.NOBODY, "administrator", False),
        (Requirement.ADMINISTRATORS, "operator", False),
        (Requirement.ADMINISTRATORS, "administrator", True),
        (Requirement.EVERYBODY, "viewer", True),
    ],
)
def test_who_lacks_a_required_factor_is_led_to_set_one_up(
    client: Client, asked: Requirement, level: str, *, is_led: bool
) -> None:
    cluster = make_cluster("alpha", private=None, public=None)
    client.force_login(make_grant(make_user("olga"), level, cluster))
    require(asked)

    answer = client.get(cluster.get_absolute_url())

    assert (answer.status_code == 302) is is_led
    if is_led:
        assert answer["Location"] == reverse("mfa_index")
        assert "set one up to go on" in client.get(answer["Location"]).content.decode()
        assert client.get(f"{API}clusters/").status_code == 403
        assert client.get("/admin/").status_code == 302


def test_who_has_the_factor_goes_on(client: Client) -> None:
    cluster = make_cluster("alpha", private=None, public=None)
    client.force_login(with_app(make_grant(make_user("olga"), "viewer", cluster)))
    require(Requirement.EVERYBODY)

    assert client.get(cluster.get_absolute_url()).status_code == 200


def test_tokens_of_who_lacks_a_required_factor_are_refused_in_words() -> None:
    user = make_grant(make_user("olga"), "viewer", make_cluster("alpha", private=None, public=None))
    token = Token.objects.create(user=user)
    api = APIClient(headers={"Authorization": f"Token {token.key}"})
    before = api.get(f"{API}clusters/")
    require(Requirement.EVERYBODY)

    after = api.get(f"{API}clusters/")

    assert before.status_code == 200
    assert after.status_code == 401
    assert "sign in on its pages and set one up" in after.json()["detail"]
    assert ask_token().status_code == 400


def test_the_last_required_factor_stays(client: Client) -> None:
    user = with_app(make_user("olga"))
    asked = sign_in(client)
    client.post(asked["Location"], {"code": code_of()})
    require(Requirement.EVERYBODY)

    client.post(reverse("mfa_deactivate_totp"))

    assert Authenticator.objects.filter(user=user, type="totp").exists()


def test_a_lost_factor_is_forgotten_by_an_administrator_with_its_token(client: Client) -> None:
    user = with_app(make_user("olga"))
    Token.objects.create(user=user)

    forget_factors(user=user, actor=make_user("root", superuser=True))
    sign_in(client)

    assert is_signed_in(client)
    assert not Token.objects.filter(user=user).exists()


def test_the_policy_is_set_by_who_administers_the_portal(client: Client) -> None:
    page = reverse("sign-in-policy")
    client.force_login(make_grant(make_user("olga"), "administrator"))
    refused = client.post(page, {"second_factor": "everybody"})
    client.force_login(make_user("root", superuser=True))

    client.post(page, {"second_factor": "everybody"})

    assert refused.status_code == 403
    assert Change.objects.get(operation="SetSignInPolicy").after == {"second_factor": "everybody"}


def test_changing_the_password_is_logged_without_it(client: Client) -> None:
    make_user("olga")
    sign_in(client)

    client.post(
        reverse("account_change_password"),
        {"oldpassword": "secret-phrase", "password1": "N3w-phrase!", "password2": "N3w-phrase!"},
    )

    change = Change.objects.get(subject="user:olga")
    assert change.summary == "Change the password: olga"
    assert "phrase" not in f"{change.before}{change.after}"


@pytest.mark.parametrize("page", ["authtoken/tokenproxy", "mfa/authenticator"])
def test_the_admin_shows_no_token_and_no_factor(signed_in: Client, page: str) -> None:
    assert signed_in.get(f"/admin/{page}/").status_code == 404
