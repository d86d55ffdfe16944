"""What a failure card shows: the command's end, the service's journal, likely causes."""

from collections.abc import Iterable
from dataclasses import dataclass

from provisioning.hints import Cause, hints
from provisioning.models import Attempt, Line, Run, Step

CARDS = 3
COMMAND_LINES = 20
JOURNAL = "==> journal"
# The journal's twenty lines, its heading and the phase's stand between the command's and the end.
READ = 2 * COMMAND_LINES + 5


@dataclass(frozen=True)
class Failure:
    """A step that failed or was lost, with the last attempt's end."""

    step: Step
    attempt: Attempt | None
    command: list[str]
    journal: list[str]
    causes: list[Cause]


def failures(run: Run) -> list[Failure]:
    """Return the first few failures of a run; the rest shows among the steps."""
    steps = run.steps.bad().defer("spec").order_by("position")[:CARDS]
    return [failure(step) for step in steps]


def failure(step: Step) -> Failure:
    """Return what is known of a step's failure."""
    attempt = step.attempts.order_by("-number").first()
    texts = _end(attempt) if attempt else []
    command, journal = split(texts)
    code = attempt.exit_code if attempt else None
    causes = hints([*texts, step.message], exit_code=code)
    return Failure(step, attempt, command[-COMMAND_LINES:], journal, causes)


def split(texts: Iterable[str]) -> tuple[list[str], list[str]]:
    """Part what a command printed from the journal that the launcher added."""
    texts = list(texts)
    if JOURNAL not in texts:
        return texts, []
    at = len(texts) - 1 - texts[::-1].index(JOURNAL)
    return texts[:at], texts[at + 1 :]


def _end(attempt: Attempt) -> list[str]:
    """Return the last lines of an attempt."""
    lines = Line.objects.filter(attempt=attempt).order_by("-sequence")
    return list(lines.values_list("text", flat=True)[:READ])[::-1]
