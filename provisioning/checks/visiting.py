"""Brings the questions to the machines over SSH: one connection and shell each, for a while.

No ORM here: visits are made in threads.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from inventory.ssh import Connection, Shell, SSHError, Target
from provisioning.checks.cleanliness import TRACES
from provisioning.checks.disks import PLACES
from provisioning.checks.reading import Incomplete, Machine, read_machine
from provisioning.checks.wires import Heard, Wire

HERE = Path(__file__).parent
LOOK = (HERE / "look.sh").read_text()
WIRES = (HERE / "wires.pl").read_text()
CONNECT_S, LOOK_S, CALL_S = 10, 120, 20
# How long a wire may keep silent, and how long ports are held at most: a lost portal holds none.
WIRE_S, HOLD_S = 3, 90
# A process has a thousand descriptors, as a rule.
AT_ONCE = 200
Held = tuple[str, str, int]
HAS_PERL = "command -v perl >/dev/null || { echo there is no perl; exit 3; }"
# Waits until they are gone, for what is asked next shall find nothing of us.
LET_GO = """for holder in {}; do
    kill $holder 2>/dev/null
    for n in 1 2 3 4 5 6 7 8 9 10; do kill -0 $holder 2>/dev/null || break; sleep 0.1; done
done"""


@dataclass(frozen=True)
class Question:
    """What a machine is asked for besides itself."""

    names: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()


@dataclass
class Visit:
    """A machine that we are logged in to; closed in every case, and what it holds with it."""

    target: Target
    connection: Connection
    shell: Shell
    holders: list[str] = field(default_factory=list)

    @classmethod
    def open(cls, target: Target) -> Visit:
        """Log in; raises SSHError."""
        connection = Connection.connect(target, connect_timeout_s=CONNECT_S)
        try:
            return cls(target, connection, connection.shell(timeout_s=CALL_S))
        except SSHError:
            connection.close()
            raise

    def look(self, question: Question) -> Machine:
        """Look around; raises SSHError and Incomplete."""
        offset, doubt = self._clock()
        script = "\n".join(
            (
                f"NAMES={shlex.quote(' '.join(question.names))}",
                f"URLS={shlex.quote(' '.join(question.urls))}",
                f"PLACES={shlex.quote(' '.join(sorted(set(PLACES.values()))))}",
                f"TRACES={shlex.quote(' '.join(TRACES))}",
                LOOK,
            )
        )
        text = self.shell.call(script, timeout_s=LOOK_S).text
        return read_machine(text, clock_offset_s=offset, clock_doubt_s=doubt)

    def hold(self, wanted: Iterable[Held]) -> dict[Held, tuple[str, str]]:
        """Listen on ports for a while; returns how each could be held. Raises SSHError."""
        keys = list(wanted)
        lines = [f"{n}\t{p}\t{ip}\t{number}" for n, (p, ip, number) in enumerate(keys)]
        found: dict[Held, tuple[str, str]] = {}
        for begin in range(0, len(lines), AT_ONCE):
            # The shell's own number: who holds ports ends when it ends, and so does a lost portal.
            said = self._perl(f"listen {HOLD_S} $$", lines[begin : begin + AT_ONCE])
            for word, rest in said:
                if word == "held":
                    self.holders.append(rest[0])
                elif rest and rest[0].isdigit():
                    found[keys[int(rest[0])]] = (word, " ".join(rest[1:]))
        return found

    def probe(self, wires: Sequence[Wire]) -> dict[Wire, tuple[str, str]]:
        """Try connections; returns how each was. Raises SSHError."""
        lines = [
            f"{n}\t{w.protocol}\t{w.source_ip}\t{w.target_ip}\t{w.number}\t{WIRE_S}\t{w.payload}"
            for n, w in enumerate(wires)
        ]
        found: dict[Wire, tuple[str, str]] = {}
        for begin in range(0, len(lines), AT_ONCE):
            for word, rest in self._perl("probe", lines[begin : begin + AT_ONCE]):
                if rest and rest[0].isdigit():
                    found[wires[int(rest[0])]] = (word, " ".join(rest[1:]))
        return found

    def close(self) -> None:
        """Let go of what is held, and leave; the holders end with the shell if this fails."""
        try:
            if self.holders:
                ended = LET_GO.format(" ".join(self.holders))
                self.shell.call(ended, timeout_s=CALL_S)
        except SSHError:
            return  # The connection is gone, and with it the shell that they watch.
        finally:
            self.shell.close()
            self.connection.close()

    def _clock(self) -> tuple[float, float]:
        """Compare the clocks: how far ahead the machine's is, and how sure that is, in seconds."""
        return min((self._compared() for _ in range(3)), key=lambda pair: pair[1])

    def _compared(self) -> tuple[float, float]:
        """Compare the clocks once: the answer was made somewhere on its way."""
        began, at = time.monotonic(), time.time()
        said = self.shell.call("date +%s.%N", timeout_s=CALL_S).text.strip()
        doubt = (time.monotonic() - began) / 2
        try:
            return float(said.removesuffix(".%N").removesuffix(".N")) - (at + doubt), doubt
        except ValueError as error:
            raise SSHError(f"{self.target.name} does not tell the time: {said[:200]}") from error

    def _perl(self, arguments: str, lines: Sequence[str]) -> list[tuple[str, list[str]]]:
        """Run our probes with lines on their standard input; raises SSHError."""
        if not lines:
            return []
        command = f"{HAS_PERL}; perl -e {shlex.quote(WIRES)} -- {arguments}"
        stdin = ("\n".join(lines) + "\n").encode()
        text = self.shell.call(command, stdin=stdin, timeout_s=CALL_S + WIRE_S)
        if text.exit_code != 0:
            why = text.text.strip()[-300:]
            raise SSHError(f"{self.target.name} cannot try connections: {why}.")
        return [(w, rest) for w, *rest in (line.split("\t") for line in text.text.splitlines())]


__all__ = ["Heard", "Held", "Incomplete", "Question", "Visit"]
