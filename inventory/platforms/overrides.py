"""An operator's own facts laid over a vendor's, as pure data."""

import copy
from collections.abc import Sequence
from typing import Any, NamedTuple

from inventory.platforms.consistency import IDENTITY
from inventory.platforms.errors import FileFault, PlatformError


class Override(NamedTuple):
    """One local fact: where it goes, what it is and why it differs from the vendor's."""

    path: str
    value: Any
    reason: str


def merge(content: dict[str, Any], overrides: Sequence[Override]) -> dict[str, Any]:
    """Return content with the overrides laid over it, later ones last; the content stays as it is.

    A path is dotted, items of lists go by their key: `roles.sql-slave.counts.maximum`. An item
    that is not there yet is added, `None` takes an item out. The block that a value belongs to
    cites the reason as a source of its own. Raises PlatformError for a path that leads nowhere.
    """
    merged = copy.deepcopy(content)
    for override in overrides:
        _lay(merged, override)
    return merged


def _lay(merged: dict[str, Any], override: Override) -> None:
    """Lay one override over the content, in place."""
    here: Any = merged
    block: dict[str, Any] | None = None
    name, rest = "", override.path
    while True:
        if isinstance(here, dict) and "source" in here:
            block = here
        step, rest = _next_step(here, name, rest)
        if not rest:
            break
        here, name = _enter(here, name, step, override), step
    _put(here, name, step, override)
    if block is not None:
        block.setdefault("also", []).append({"document": "local", "text": override.reason})


def _next_step(here: object, name: str, path: str) -> tuple[str, str]:
    """Split the next step off a path; a key with dots, such as release 5.7, is one step."""
    if isinstance(here, list):
        keys = sorted((str(item.get(IDENTITY.get(name, "key"))) for item in here), key=len)
        for key in reversed(keys):
            if path == key or path.startswith(f"{key}."):
                return key, path[len(key) + 1 :]
    step, _, rest = path.partition(".")
    return step, rest


def _enter(here: object, name: str, step: str, override: Override) -> object:
    """Return what lies one step further in."""
    inner: object = None
    if isinstance(here, dict):
        inner = here.get(step)
    elif isinstance(here, list):
        inner = next((item for item in here if _is(item, name, step)), None)
    if not isinstance(inner, dict | list):
        raise PlatformError([FileFault("override", 0, override.path, f"{step} leads nowhere")])
    return inner


def _put(here: Any, name: str, step: str, override: Override) -> None:
    """Put the value where the path ends."""
    value = copy.deepcopy(override.value)
    if isinstance(here, dict):
        here[step] = value
        return
    field = IDENTITY.get(name)
    if field is None:
        fault = FileFault("override", 0, override.path, f"{name} is replaced as a whole only")
        raise PlatformError([fault])
    at = next((index for index, item in enumerate(here) if _is(item, name, step)), len(here))
    here[at : at + 1] = [] if value is None else [_named(value, field, step)]


def _named(value: object, field: str, step: str) -> object:
    """Return an item with the key that its path gives it."""
    return {field: step, **value} if isinstance(value, dict) else value


def _is(item: object, name: str, step: str) -> bool:
    """Tell whether an item of the list `name` goes by this key."""
    return isinstance(item, dict) and str(item.get(IDENTITY.get(name, ""))) == step
