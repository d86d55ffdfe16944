"""Handlers: a restart or a command, once, after something it depends on has changed.

A step that notifies a handler leaves a mark on the machine before it changes anything. The handler
is due while there is a mark, and takes it away when its work has succeeded: a crash anywhere in
between is made good by the next run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from pydantic import Field

from provisioning.compile.base import (
    STATE_DIR,
    FileName,
    Scripts,
    Spec,
    Unit,
    Words,
    check_script,
    first_line,
    quote,
    say,
    script,
    verify_script,
)

RESTART = """
systemctl daemon-reload
systemctl reset-failed {unit} 2>/dev/null || true
systemctl {action} {unit}
"""


class RestartSpec(Spec):
    """A unit that is restarted, or told to read its files again."""

    name: Unit
    action: Literal["restart", "reload"] = "restart"


class HandlerCommandSpec(Spec):
    """Commands that are run whenever the handler is due; `verify` is a condition."""

    run: Words
    verify: Words | None = None
    files: Mapping[FileName, str] = Field(default_factory=dict)


def mark(handler: str) -> str:
    """Return the path of a handler's mark; handlers are known as `role.component.handler`."""
    return f"{STATE_DIR}/handlers/{handler}"


def leaving_marks(scripts: Scripts, handlers: Sequence[str]) -> Scripts:
    """Return the scripts of a step that marks handlers as due before it changes anything."""
    if not handlers:
        return scripts
    marks = " ".join(quote(mark(handler)) for handler in handlers)
    leave = f"mkdir -p {quote(mark(''))}\ntouch {marks}\nsync {marks} 2>/dev/null || sync"
    return replace(scripts, apply=script(leave) + scripts.apply)


def compile_handler(
    spec: RestartSpec | HandlerCommandSpec, *, handler: str, because: Sequence[str]
) -> Scripts:
    """Do the work while there is a mark; `because` are the titles of the steps that leave it."""
    work, condition, said = _restart(spec) if isinstance(spec, RestartSpec) else _command(spec)
    path = quote(mark(handler))
    return Scripts(
        probe=check_script(f"[ ! -e {path} ]"),
        apply=script(work, f"(\nset -eu\n{condition}\n)", f"rm -f {path}"),
        verify=verify_script(f"[ ! -e {path} ]\n{condition}", "The handler did not succeed."),
        preview=script(say(f"{said} if one of these changes something: {'; '.join(because)}")),
        files=spec.files if isinstance(spec, HandlerCommandSpec) else {},
    )


def _restart(spec: RestartSpec) -> tuple[str, str, str]:
    """Return what restarts a unit, when that has succeeded, and how to say so."""
    action = "restart" if spec.action == "restart" else "reload-or-restart"
    unit = quote(spec.name)
    return (
        RESTART.format(unit=unit, action=action),
        f"systemctl is-active --quiet {unit}",
        f"would {spec.action} {spec.name}",
    )


def _command(spec: HandlerCommandSpec) -> tuple[str, str, str]:
    """Return what to run, when that has succeeded, and how to say so."""
    return spec.run, spec.verify or "true", f"would run: {first_line(spec.run)}"
