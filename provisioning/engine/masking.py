"""Keeps secrets out of everything that is stored."""

import re
from collections.abc import Iterable

MASK = "•••"
# Shorter values would mask half of every line and protect nothing.
SHORTEST = 4


class Masker:
    """Knows secret values and takes them out of texts."""

    def __init__(self, values: Iterable[str]) -> None:
        parts = {part for value in values for part in _parts(value)}
        # The longest first: a secret may begin with another one.
        self._parts = sorted(parts, key=lambda part: (-len(part), part))
        self._pattern = re.compile("|".join(map(re.escape, self._parts))) if parts else None

    def mask(self, text: str) -> str:
        """Return the text without any secret."""
        return self._pattern.sub(MASK, text) if self._pattern else text

    def mask_begin(self, text: str) -> str:
        """Mask a text that goes on later: a secret's begin at its end is held back, too."""
        masked = self.mask(text)
        longest = max(
            (
                length
                for part in self._parts
                for length in range(min(len(part), len(masked)), 0, -1)
                if masked.endswith(part[:length])
            ),
            default=0,
        )
        return masked[: len(masked) - longest]

    def safe_cut(self, data: bytes, cut: int) -> int:
        """Return where data may be cut, at or before `cut`, without halving a secret."""
        for part in map(str.encode, self._parts):
            at = data.find(part, max(0, cut - len(part) + 1))
            if 0 <= at < cut:
                cut = at
        return cut


def _parts(value: str) -> Iterable[str]:
    """Return what of a value is masked: a key of many lines is printed line by line."""
    return (line for line in value.splitlines() if len(line.strip()) >= SHORTEST)
