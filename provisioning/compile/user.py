"""Users of the operating system."""

from typing import Annotated

from pydantic import StringConstraints

from provisioning.compile.base import (
    Path,
    Rendered,
    Scripts,
    Spec,
    check_script,
    quote,
    say,
    script,
    verify_script,
)

Name = Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_-]{0,31}$"), Rendered]


class UserSpec(Spec):
    """A user who cannot log in with a password, and the groups to be in besides his own."""

    name: Name
    system: bool = True
    home: Path | None = None
    shell: Path = "/usr/sbin/nologin"
    groups: tuple[Name, ...] = ()


def compile_user(spec: UserSpec) -> Scripts:
    """Make the user, add missing groups; never take a group away, never change a password."""
    right = "\n".join((f"id {spec.name} >/dev/null 2>&1", *(_member(spec, g) for g in spec.groups)))
    return Scripts(
        probe=check_script(right),
        apply=script(
            f"id {spec.name} >/dev/null 2>&1 || useradd {_options(spec)} {spec.name}",
            *(f"usermod -a -G {group} {spec.name}" for group in spec.groups),
        ),
        verify=verify_script(right, f"The user {spec.name} is not as it should be."),
        preview=script(
            f"id {spec.name} >/dev/null 2>&1 || "
            + say(f"would make the user {spec.name}: useradd {_options(spec)}"),
            *(
                f"{{ {_member(spec, g)}; }} 2>/dev/null || "
                + say(f"would add {spec.name} to the group {g}")
                for g in spec.groups
            ),
        ),
    )


def _member(spec: UserSpec, group: str) -> str:
    """Return a condition: the user is in the group."""
    return f"id -nG {spec.name} | tr ' ' '\\n' | grep -qx {group}"


def _options(spec: UserSpec) -> str:
    """Return the options of useradd."""
    options = [f"--shell {quote(spec.shell)}", *(["--system"] if spec.system else [])]
    if spec.home:
        options.append(f"--create-home --home-dir {quote(spec.home)}")
    return " ".join(options)
