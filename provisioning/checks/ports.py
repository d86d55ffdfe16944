"""Judges the ports of the matrix: open from where they are needed, shut from outside; pure."""

from collections.abc import Iterator, Sequence

from inventory.firewall import ports_of
from inventory.platforms.schema import Port
from provisioning.checks.registry import judges
from provisioning.checks.sight import Answer, Subject
from provisioning.checks.wires import LOGIN, OUTSIDE, Heard, Wire, sources

SHOWN = 4
Tried = Sequence[tuple[Wire, Heard]]
# How a wire is said to be when nothing comes through.
WORDS = {
    "refused": "refused",
    "silent": "filtered: nothing comes back",
    "unreachable": "unreachable",
    "unresolved": "not to be found by name",
}


@judges("ports")
def ports(subject: Subject) -> Iterator[Answer]:
    """Judge each port of the matrix that leads to the machine, and what it asks of others."""
    sight = subject.sight
    own = list(ports_of(sight.topology, subject.name))
    for port in own:
        tried = _tried(subject, "ports", port)
        if tried:
            yield from _opened(subject, port, tried)
        else:
            yield _nobody(subject, port)
    for port in sight.topology.platform.ports:
        if not OUTSIDE.isdisjoint(port.to):
            yield _service(subject, port, _tried(subject, "ports", port))
        elif LOGIN & set(port.from_) and port not in own:
            yield subject.not_applicable(
                f"The port of {port.purpose} is the one that this answer came through.",
                about=_title(port),
                source=port.source,
            )


@judges("too-open-ports")
def too_open_ports(subject: Subject) -> Iterator[Answer]:
    """Judge internal ports as they are from outside (R151)."""
    if subject.sight.topology.address(subject.name, "public") is None:
        yield subject.not_applicable(f"{subject.name} has no public address.")
        return
    found = False
    for port in ports_of(subject.sight.topology, subject.name):
        if tried := _tried(subject, "too-open-ports", port):
            found = True
            yield _shut(subject, port, tried)
    if not found:
        yield subject.not_applicable(f"{subject.name} has no port that is internal alone.")


def _tried(subject: Subject, check: str, port: Port) -> Tried:
    """Return what was tried of a port of this machine."""
    return [
        (wire, heard)
        for wire, heard in subject.sight.heard.items()
        if (wire.check, wire.target, wire.key) == (check, subject.name, port.key)
    ]


def _nobody(subject: Subject, port: Port) -> Answer:
    """Say why nothing was tried."""
    topology = subject.sight.topology
    more = {"about": _title(port), "source": port.source}
    if topology.address(subject.name, port.network) is None:
        return subject.not_applicable(
            f"{subject.name} has no {port.network} address to be reached at.", **more
        )
    if sources(topology, port, subject.name):
        return subject.unknown("It was not tried.", "Ask again for all machines at once.", **more)
    return subject.not_applicable("No machine of the cluster needs it yet.", **more)


def _opened(subject: Subject, port: Port, tried: Tried) -> Iterator[Answer]:
    """Judge a port that has to be open: in use, shut for some, or open for all."""
    more = {"about": _title(port), "measured": _measured(tried), "source": port.source}
    if answer := _occupied(subject, port, tried, more):
        yield answer
        return
    shut = [(wire, heard) for wire, heard in tried if heard.word in WORDS]
    unclear = [(wire, heard) for wire, heard in tried if heard.word not in {*WORDS, "open"}]
    if shut:
        yield subject.failed(
            f"{port.purpose} of {subject.name} is not open to all who need it: {_said(shut)}.",
            "Look at the firewalls of the machine and in between: nothing but them stood in the "
            "way, for the port was listened on.",
            **more,
        )
    elif unclear:
        wire, heard = unclear[0]
        yield subject.unknown(
            f"{port.purpose} could not be tried from {_who(wire)}: "
            f"{heard.why or heard.why_at_target or heard.word}.",
            "Mend this and ask again.",
            **more,
        )
    else:
        yield subject.passed(f"{port.purpose} of {subject.name}: {_said(tried)}.", **more)


