"""Judges addresses, reach over the private network, and names; pure."""

from collections.abc import Iterator

from inventory.topology import Topology
from provisioning.checks.registry import judges
from provisioning.checks.sight import Answer, Subject
from provisioning.checks.wires import Heard, Wire


@judges("private-network")
def private_network(subject: Subject) -> Iterator[Answer]:
    """Look for the private address on an interface, and whether all others answer (R152)."""
    address = subject.sight.topology.address(subject.name, "private")
    if address is None:
        yield subject.failed(
            f"{subject.name} has no private address in the inventory.",
            "Give it one: the servers talk over the private network.",
        )
        return
    yield from subject.faults("addresses")
    interface = subject.machine.addresses.get(address.ip)
    if interface is None:
        yield subject.failed(
            f"No interface of {subject.name} has {address.ip}.",
            "Correct the address in the inventory, or configure the interface.",
            measured=_shown(subject),
        )
        return
    wires = [
        (wire, heard)
        for wire, heard in subject.sight.heard.items()
        if wire.check == "private-network" and wire.source == subject.name
    ]
    yield from _reached(subject, wires, f"{address.ip} on {interface}")


@judges("public-address")
def public_address(subject: Subject) -> Iterator[Answer]:
    """Look for the public address on an interface; behind NAT it is elsewhere (R17)."""
    address = subject.sight.topology.address(subject.name, "public")
    if address is None:
        yield subject.not_applicable(f"{subject.name} has no public address.")
    elif interface := subject.machine.addresses.get(address.ip):
        yield subject.passed(f"{interface} of {subject.name} has {address.ip}.")
    elif subject.container.behind_nat:
        yield subject.not_applicable(f"{address.ip} is translated: {subject.name} is behind NAT.")
    else:
        yield subject.warning(
            f"No interface of {subject.name} has {address.ip}.",
            "Configure it, correct the inventory, or say that the machine is behind NAT.",
            measured=_shown(subject),
        )


@judges("names")
def names(subject: Subject) -> Iterator[Answer]:
    """Compare where each machine's name leads with the inventory (R153, R49)."""
    yield from subject.faults("names")
    if "names" in subject.machine.faults:
        return
    missing, wrong, right = [], [], 0
    for name, expected in sorted(wanted_names(subject).items()):
        found = subject.machine.names.get(name, ())
        if expected in found:
            right += 1
        elif found:
            wrong.append(f"{name} leads to {', '.join(found)} instead of {expected}")
        else:
            missing.append(name)
    if not (missing or wrong):
        yield subject.passed(f"{subject.name} resolves the names of all others ({right}).")
        return
    said = [f"does not know {', '.join(missing)}"] if missing else []
    said += [f"is wrong: {'; '.join(wrong)}"] if wrong else []
    fix = subject.sight.fix(subject.name, "names")
    yield subject.failed(
        f"{subject.name} {', and '.join(said)}.",
        "Write the names to its hosts file, or to the name server that it asks."
        + (" A run writes the hosts file first." if fix else ""),
        measured=f"{right} of {right + len(missing) + len(wrong)} names are right",
        fix=fix,
    )


def wanted_names(subject: Subject) -> dict[str, str]:
    """Return the names that a machine has to know, with their private addresses.

    Servers of an independent role need not know each other: one more changes nothing on them (S9).
    """
    topology = subject.sight.topology
    found = {}
    for name in topology.containers:
        address = topology.address(name, "private")
        if name != subject.name and address and not _are_strangers(topology, subject.name, name):
            found[name] = str(address.ip)
            if address.name:
                found[address.name] = str(address.ip)
    return found


def _are_strangers(topology: Topology, name: str, other: str) -> bool:
    """Tell whether all that a machine and another one do is independent of each other."""
    own, others = (
        {a.role for node in topology.nodes_on(machine) for a in node.assignments}
        for machine in (name, other)
    )
    alone = {role.key for role in topology.platform.roles if role.independent}
    return bool(own) and own <= alone and others <= alone


def _reached(subject: Subject, wires: list[tuple[Wire, Heard]], measured: str) -> Iterator[Answer]:
    """Say which machines answer."""
    silent = sorted(w.target for w, heard in wires if heard.word in ("silent", "unreachable"))
    untried = [(w, h) for w, h in wires if h.word not in ("open", "silent", "unreachable")]
    if silent:
        yield subject.failed(
            f"{', '.join(silent)} do{'es' if len(silent) == 1 else ''} not answer "
            f"{subject.name} over the private network.",
            "Look at switches, routes and firewalls in between; pings must be let through.",
            measured=measured,
        )
    if untried:
        wire, heard = untried[0]
        yield subject.unknown(
            f"{subject.name} could not try to reach {wire.target}: {heard.why or heard.word}.",
            "Mend this and ask again.",
            measured=measured,
        )
    if not silent and not untried:
        count = len(wires)
        beside = f" and reaches {count} other{'' if count == 1 else 's'}" if count else ""
        yield subject.passed(f"{subject.name} has {measured}{beside}.", measured=measured)


def _shown(subject: Subject) -> str:
    """List the addresses that a machine has."""
    own = [ip for ip in subject.machine.addresses if not (ip.is_loopback or ip.is_link_local)]
    return ", ".join(str(ip) for ip in own) or "no address"
