"""Judges clocks and what keeps them right; pure."""

from collections.abc import Iterator

from provisioning.checks.registry import judges
from provisioning.checks.sight import Answer, Subject

# Half a second disturbs no quorum and no call record; several seconds do.
RIGHT_S = 0.5
WRONG_S = 5.0


@judges("clock")
def clock(subject: Subject) -> Iterator[Answer]:
    """Compare the machine's clock with the portal's and with the other machines'."""
    machine = subject.machine
    own, doubt = machine.clock_offset_s, machine.clock_doubt_s
    others = {n: m for n, m in subject.sight.machines.items() if n != subject.name}
    furthest = max(others, key=lambda n: abs(others[n].clock_offset_s - own), default="")
    apart = others[furthest].clock_offset_s - own if furthest else 0.0
    apart_doubt = doubt + (others[furthest].clock_doubt_s if furthest else 0.0)
    worst = max(abs(own) - doubt, abs(apart) - apart_doubt)
    sentence = f"The clock of {subject.name} is {_said(own)} the portal's"
    if furthest:
        sentence += f"; that of {furthest} is furthest from it, {abs(apart):.2f} s"
    measured = f"{own:+.3f} s, give or take {doubt:.3f}"
    if worst <= RIGHT_S:
        yield subject.passed(f"{sentence}.", measured=measured)
        return
    remedy = "Let a time service set the clocks, here, on the others and on the portal's machine."
    answer = subject.failed if worst > WRONG_S else subject.warning
    fix = subject.sight.fix(subject.name, "time")
    yield answer(f"{sentence}.", remedy, measured=measured, fix=fix)


@judges("time-synchronisation")
def time_synchronisation(subject: Subject) -> Iterator[Answer]:
    """Ask the machine whether something keeps its clock right."""
    machine = subject.machine
    if machine.inside:
        yield subject.not_applicable(
            f"{subject.name} is a {machine.inside} container: its host keeps the clock for it.",
            measured=machine.inside,
        )
        return
    services = ", ".join(machine.time_services)
    measured = services or "no time service"
    if machine.synchronised == "yes":
        yield subject.passed(f"The clock of {subject.name} is synchronised.", measured=measured)
        return
    if not machine.synchronised and services:
        yield from subject.faults("time")
        return
    fix = subject.sight.fix(subject.name, "time")
    why = f"{services} runs, but" if services else "No time service runs, and"
    yield subject.warning(
        f"{why} the clock of {subject.name} is not synchronised.",
        "Install chrony or systemd-timesyncd and let UDP 123 out."
        + (" A run does it." if fix else ""),
        measured=measured,
        fix=fix,
    )


def _said(offset_s: float) -> str:
    """Say how a clock stands to another."""
    if abs(offset_s) < 0.01:
        return "with"
    return f"{abs(offset_s):.2f} s {'ahead of' if offset_s > 0 else 'behind'}"
