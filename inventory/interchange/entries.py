"""What all sections of a file share when they are compared; pure."""

from collections.abc import Iterable, Iterator
from typing import Any

from inventory.interchange.faults import Fault
from inventory.interchange.records import Entry, R


def twice(entries: Iterable[Entry[Any]], *columns: str) -> Iterator[Fault]:
    """Yield a fault for each entry that an earlier one has the name of."""
    first: dict[tuple[str, ...], int] = {}
    for entry in entries:
        key = tuple(getattr(entry.record, column) for column in columns)
        if not all(key):
            continue
        if key in first:
            yield entry.fault(columns[-1], f"{' '.join(key)} is in line {first[key]} already.")
        first.setdefault(key, entry.row)


def missing(entry: Entry[R], kind: str) -> Iterator[Fault]:
    """Yield a fault for each field that something new needs."""
    for column in entry.record.required:
        given = column in entry.given and getattr(entry.record, column) not in ("", None, ())
        if not given and column not in entry.faulty:
            yield entry.fault(column, f"Fill this in: a new {kind} needs it.")


def named(entries: Iterable[Entry[Any]] | None) -> set[str]:
    """Return the names that a section mentions."""
    return {entry.record.name for entry in entries or ()} - {""}


def differing(before: Any, after: Any, words: dict[str, Any], fields: Iterable[str]) -> list[str]:
    """Say in words which fields differ, such as `vcpus: 4 → 8`."""
    found = []
    for name in fields:
        was, now = getattr(before, name), getattr(after, name)
        if was != now:
            say = words.get(name, _plain)
            found.append(f"{name}: {say(was)} → {say(now)}")
    return found


def _plain(value: Any) -> str:
    """Show a value."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value in ("", None) else str(value)