def _occupied(subject: Subject, port: Port, tried: Tried, more: dict[str, object]) -> Answer | None:
    """Judge a port that somebody listens on; None for one that we could listen on ourselves."""
    busy = [(wire, heard) for wire, heard in tried if heard.at_target == "busy"]
    if not busy:
        return None
    wire = busy[0][0]
    listener = subject.machine.listener(wire.protocol, wire.number)
    process = listener.process if listener else "a process that is not shown"
    taken = f"{wire.protocol} {wire.number} of {subject.name} is in use by {process}"
    if not subject.sight.is_installed(subject.name):
        return subject.failed(
            f"{taken}, where {port.purpose} shall be.",
            f"Stop {process} and keep it from starting, or take another machine.",
            **more,
        )
    if wire.protocol != "tcp":
        return subject.unknown(
            f"{taken}, which says nothing about datagrams that arrive.",
            "Ask the service itself: monitoring does.",
            **more,
        )
    shut = [(w, h) for w, h in tried if h.word in WORDS]
    if shut:
        return subject.failed(
            f"{taken}, but not reached by all who need it: {_said(shut)}.",
            "Look at the firewalls of the machine and in between.",
            **more,
        )
    return subject.passed(f"{taken}, and reached by all who need it.", **more)


def _service(subject: Subject, port: Port, tried: Tried) -> Answer:
    """Judge what a machine asks of name servers and time servers outside the cluster."""
    more = {"about": _title(port), "source": port.source}
    if not tried:
        return subject.not_applicable(
            f"{subject.name} is set to ask no server for this over the network.", **more
        )
    opened = [(wire, heard) for wire, heard in tried if heard.word == "open"]
    more["measured"] = _measured(tried)
    if opened:
        return subject.passed(f"{port.purpose}: {opened[0][0].target_ip} answers.", **more)
    wire, heard = tried[0]
    return subject.warning(
        f"{port.purpose}: {wire.target_ip} does not answer {subject.name} "
        f"({WORDS.get(heard.word, heard.why or heard.word)}).",
        "Open the way to it, or set the machine to ask another server.",
        **more,
    )


def _shut(subject: Subject, port: Port, tried: Tried) -> Answer:
    """Judge an internal port as seen from outside."""
    wire = tried[0][0]
    more = {"about": _title(port), "measured": _measured(tried), "source": port.source}
    opened = [(w, h) for w, h in tried if h.word == "open"]
    ours = all(h.at_target == "bound" for _, h in opened)
    where = f"{wire.target_ip} from {_who(wire)}"
    if not opened:
        unclear = [h for _, h in tried if h.word not in WORDS]
        if unclear:
            return subject.unknown(
                f"{port.purpose} could not be tried from outside: "
                f"{unclear[0].why or unclear[0].why_at_target or unclear[0].word}.",
                "Mend this and ask again.",
                **more,
            )
        return subject.passed(f"{port.purpose} does not answer at {where}.", **more)
    if ours and not subject.sight.is_installed(subject.name):
        return subject.warning(
            f"{port.purpose} is internal, and nothing would keep {where} out.",
            "Load the firewall that the portal makes, or shut it in front of the machine.",
            fix=subject.sight.fix(subject.name, "firewall"),
            **more,
        )
    return subject.failed(
        f"{port.purpose} is internal, but answers at {where}.",
        "Load the firewall that the portal makes, or shut it in front of the machine.",
        fix=subject.sight.fix(subject.name, "firewall"),
        **more,
    )


def _said(tried: Tried) -> str:
    """Say how it was from each machine, those alike together."""
    found: dict[str, list[str]] = {}
    for wire, heard in tried:
        word = WORDS.get(heard.word, heard.word)
        number = f" ({wire.number})" if len({w.number for w, _ in tried}) > 1 else ""
        found.setdefault(word, []).append(f"{_who(wire)}{number}")
    return "; ".join(
        f"{word} from {', '.join(list(dict.fromkeys(names))[:SHOWN])}"
        f"{' and others' if len(set(names)) > SHOWN else ''}"
        for word, names in found.items()
    )


def _measured(tried: Tried) -> str:
    """Count how wires were."""
    words = [heard.word for _, heard in tried]
    counts = [f"{words.count(word)} {word}" for word in dict.fromkeys(words)]
    numbers = sorted({wire.number for wire, _ in tried} - {0})
    ports = f" ({', '.join(map(str, numbers))})" if len(numbers) > 1 else ""
    return ", ".join(counts) + ports


def _who(wire: Wire) -> str:
    """Name a wire's source."""
    return wire.source or "the portal"


def _title(port: Port) -> str:
    """Write a port as people do, told apart by its key."""
    what = f"{port.protocol} {port.ports}" if port.ports else port.protocol
    return f"{what}, {port.purpose} ({port.key})"
