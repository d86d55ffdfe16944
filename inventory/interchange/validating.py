"""Turns an entry's plain data into a record, with every fault of it; pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from inventory.interchange.faults import Fault, suggestion
from inventory.interchange.records import Entry, R

WORDS = {"missing": "Fill this in.", "model_type": "Write fields with values here."}


def validated(
    kind: type[R],
    data: Mapping[str, Any],
    *,
    row: int,
    path: str = "",
    lines: Mapping[str, int] | None = None,
) -> tuple[Entry[R], tuple[Fault, ...]]:
    """Return the entry and what is wrong with it; fields that are wrong are left out of it."""
    lines = lines or {}
    faults: list[Fault] = []
    good = dict(data)
    try:
        record = kind.model_validate(good)
    except ValidationError as error:
        for column, at, message in _explained(kind, error):
            good.pop(column, None)
            place = ".".join(part for part in (path, at) if part)
            faults.append(Fault(lines.get(column, row), place, message))
        record = kind.model_validate(good)
    known = set(kind.model_fields)
    entry = Entry(
        record,
        row,
        given=frozenset(known & set(data)),
        faulty=frozenset(known & (set(data) - set(good))),
        path=path,
        lines=lines,
    )
    return entry, tuple(faults)


def _explained(kind: type[R], error: ValidationError) -> Iterator[tuple[str, str, str]]:
    """Yield field, place below it and sentence for every fault."""
    for entry in error.errors(include_url=False):
        field, *below = (str(part) for part in entry["loc"])
        if entry["type"] == "extra_forbidden":
            known = kind.model_fields if not below else ()
            hint = suggestion(below[-1] if below else field, known) if known else ""
            yield (
                field,
                field,
                f"There is no such field{' as ' + below[-1] if below else ''}.{hint}",
            )
            continue
        message = WORDS.get(entry["type"]) or _own_words(entry)
        where = "".join(f" {int(b) + 1}" if b.isdigit() else f", {b}" for b in below)
        yield field, field, f"{'entry' + where + ': ' if where else ''}{message}"


def _own_words(entry: Any) -> str:
    """Return the sentence of our own validators, or pydantic's."""
    cause = entry.get("ctx", {}).get("error")
    return str(cause) if cause else f"{entry['msg']}."
