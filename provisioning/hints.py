"""Known causes of failures: from what a command printed to what a person can do about it; pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

TABLE = Path(__file__).with_name("hints.yaml")
AT_MOST = 2


@dataclass(frozen=True, slots=True)
class Cause:
    """Something that is known to go wrong, how it shows, and what to do."""

    key: str
    title: str
    patterns: tuple[re.Pattern[str], ...]
    cause: str
    remedy: str
    source: str
    exit_codes: tuple[int, ...] = ()

    def fits(self, text: str) -> bool:
        """Tell whether a line shows it."""
        return any(pattern.search(text) for pattern in self.patterns)


@cache
def known_causes() -> tuple[Cause, ...]:
    """Read the table."""
    return tuple(_cause(entry) for entry in yaml.safe_load(TABLE.read_text()))


def hints(lines: Sequence[str], *, exit_code: int | None = None) -> list[Cause]:
    """Return the likeliest causes of a failure, the likeliest first, at most two.

    `lines` are what was printed, with the failure's message as the last one. What stands near the
    end counts more; of the causes that fit one line, the one that the table has first.
    """
    found = dict.fromkeys([*_by_text(lines), *_by_exit_code(exit_code)])
    return list(found)[:AT_MOST]


def _by_text(lines: Sequence[str]) -> Iterator[Cause]:
    """Yield the first cause that fits, line by line from the end."""
    for line in reversed(lines):
        yield from (cause for cause in known_causes() if cause.fits(line))


def _by_exit_code(exit_code: int | None) -> Iterator[Cause]:
    """Yield the causes that an exit status speaks for."""
    return (cause for cause in known_causes() if exit_code in cause.exit_codes)


def _cause(entry: dict[str, Any]) -> Cause:
    """Make a cause of a table's entry."""
    patterns = tuple(re.compile(pattern, re.IGNORECASE) for pattern in entry["patterns"])
    codes = tuple(entry.get("exit_codes", ()))
    return Cause(**{**entry, "patterns": patterns, "exit_codes": codes})
