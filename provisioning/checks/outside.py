"""Connections that the portal's own machine tries, where no other machine is outside; no ORM."""

import contextlib
import errno
import selectors
import socket
import time
from collections.abc import Iterator, Sequence

from provisioning.checks.wires import Wire

WAIT_S = 3.0
ASK = b"voipadmin ask"
WORDS = {
    errno.ECONNREFUSED: "refused",
    errno.EHOSTUNREACH: "unreachable",
    errno.ENETUNREACH: "unreachable",
}


def probe(wires: Sequence[Wire]) -> dict[Wire, tuple[str, str]]:
    """Try TCP and UDP connections side by side; returns how each was, as `wires.pl` says it."""
    found: dict[Wire, tuple[str, str]] = {}
    with selectors.DefaultSelector() as waiting, contextlib.ExitStack() as stack:
        for wire in wires:
            found[wire] = ("silent", "")
            try:
                _begin(wire, waiting, stack)
            except OSError as error:
                found[wire] = _said(error)
        end = time.monotonic() + WAIT_S
        while waiting.get_map() and (left := end - time.monotonic()) > 0:
            for key, _ in waiting.select(min(left, 0.5)):
                found[key.data] = _outcome(key.fileobj)  # type: ignore[arg-type]
                waiting.unregister(key.fileobj)
            for opened in _datagrams(waiting):
                with contextlib.suppress(OSError):  # What it says is read as its answer.
                    opened.send(ASK)
    return found


def _begin(wire: Wire, waiting: selectors.BaseSelector, stack: contextlib.ExitStack) -> None:
    """Start one; raises OSError when it fails at once."""
    family = socket.AF_INET6 if ":" in wire.target_ip else socket.AF_INET
    is_tcp = wire.protocol == "tcp"
    kind = socket.SOCK_STREAM if is_tcp else socket.SOCK_DGRAM
    opened = stack.enter_context(socket.socket(family, kind))
    opened.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        opened.connect((wire.target_ip, wire.number))
    if not is_tcp:
        opened.send(ASK)
    events = selectors.EVENT_WRITE if is_tcp else selectors.EVENT_READ
    waiting.register(opened, events, wire)


def _outcome(opened: socket.socket) -> tuple[str, str]:
    """Read how a connection came out."""
    try:
        if opened.type == socket.SOCK_DGRAM:
            opened.recv(2048)
        elif number := opened.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(number, errno.errorcode.get(number, str(number)))
    except OSError as error:
        return _said(error)
    return ("open", "")


def _said(error: OSError) -> tuple[str, str]:
    """Put an error into a word, and its own words."""
    return (WORDS.get(error.errno or 0, "failed"), str(error))


def _datagrams(waiting: selectors.BaseSelector) -> Iterator[socket.socket]:
    """Yield the sockets that wait for a datagram."""
    for key in list(waiting.get_map().values()):
        if isinstance(key.fileobj, socket.socket) and key.fileobj.type == socket.SOCK_DGRAM:
            yield key.fileobj
