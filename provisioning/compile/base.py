"""What all kinds of steps share: the pieces of POSIX sh that they are made of."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    StringConstraints,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from provisioning.steps import NEEDS_APPLY

# What the portal keeps on a host besides its attempts.
STATE_DIR = "/var/lib/voipadmin"

# Given as context of a validation: texts may be templates still.
TEMPLATES = "templates"


def _later(value: Any, check: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
    """Leave a template to the validation after it was rendered."""
    if info.context and info.context.get(TEMPLATES) and isinstance(value, str):
        return value if "{{" in value or "{%" in value else check(value)
    return check(value)


Rendered = WrapValidator(_later)
Path = Annotated[str, StringConstraints(pattern=r"^/[^\n]*$"), Rendered]
FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Mode = Annotated[str, StringConstraints(pattern=r"^0[0-7]{3}$"), Rendered]
Words = Annotated[str, StringConstraints(pattern=r"\S")]
Unit = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9@:_.\\-]+$"), Rendered]


class Spec(BaseModel):
    """What a runbook says about a step of one kind; a field that nobody knows is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Scripts:
    """A step's scripts with the files they need and the paths those are for.

    `preview` prints what apply would change and changes nothing. `writes` are the paths that apply
    may change, `watches` those whose change makes the step change something, too.
    """

    probe: str
    apply: str
    verify: str
    preview: str
    files: Mapping[str, str] = field(default_factory=dict)
    targets: Mapping[str, str] = field(default_factory=dict)
    manual: str | None = None
    writes: tuple[str, ...] = ()
    watches: tuple[str, ...] = ()


def quote(text: str) -> str:
    """Return the text as one word of the shell."""
    return shlex.quote(text)


def script(*parts: str) -> str:
    """Return a script that stops at its first failure and at undefined variables."""
    head = "set -eu\numask 022\nexport LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin"
    return "\n".join((head, *(part.strip("\n") for part in parts))) + "\n"


def check_script(condition: str) -> str:
    """Return a probe: already so when the condition's commands all succeed, else needs apply."""
    return script(
        "set +e",
        f"(\nset -eu\n{condition.strip()}\n)",
        f"[ $? -eq 0 ] || exit {NEEDS_APPLY}",
    )


def verify_script(condition: str, complaint: str) -> str:
    """Return a verify that says what is wrong when the condition does not hold."""
    return script(
        "set +e",
        f"(\nset -eu\n{condition.strip()}\n)",
        f"[ $? -eq 0 ] || {{ echo {quote(complaint)} >&2; exit 1; }}",
    )


def ownership(path: str, *, owner: str, group: str, mode: str) -> str:
    """Return a condition: the path has this owner, group and mode."""
    wanted = f"{mode.lstrip('0') or '0'} {owner} {group}"
    return f"[ \"$(stat -c '%a %U %G' {quote(path)})\" = {quote(wanted)} ]"


def say(*lines: str) -> str:
    """Return a command that prints lines as they are."""
    return f"printf '%s\\n' {' '.join(quote(line) for line in lines)}"


def first_line(text: str) -> str:
    """Return the first line of a script, and how many more there are."""
    first, *others = [line for line in text.splitlines() if line.strip()]
    return f"{first.strip()} (and {len(others)} more lines)" if others else first.strip()
