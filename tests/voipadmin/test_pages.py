"""What belongs to the project's own addresses."""

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection
from django.test import Client


@pytest.mark.django_db
def test_strangers_may_ask_whether_it_works(client: Client) -> None:
    answer = client.get("/healthz")

    assert answer.status_code == 200
    assert answer.content.splitlines()[0] == b"ok"
    assert "no-cache" in answer["Cache-Control"]


@pytest.mark.django_db(transaction=True)
def test_without_a_database_it_says_so(client: Client) -> None:
    connection.close()
    port, connection.settings_dict["PORT"] = connection.settings_dict["PORT"], "1"

    try:
        answer = client.get("/healthz")
    finally:
        connection.settings_dict["PORT"] = port

    assert answer.status_code == 503


@pytest.mark.django_db
def test_strangers_are_sent_to_sign_in(client: Client) -> None:
    answer = client.get("/clusters/")

    assert answer.status_code == 302
    assert answer["Location"].startswith("/login/")


@pytest.mark.django_db
def test_every_page_forbids_framing_and_guessing_of_types(client: Client) -> None:
    answer = client.get("/login/")

    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"


@pytest.mark.django_db
def test_there_is_never_a_second_first_administrator(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("ensure_administrator")
    first = capsys.readouterr().out

    call_command("ensure_administrator")

    assert "user admin, password " in first
    assert capsys.readouterr().out == ""
    assert get_user_model().objects.get().username == "admin"
