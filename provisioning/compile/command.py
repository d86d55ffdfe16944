"""Commands, which must be able to tell that they have been run already."""

from collections.abc import Mapping

from pydantic import Field, model_validator

from provisioning.compile.base import (
    FileName,
    Path,
    Scripts,
    Spec,
    Words,
    check_script,
    first_line,
    quote,
    say,
    script,
    verify_script,
)


class CommandSpec(Spec):
    """Commands of the shell; one of `unless`, `creates` and `probe` says when they need not run.

    `unless` and `verify` are conditions; `probe` is a script with the exit statuses of a probe.
    `files` are templates beside the runbook, found at "$STEP_DIR/files/NAME".
    """

    run: Words
    unless: Words | None = None
    creates: Path | None = None
    probe: Words | None = None
    verify: Words | None = None
    files: Mapping[FileName, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def knows_when_it_is_done(self) -> "CommandSpec":
        """Refuse a command that would run again at every run, or that looks in two ways."""
        if sum(look is not None for look in (self.unless, self.creates, self.probe)) != 1:
            raise ValueError("has exactly one of unless, creates and probe")
        return self


def compile_command(spec: CommandSpec) -> Scripts:
    """Run the commands unless that is not needed; verify by the same look, or a stricter one."""
    condition = spec.unless or (f"[ -e {quote(spec.creates)} ]" if spec.creates else None)
    verify = spec.verify or condition
    return Scripts(
        probe=check_script(condition) if condition else script(spec.probe or ""),
        apply=script(spec.run),
        verify=verify_script(verify, "The command ran, but did not bring about what it should.")
        if verify
        else script("exit 0"),
        preview=script(say(f"would run: {first_line(spec.run)}")),
        files=spec.files,
    )
