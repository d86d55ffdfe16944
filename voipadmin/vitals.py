"""What tells whether the portal works: numbers that any app adds, read by /healthz and people.

`settings.VITALS` names the functions; each returns a list of `Vital`. Their names and numbers are
shown to strangers, so they say nothing about clusters.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from django.conf import settings
from django.utils.module_loading import import_string


@dataclass(frozen=True, slots=True)
class Vital:
    """A number with its name; `fault` is one word when it means that the portal does not work."""

    name: str
    value: float | None
    meaning: str
    fault: str = ""

    @property
    def shown(self) -> str:
        """Write the number; none is a hyphen."""
        return "-" if self.value is None else f"{self.value:g}"


def read() -> list[Vital]:
    """Return all vitals; raises DatabaseError where the database does not answer."""
    functions = (cast("Callable[[], list[Vital]]", import_string(name)) for name in settings.VITALS)
    return [vital for function in functions for vital in function()]


def verdict(vitals: list[Vital]) -> str:
    """Say in a word how the portal is: ok, or the first fault."""
    return next((vital.fault for vital in vitals if vital.fault), "ok")
