"""An undefined variable in one of our own templates fails the test."""

import sys
from pathlib import Path

from django.template.base import Node

BASE_DIR = Path(__file__).resolve().parent.parent
OWN = tuple(
    str(BASE_DIR / name) for name in ("templates", "inventory", "provisioning", "monitoring")
)


class UndefinedVariable(AssertionError):
    """A template uses a variable that its view does not give it."""


class FailOnUse(str):
    """Django's `string_if_invalid`; packages' templates keep getting the empty string."""

    __slots__ = ()

    def __mod__(self, variable: object) -> str:
        """Stand in for an undefined variable."""
        origin = _template_of_the_node_being_rendered()
        if origin.startswith(OWN):
            raise UndefinedVariable(f"{variable} in {origin}")
        return ""


def _template_of_the_node_being_rendered() -> str:
    frame = sys._getframe(2)
    while frame.f_back is not None:
        node = frame.f_locals.get("self")
        if isinstance(node, Node) and getattr(node, "origin", None):
            return str(node.origin.name)
        frame = frame.f_back
    return ""
