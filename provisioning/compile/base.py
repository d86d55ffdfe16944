"""What all kinds of steps share: the pieces of POSIX sh that they are made of."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from provisioning.steps import NEEDS_APPLY

# What the portal keeps on a host besides its attempts.
STATE_DIR = "/var/lib/voipadmin"

Path = Annotated[str, StringConstraints(pattern=r"^/[^\n]*$")]
FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Mode = Annotated[str, StringConstraints(pattern=r"^0[0-7]{3}$")]
Words = Annotated[str, StringConstraints(pattern=r"\S")]
Unit = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9@:_.\\-]+$")]


class Spec(BaseModel):
    """What a runbook says about a step of one kind; a field that nobody knows is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Scripts:
    """A step's three scripts with the files they need and the paths those are for."""

    probe: str
    apply: str
    verify: str
    files: Mapping[str, str] = field(default_factory=dict)
    targets: Mapping[str, str] = field(default_factory=dict)
    manual: str | None = None


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
