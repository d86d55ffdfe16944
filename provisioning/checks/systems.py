"""Judges login, operating system, processors and memory; pure."""

from collections.abc import Iterator

from inventory.platforms.facts import Hardware
from inventory.platforms.schema import Role
from provisioning.checks.registry import judges
from provisioning.checks.sight import ADOPT, Answer, Subject

# What firmware and kernel keep of a machine's memory.
KEPT = 0.05


@judges("login")
def login(subject: Subject) -> Iterator[Answer]:
    """Ask for root, who alone can install."""
    machine = subject.machine
    if machine.uid == 0:
        yield subject.passed(f"The portal logs in to {subject.name} and is root there.")
        return
    yield subject.failed(
        f"The portal is {machine.user or 'somebody'} on {subject.name}, not root.",
        "Tick sudo at the login, or let root log in.",
        measured=f"uid {machine.uid}",
    )


@judges("operating-system")
def operating_system(subject: Subject) -> Iterator[Answer]:
    """Compare os-release with the inventory and with what the release supports (R18, R156)."""
    machine, container = subject.machine, subject.container
    yield from subject.faults("system")
    if not machine.os_id:
        return
    measured = f"{machine.os_id} {machine.os_version} ({machine.arch})"
    topology = subject.sight.topology
    systems = topology.release.operating_systems
    fitting = [
        system
        for system in systems
        if system.matches(os_id=machine.os_id, version=machine.os_version)
        and machine.arch in system.architectures
    ]
    is_exempt = topology.cluster.kind == "single_node"
    if not fitting and not is_exempt:
        yield subject.failed(
            f"{subject.name} runs {measured}, which {topology.platform.name} "
            f"{topology.release.name} does not support.",
            f"Install one of: {', '.join(dict.fromkeys(s.name for s in systems))}.",
            measured=measured,
            source=systems[0].source,
        )
        return
    source = fitting[0].source if fitting else None
    recorded = f"{container.os_id} {container.os_version} ({container.arch})"
    if recorded != measured and not _is_same(subject):
        yield subject.failed(
            f"{subject.name} runs {measured}, but the inventory says {recorded}.",
            "Adopt what was found, or install what was meant.",
            measured=measured,
            fix=ADOPT,
            source=source,
        )
        return
    yield subject.passed(f"{subject.name} runs {measured}.", measured=measured, source=source)


@judges("processors")
def processors(subject: Subject) -> Iterator[Answer]:
    """Compare the processors with the roles' minima (R120) and with the inventory."""
    yield from _amount(
        subject, "vCPU", subject.machine.vcpus, subject.container.vcpus, "vcpu_min", slack=0
    )


@judges("memory")
def memory(subject: Subject) -> Iterator[Answer]:
    """Compare the memory with the roles' minima (R120) and with the inventory."""
    yield from _amount(
        subject,
        "MiB of memory",
        subject.machine.memory_mib,
        subject.container.memory_mib,
        "memory_mib_min",
        slack=KEPT,
    )


def needing(subject: Subject) -> Iterator[tuple[Role, Hardware]]:
    """Yield the roles of a machine for which the vendor gives figures."""
    for role in subject.sight.roles(subject.name):
        if role.hardware:
            yield role, role.hardware


def _amount(
    subject: Subject, unit: str, has: int, recorded: int, minimum: str, *, slack: float
) -> Iterator[Answer]:
    """Compare an amount: less than a minimum fails, less than the inventory says too."""
    measured = f"{has} {unit}"
    if not has:
        yield subject.unknown(f"{subject.name} does not say how much {unit} it has.", "Ask again.")
        return
    short = [
        (role, hardware)
        for role, hardware in needing(subject)
        if has < getattr(hardware, minimum) * (1 - slack)
    ]
    for role, hardware in short:
        yield subject.failed(
            f"{subject.name} has {measured}, but {role.name} needs at least "
            f"{getattr(hardware, minimum)}.",
            "Enlarge the machine, or move the node to a larger one.",
            about=role.name,
            measured=measured,
            source=hardware.source,
        )
    if short:
        return
    source = next((hardware.source for _, hardware in needing(subject)), None)
    if has < recorded * (1 - slack):
        yield subject.failed(
            f"{subject.name} has {measured}, less than the {recorded} of the inventory: rules and "
            "figures rest on that.",
            "Adopt what was measured, or enlarge the machine.",
            measured=measured,
            fix=ADOPT,
            source=source,
        )
        return
    is_more = has > recorded
    beside = f", more than the {recorded} of the inventory" if is_more else ""
    yield subject.passed(
        f"{subject.name} has {measured}{beside}.",
        measured=measured,
        fix=ADOPT if is_more else "",
        source=source,
    )


def _is_same(subject: Subject) -> bool:
    """Tell whether the inventory names the same system, if less finely (8 for 8.10)."""
    machine, container = subject.machine, subject.container
    finer = f"{machine.os_version}.".startswith(f"{container.os_version}.")
    return (machine.os_id, machine.arch) == (container.os_id, container.arch) and finer
