"""What is wrong with a file, all of it at once."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import Any

SHOWN = 16


@dataclass(frozen=True, order=True)
class Fault:
    """One fault: the row (of a table) or line (of YAML), 0 for the file as a whole; the column."""

    row: int
    column: str
    message: str

    def __str__(self) -> str:
        """Say where and what."""
        place = f"line {self.row}" if self.row else ""
        words = ", ".join(word for word in (place, self.column) if word)
        return f"{words}: {self.message}" if words else self.message

    def as_json(self) -> dict[str, Any]:
        """Return what the API shows."""
        return asdict(self)


class Faulty(Exception):
    """A file that cannot be taken in; carries every fault, in the file's order."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        """Keep the faults, each once."""
        self.faults = tuple(sorted(set(faults)))
        super().__init__("\n".join(str(fault) for fault in self.faults))


def suggestion(name: str, known: Iterable[str]) -> str:
    """Name what is probably meant, as a sentence to append; else name all that is known."""
    names = sorted(known)
    if near := get_close_matches(name, names, n=1, cutoff=0.6):
        return f" Did you mean {near[0]}?"
    if not names:
        return " There is none."
    shown = ", ".join(names[:SHOWN])
    return f" There is {shown}{' and more' if len(names) > SHOWN else ''}."
