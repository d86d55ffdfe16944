"""One connection to a bastion, however many machines are reached through it.

A process holds at most one connection per bastion and login. Whoever comes first connects, the
others wait for that one; whoever leaves last closes it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from inventory.ssh.terms import Target

if TYPE_CHECKING:
    from inventory.ssh.connection import Connection


@dataclass
class Pass:
    """A share in a bastion's connection; closed once by each who holds one."""

    bastion: Target
    connecting: Future[Connection] = field(default_factory=Future)
    users: int = 0

    @property
    def connection(self) -> Connection:
        """Return the connection; raises SSHError, the same for all who waited for it."""
        return self.connecting.result()

    @property
    def is_broken(self) -> bool:
        """Tell whether it stood and is gone: who comes now needs another one."""
        done = self.connecting.done()
        return done and (
            self.connecting.exception() is not None or not self.connecting.result().alive
        )


_passes: dict[Target, Pass] = {}
_lock = threading.Lock()


def enter(bastion: Target, connect: Callable[[Target], Connection]) -> Pass:
    """Take a share in a bastion's connection, connecting where nobody else has; raises SSHError."""
    with _lock:
        shared = _passes.get(bastion)
        is_first = shared is None or shared.is_broken
        if shared is None or is_first:
            shared = _passes[bastion] = Pass(bastion)
        shared.users += 1
    if is_first:
        _connect(shared, connect)
    try:
        shared.connection  # noqa: B018 - waits, and raises what came of it
    except BaseException:
        leave(shared)
        raise
    return shared


def leave(shared: Pass) -> None:
    """Give a share back; the last one closes the connection."""
    with _lock:
        shared.users -= 1
        is_last = shared.users == 0
        if is_last and _passes.get(shared.bastion) is shared:
            del _passes[shared.bastion]
    if is_last and shared.connecting.exception() is None:
        shared.connection.close()


def _connect(shared: Pass, connect: Callable[[Target], Connection]) -> None:
    """Connect for all who wait."""
    try:
        shared.connecting.set_result(connect(shared.bastion))
    except BaseException as error:  # noqa: BLE001 - raised in every waiting thread
        shared.connecting.set_exception(error)
