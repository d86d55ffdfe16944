"""Leads a preflight: visits machines side by side, holds ports, tries wires, cleans up; no ORM."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

from inventory.ssh import SSHError, Target
from inventory.topology import Topology
from provisioning.checks import outside, wires
from provisioning.checks.sight import Sight
from provisioning.checks.visiting import Held, Incomplete, Question, Visit
from provisioning.checks.wires import PORTAL, Heard, Wire

THREADS = 16
BEAT_S = 1.0
# Checks that look at connections between machines.
WIRED = frozenset({"private-network", "ports", "too-open-ports"})
# Those that compare machines with each other.
COMPARING = frozenset({"clock"})
Beat = Callable[[str], None]
Key = TypeVar("Key")
Value = TypeVar("Value")


@dataclass(frozen=True)
class Errand:
    """What to look at: `targets` says how to log in, `errors` why one cannot; empty scope: all."""

    topology: Topology
    targets: Mapping[str, Target]
    errors: Mapping[str, str]
    checks: frozenset[str] = frozenset()
    containers: frozenset[str] = frozenset()
    components: Mapping[str, frozenset[str]] = field(default_factory=dict)
    repositories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def wires(self) -> list[Wire]:
        """Return the connections to try."""
        asked = self.checks & WIRED if self.checks else WIRED
        found: list[Wire] = []
        found += wires.pings(self.topology) if "private-network" in asked else ()
        found += wires.needed(self.topology) if "ports" in asked else ()
        found += wires.unwanted(self.topology) if "too-open-ports" in asked else ()
        return [wire for wire in found if self._concerns(wire)]

    @property
    def visited(self) -> set[str]:
        """Return the machines that have to be logged in to."""
        if not self.containers or (not self.checks or self.checks & COMPARING):
            return set(self.topology.containers)
        ends = {name for wire in self.wires for name in (wire.source, wire.target)}
        return set(self.containers) | ends - {PORTAL}

    def _concerns(self, wire: Wire) -> bool:
        """Tell whether a wire says something of a machine that is asked about."""
        end = wire.source if wire.check == "private-network" else wire.target
        return not self.containers or end in self.containers


def conduct(errand: Errand, beat: Beat) -> Sight:
    """Carry an errand out; `beat` is told what is done, and may raise to have it ended.

    Machines that cannot be visited are among the sight's errors; what is held on the others is let
    go of in every case.
    """
    sight = Sight(errand.topology, components=errand.components, repositories=errand.repositories)
    with _pool() as pool, _visits(pool, errand, beat) as (visits, errors):
        questions = {name: _question(errand, name) for name in visits}
        looks = _all(
            pool,
            {name: partial(visit.look, questions[name]) for name, visit in visits.items()},
            lambda done: beat(f"Looking around: {done} of {len(visits)} machines"),
        )
        machines = {}
        for name, look in looks.items():
            if error := _failure(look):
                errors[name] = error
            else:
                machines[name] = look.result()
        there = {name: visits[name] for name in machines}
        sight = replace(sight, machines=machines, errors=errors)
        return replace(sight, heard=_hear(pool, errand, sight, there, beat))


def _question(errand: Errand, name: str) -> Question:
    """Say what a machine is asked for: the names of all others, the repositories of its roles."""
    topology = errand.topology
    names = [n for n in sorted(topology.containers) if n != name]
    named = [topology.address(n, "private") for n in names]
    more = [address.name for address in named if address and address.name]
    return Question((*names, *more), errand.repositories.get(name, ()))


def _hear(
    pool: ThreadPoolExecutor, errand: Errand, sight: Sight, visits: dict[str, Visit], beat: Beat
) -> dict[Wire, Heard]:
    """Hold ports on the targets, try them from the sources; returns how every wire was."""
    tried = errand.wires
    held: defaultdict[str, set[Held]] = defaultdict(set)
    for wire in tried:
        if wire.protocol != "icmp" and wire.target in visits:
            held[wire.target].add(wire.held)
    holding = _all(
        pool,
        {name: partial(visits[name].hold, sorted(held[name])) for name in held},
        lambda done: beat(f"Holding ports open for a moment: {done} of {len(held)} machines"),
    )
    asking: defaultdict[str, list[Wire]] = defaultdict(list)
    for wire in [*tried, *_services(errand, sight)]:
        asking[wire.source].append(wire)
    jobs = {name: partial(visits[name].probe, asking[name]) for name in asking if name in visits}
    if PORTAL in asking:
        jobs[PORTAL] = partial(outside.probe, asking[PORTAL])
    probing = _all(
        pool, jobs, lambda done: beat(f"Trying connections: from {done} of {len(jobs)} machines")
    )
    every = (wire for source in asking for wire in asking[source])
    return {wire: _heard(wire, sight, holding, probing) for wire in every}


def _services(errand: Errand, sight: Sight) -> Iterator[Wire]:
    """Yield what machines ask of name servers and time servers."""
    if errand.checks and "ports" not in errand.checks:
        return
    for name in errand.containers or sight.machines:
        if machine := sight.machines.get(name):
            elsewhere = [s for s in machine.nameservers if not s.startswith(("127.", "::1"))]
            yield from wires.services(errand.topology, name, elsewhere, "names")
            yield from wires.services(errand.topology, name, machine.timeservers, "time")


def _heard(
    wire: Wire,
    sight: Sight,
    holding: Mapping[str, Future[dict[Held, tuple[str, str]]]],
    probing: Mapping[str, Future[dict[Wire, tuple[str, str]]]],
) -> Heard:
    """Put together how a wire was at both its ends."""
    at_target, why_at_target = "", ""
    if wire.target in holding:
        error = _failure(holding[wire.target])
        found = {} if error else holding[wire.target].result()
        at_target, why_at_target = ("unbound", error) if error else found.get(wire.held, ("", ""))
    elif wire.protocol != "icmp" and wire.target != wire.source:
        at_target, why_at_target = "unbound", sight.errors.get(wire.target, "it was not visited")
    if wire.source != PORTAL and wire.source not in probing:
        why = sight.errors.get(wire.source, "it was not visited")
        return Heard("untried", f"{wire.source} was not seen: {why}", at_target, why_at_target)
    if error := _failure(probing[wire.source]):
        return Heard("untried", error, at_target, why_at_target)
    word, why = probing[wire.source].result().get(wire, ("untried", "it did not say"))
    if at_target == "unbound" and word != "open":
        # Nobody listened there: that nothing answers says nothing of what is in between.
        return Heard("untried", f"{wire.target}: {why_at_target}", at_target, why_at_target)
    return Heard(word, why, at_target, why_at_target)


@contextmanager
def _pool() -> Iterator[ThreadPoolExecutor]:
    """Lend threads; who leaves early does not wait for what has not begun."""
    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="preflight")
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _visits(
    pool: ThreadPoolExecutor, errand: Errand, beat: Beat
) -> Iterator[tuple[dict[str, Visit], dict[str, str]]]:
    """Log in everywhere, and leave everywhere; yields the visits and why others failed."""
    wanted = {n: t for n, t in errand.targets.items() if n in errand.visited}
    errors = {name: why for name, why in errand.errors.items() if name in errand.visited}
    opened: dict[str, Future[Visit]] = {}
    try:
        opened = _submit(
            pool, {name: partial(Visit.open, target) for name, target in wanted.items()}
        )
        _await(opened, lambda done: beat(f"Logging in: {done} of {len(wanted)} machines"))
        visits = {}
        for name, visit in opened.items():
            if error := _failure(visit):
                errors[name] = error
            else:
                visits[name] = visit.result()
        yield visits, errors
    finally:
        for visit in opened.values():
            visit.cancel()
        leaving = [
            pool.submit(visit.result().close)
            for visit in opened.values()
            if not visit.cancelled() and visit.exception() is None
        ]
        wait(leaving)


def _all(
    pool: ThreadPoolExecutor,
    jobs: Mapping[Key, Callable[[], Value]],
    beat: Callable[[int], None],
) -> dict[Key, Future[Value]]:
    """Do jobs side by side; returns them ended, well or not."""
    futures = _submit(pool, jobs)
    _await(futures, beat)
    return futures


def _submit(
    pool: ThreadPoolExecutor, jobs: Mapping[Key, Callable[[], Value]]
) -> dict[Key, Future[Value]]:
    """Hand jobs to the pool."""
    return {key: pool.submit(job) for key, job in jobs.items()}


def _await(futures: Mapping[Key, Future[Value]], beat: Callable[[int], None]) -> None:
    """Wait for all, beating meanwhile."""
    pending = set(futures.values())
    while pending:
        beat(len(futures) - len(pending))
        _, pending = wait(pending, timeout=BEAT_S)


def _failure(future: Future[Value]) -> str:
    """Say what went wrong of what may; a bug surfaces."""
    try:
        future.result()
    except (SSHError, Incomplete) as error:
        return str(error)
    return ""
