"""Secrets at rest: encrypted in the database, and `check` says which cannot be read."""

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection

from inventory import crypto
from inventory.models import Credential
from tests.factories import make_credential

pytestmark = pytest.mark.django_db


def test_the_database_holds_no_plain_secret() -> None:
    make_credential("the-plain-words")

    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM inventory_credential")
        stored = cursor.fetchone()[0]

    assert "plain" not in stored
    assert Credential.objects.get().secret == "the-plain-words"


def test_the_check_passes_while_every_secret_decrypts() -> None:
    make_credential("the-plain-words")

    call_command("check", databases=["default"])


def test_the_check_names_a_login_whose_key_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    make_credential("the-plain-words", name="berlin")
    monkeypatch.setenv("VOIPADMIN_SECRET_KEYS", Fernet.generate_key().decode())
    crypto.fernet.cache_clear()

    try:
        with pytest.raises(SystemCheckError, match="login berlin cannot be decrypted"):
            call_command("check", databases=["default"])
    finally:
        monkeypatch.undo()
        crypto.fernet.cache_clear()


def test_a_new_first_key_still_reads_what_the_old_one_wrote(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    try:
        monkeypatch.setenv("VOIPADMIN_SECRET_KEYS", old)
        crypto.fernet.cache_clear()
        make_credential("the-plain-words")

        monkeypatch.setenv("VOIPADMIN_SECRET_KEYS", f"{new} {old}")
        crypto.fernet.cache_clear()

        assert Credential.objects.get().secret == "the-plain-words"
    finally:
        monkeypatch.undo()
        crypto.fernet.cache_clear()
