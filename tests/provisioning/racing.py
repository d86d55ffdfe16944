"""Drivers that fight for one run, each a process with a connection of its own.

Every write goes through the lease, as the engine's do, and appends a line to the run's one attempt:
the row lock of the lease orders them, so the lines tell who wrote when.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterable
from multiprocessing.synchronize import Barrier
from typing import Any
from uuid import UUID

from django.db import connections

from provisioning.engine.lease import LeaseLostError, claim, holding, release
from provisioning.models import Attempt, Line, Run
from provisioning.sweep import sweep

CONTEXT = multiprocessing.get_context("fork")


def race(
    racer: Callable[..., Any], *arguments: object, racers: int, within_s: float = 120
) -> list[Any]:
    """Let processes do the same at once, from a common start; return what each answers."""
    connections.close_all()  # A connection must not be shared.
    barrier, answers = CONTEXT.Barrier(racers), CONTEXT.Queue()
    processes = [
        CONTEXT.Process(target=_run, args=(barrier, answers, racer, arguments))
        for _ in range(racers)
    ]
    for process in processes:
        process.start()
    said = [answers.get(timeout=within_s) for _ in processes]
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * racers
    return said


def _run(
    barrier: Barrier, answers: Any, racer: Callable[..., Any], arguments: Iterable[object]
) -> None:
    """Connect, wait for the others, race."""
    connections["default"].ensure_connection()
    barrier.wait()
    answers.put(racer(*arguments))
    connections.close_all()


def take_turns(run: UUID, attempt: UUID, epochs: int) -> int:
    """Claim with a lease that holds, come and go, release; until the epochs are used up."""
    claimed = 0
    while _epoch(run) < epochs:
        if mine := claim(run, lease_s=600):
            claimed += 1
            for word in ("comes", "goes"):
                _write(mine, attempt, word, lease_s=600)
            assert release(mine)
    return claimed


def rob(run: UUID, attempt: UUID, epochs: int) -> dict[str, int]:
    """Claim with a lease that is over at once, so that anybody takes the run at any moment."""
    claimed = refused = 0
    while _epoch(run) < epochs:
        mine = claim(run, lease_s=-1)
        claimed += mine is not None
        try:
            for _ in range(5 if mine else 0):
                _write(mine, attempt, "writes", lease_s=-1)
        except LeaseLostError:
            refused += 1
    return {"claimed": claimed, "refused": refused}


def claim_all(*runs: UUID) -> list[UUID]:
    """Claim each of these runs; return those that this process got."""
    return [run for run in runs if claim(run, lease_s=600)]


def look_once() -> int:
    """Sweep; return for how many runs this process rang."""
    return sweep()


def _epoch(run: UUID) -> int:
    """Return how many drivers the run has had."""
    return int(Run.objects.values_list("epoch", flat=True).get(pk=run))


def _write(mine: Run | None, attempt: UUID, word: str, *, lease_s: float) -> None:
    """Append who writes, as the engine writes: only while the run is still ours."""
    assert mine
    with holding(mine, lease_s=lease_s):
        row = Attempt.objects.get(pk=attempt)
        text = f"{mine.epoch} {os.getpid()} {word}"
        Line.objects.create(attempt=row, sequence=row.next_sequence, text=text)
        row.next_sequence += 1
        row.save(update_fields=["next_sequence"])
