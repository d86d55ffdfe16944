"""What a person has to do, and the evidence that it was done (R98, K17)."""

from provisioning.compile.base import Scripts, Spec, Words, check_script, script, verify_script


class ManualSpec(Spec):
    """Instructions for a person; `evidence` is a condition that holds once they were followed."""

    instructions: Words
    evidence: Words | None = None


def compile_manual(spec: ManualSpec) -> Scripts:
    """Ask for the work unless the evidence is there; without evidence a person's word counts."""
    if spec.evidence is None:
        return Scripts(
            probe=check_script("false"),
            apply=script("exit 0"),
            verify=script("exit 0"),
            manual=spec.instructions,
        )
    return Scripts(
        probe=check_script(spec.evidence),
        apply=script("exit 0"),
        verify=verify_script(spec.evidence, "There is no sign yet that this was done."),
        manual=spec.instructions,
    )
