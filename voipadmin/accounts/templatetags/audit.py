"""How the audit shows what a change changed."""

import json
from dataclasses import dataclass
from typing import Any

from django import template
from django.core.serializers.json import DjangoJSONEncoder

from voipadmin.accounts.audit import Entry

register = template.Library()


@dataclass(frozen=True)
class Difference:
    """A field that differs."""

    name: str
    before: str
    after: str


@register.simple_tag
def differences(entry: Entry) -> list[Difference]:
    """Return the fields in which before and after differ."""
    before, after = _fields(entry.before), _fields(entry.after)
    return [
        Difference(name, _text(before.get(name)), _text(after.get(name)))
        for name in dict.fromkeys([*before, *after])
        if before.get(name) != after.get(name)
    ]


def _fields(picture: Any) -> dict[str, Any]:
    """Return a picture's fields; what is no object is one value."""
    if isinstance(picture, dict):
        return picture
    return {} if picture is None else {"value": picture}


def _text(value: Any) -> str:
    """Write a value as a person reads it."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, cls=DjangoJSONEncoder)
