"""Threads that visit hosts: few, started when needed, never in the way of ending."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime
from queue import Empty, SimpleQueue

from monitoring.visits import Outcome, Visit, Visitor

log = logging.getLogger(__name__)


class Pool:
    """At most `limit` daemon threads; a hanging host holds one of them, never the process."""

    def __init__(self, name: str, limit: int, results: SimpleQueue[Result]) -> None:
        self._name, self._limit, self._results = name, limit, results
        self._work: SimpleQueue[Visitor | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._busy = 0

    def submit(self, visitor: Visitor) -> None:
        """Have a host visited."""
        self._busy += 1
        if self._busy > len(self._threads) < self._limit:
            name = f"{self._name}-{len(self._threads)}"
            thread = threading.Thread(target=self._run, name=name, daemon=True)
            self._threads.append(thread)
            thread.start()
        self._work.put(visitor)

    def done(self) -> None:
        """Note that the owner has taken a result of this pool."""
        self._busy -= 1

    def close(self) -> None:
        """Let idle threads end; hosts not begun stay unvisited."""
        while True:
            try:
                self._work.get_nowait()
            except Empty:
                break
        for _ in self._threads:
            self._work.put(None)

    def _run(self) -> None:
        """Visit what comes until told to end."""
        while visitor := self._work.get():
            try:
                visit = visitor.visit()
            except Exception as error:
                log.exception("Visiting %s failed", visitor.plan.name)
                text = f"Fault in the collector: {type(error).__name__}: {error}"
                visit = Visit(visitor.plan.container_id, datetime.now(UTC), Outcome.BROKEN, text)
            self._results.put((self, visitor, visit))


Result = tuple[Pool, Visitor, Visit]
