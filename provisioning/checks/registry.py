"""Which function judges which check: every check that is declared has one; pure."""

from collections.abc import Callable, Iterable, Iterator

from inventory.host_checks import HOST_CHECKS
from provisioning.checks.sight import Answer, Sight, Subject

Judge = Callable[[Subject], Iterator[Answer]]
JUDGES: dict[str, Judge] = {}


def judges(key: str) -> Callable[[Judge], Judge]:
    """Register the function that judges a check."""

    def registered(judge: Judge) -> Judge:
        JUDGES[key] = judge
        return judge

    return registered


def answers(
    sight: Sight, *, checks: Iterable[str] = (), containers: Iterable[str] = ()
) -> list[Answer]:
    """Judge what was seen: these checks (all, when not said) on these machines (likewise)."""
    asked = set(checks)
    names = set(containers) or set(sight.machines) | set(sight.errors)
    return [
        answer
        for name in sorted(names)
        for check in HOST_CHECKS
        if not asked or check.key in asked
        for answer in _judged(Subject(check.key, sight, sight.topology.containers[name]))
    ]


def _judged(subject: Subject) -> Iterator[Answer]:
    """Judge one check on one machine; one that was not seen could not be checked."""
    error = subject.sight.errors.get(subject.name)
    if error is None:
        yield from JUDGES[subject.check](subject)
    elif subject.check == "login":
        yield subject.failed(error, "Mend the login: everything else is asked over it.")
    else:
        yield subject.unknown(f"{subject.name} was not seen: {error}", "Mend its login first.")
