"""From chunks of output to numbered lines, and to the place where reading goes on."""

from dataclasses import dataclass

from provisioning.engine.masking import Masker

# A line without an end would never be stored.
LONGEST = 16_384


@dataclass
class LineReader:
    """Cuts the output of one attempt into lines.

    `offset` is where the first line begins that has not been handed out: a new reader that starts
    there, with the same sequence, hands out each line once.
    """

    masker: Masker
    offset: int = 0
    sequence: int = 0
    _rest: bytes = b""

    @property
    def read_to(self) -> int:
        """Return the byte that is wanted next."""
        return self.offset + len(self._rest)

    @property
    def partial(self) -> str:
        """Return the begin of the line that has not ended."""
        return self.masker.mask_begin(_text(self._rest))

    def feed(self, at: int, data: bytes) -> list[tuple[int, str]]:
        """Take output that begins at a byte offset; return complete lines with their numbers."""
        if at != self.read_to:
            raise ValueError(f"output of byte {at} came where {self.read_to} was wanted")
        buffer, at = self._rest + data, 0
        lines = []
        while (end := self._end(buffer, at)) is not None:
            lines.append(self._line(buffer[at:end]))
            at = end
        self._rest = buffer[at:]
        return lines

    def finish(self) -> list[tuple[int, str]]:
        """Return the last line when it has no end."""
        rest, self._rest = self._rest, b""
        return [self._line(rest)] if rest else []

    def _end(self, buffer: bytes, at: int) -> int | None:
        """Find where the line ends that begins there, None when more is wanted."""
        newline = buffer.find(b"\n", at, at + 2 * LONGEST)
        if newline >= 0:
            return newline + 1
        if len(buffer) - at < 2 * LONGEST:
            return None
        return self.masker.safe_cut(buffer, at + LONGEST)

    def _line(self, data: bytes) -> tuple[int, str]:
        """Number and mask one line."""
        self.offset += len(data)
        self.sequence += 1
        return self.sequence - 1, self.masker.mask(_text(data.rstrip(b"\r\n")))


def _text(data: bytes) -> str:
    """Decode for the database, which takes no NUL."""
    return data.decode(errors="replace").replace("\x00", "�")
