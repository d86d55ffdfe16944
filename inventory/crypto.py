"""Secrets at rest: Fernet tokens in text columns, keys from the environment or a 0600 file."""

import os
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models


class EncryptedField(models.TextField):
    """A text column whose content only this portal can read."""

    def get_prep_value(self, value: Any) -> Any:
        """Encrypt on the way to the database."""
        return None if value is None else encrypt(str(value))

    def from_db_value(self, value: str | None, *_: object) -> str | None:
        """Decrypt on the way back."""
        return None if value is None else decrypt(value)


def encrypt(text: str) -> str:
    """Return a Fernet token of the newest key."""
    return fernet().encrypt(text.encode()).decode()


def decrypt(token: str) -> str:
    """Return the text of a token; raises ImproperlyConfigured when no key fits."""
    try:
        return fernet().decrypt(token.encode()).decode()
    except InvalidToken as error:
        raise ImproperlyConfigured(
            "A stored secret cannot be decrypted: VOIPADMIN_SECRET_KEYS, or the file secret-keys "
            "in the data folder, lacks the key it was written with."
        ) from error


@cache
def fernet() -> MultiFernet:
    """Return the keys, newest first; a first key is made when there is none."""
    keys = os.environ.get("VOIPADMIN_SECRET_KEYS", "").split() or _file_keys(
        settings.SECRET_KEYS_FILE
    )
    return MultiFernet([Fernet(key) for key in keys])


def _file_keys(path: Path) -> list[str]:
    """Read the key file, one key a line; make it, readable by its owner only, when missing."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "x", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(Fernet.generate_key().decode() + "\n")
    return path.read_text().split()
