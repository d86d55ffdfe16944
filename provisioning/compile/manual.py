"""What a person has to do, and the evidence that it was done (R98, K17)."""

from pydantic import Field, model_validator

from provisioning.compile.base import (
    Scripts,
    Spec,
    Words,
    check_script,
    first_line,
    say,
    script,
    verify_script,
)


class ManualSpec(Spec):
    """Instructions for a person; `evidence` is a condition that holds once they were followed.

    With `approval` the person only says yes, and must be allowed to.
    """

    instructions: Words
    evidence: Words | None = None
    approval: bool = False
    answer_within_s: int | None = Field(default=None, ge=60, le=30 * 86400)

    @model_validator(mode="after")
    def approval_is_a_word(self) -> "ManualSpec":
        """Refuse evidence of an approval: it would be given without anybody."""
        if self.approval and self.evidence:
            raise ValueError("is an approval, which needs a person and no evidence")
        return self


def compile_manual(spec: ManualSpec) -> Scripts:
    """Ask for the work unless the evidence is there; without evidence a person's word counts."""
    if spec.evidence is None:
        return Scripts(
            probe=check_script("false"),
            apply=script("exit 0"),
            verify=script("exit 0"),
            preview=_preview(spec),
            manual=spec.instructions,
        )
    return Scripts(
        probe=check_script(spec.evidence),
        apply=script("exit 0"),
        verify=verify_script(spec.evidence, "There is no sign yet that this was done."),
        preview=_preview(spec),
        manual=spec.instructions,
    )


def _preview(spec: ManualSpec) -> str:
    """Say what a person would be asked."""
    asked = "would ask for an approval" if spec.approval else "would ask a person"
    return script(say(f"{asked}: {first_line(spec.instructions)}"))
