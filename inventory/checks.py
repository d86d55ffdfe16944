"""System checks of the inventory: every stored secret can be read with the keys at hand."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS

from inventory.models import Certificate, Credential, Secret


@register(Tags.database)
def secrets_decrypt(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Name every secret that no key opens; asks the database only under `check --database`."""
    if DEFAULT_DB_ALIAS not in (databases or ()):
        return []
    rows = [
        ("login", Credential, "name", "secret"),
        ("secret", Secret, "key", "value"),
        ("certificate of", Certificate, "name", "key"),
    ]
    return [
        Error(
            f"The {kind} {name} cannot be decrypted.",
            hint="Give VOIPADMIN_SECRET_KEYS, or the file secret-keys in the data folder, "
            "the key it was written with.",
            id="inventory.E001",
        )
        for kind, model, label, column in rows
        for pk, name in model.objects.values_list("pk", label).order_by("pk")  # type: ignore[attr-defined]
        if not _opens(model, pk, column)
    ]


def _opens(model: Any, pk: int, column: str) -> bool:
    """Tell whether a column can be read."""
    try:
        model.objects.values_list(column, flat=True).get(pk=pk)
    except ImproperlyConfigured:
        return False
    return True
