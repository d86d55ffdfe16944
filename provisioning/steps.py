"""What a plan is made of: compiled steps, their stages, and secret references.

A step's `probe`, `apply` and `verify` are POSIX sh, each run as root in a shell of its own with
`STEP_DIR` in the environment and the step's files below `$STEP_DIR/files/`, mode 0600. The probe
exits with 0 (already so) or `NEEDS_APPLY`; anything else is a failure, and so is any exit status
but 0 of apply and verify. Every script may be run again at any time.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field

ALREADY_SO = 0
NEEDS_APPLY = 10

SECRET = re.compile(r"⟦secret:([a-z0-9][a-z0-9._-]*)⟧")
# NODE/NAME of what an earlier step of the run registers.
VALUE = re.compile(r"⟦value:([A-Za-z0-9._-]+/[a-z0-9][a-z0-9_-]*)⟧")

REFERENCE = re.compile(f"{SECRET.pattern}|{VALUE.pattern}")


def secret_reference(key: str) -> str:
    """Return what stands for a secret until its file is sent."""
    reference = f"⟦secret:{key}⟧"
    if not SECRET.fullmatch(reference):
        raise ValueError(f"{key!r} is no secret key: small letters, digits, dots and hyphens.")
    return reference


def secret_keys(text: str) -> frozenset[str]:
    """Return the keys of all secrets that a text refers to."""
    return frozenset(SECRET.findall(text))


def value_reference(node: str, name: str) -> str:
    """Return what stands for a registered value until its file is sent."""
    reference = f"⟦value:{node}/{name}⟧"
    if not VALUE.fullmatch(reference):
        raise ValueError(f"{name!r} of {node!r} is no name of a registered value.")
    return reference


def value_keys(text: str) -> frozenset[str]:
    """Return NODE/NAME of all registered values that a text refers to."""
    return frozenset(VALUE.findall(text))


def reveal(
    text: str, secret: Callable[[str], str], value: Callable[[str], str] | None = None
) -> str:
    """Return the text with every reference replaced; only for what is about to be sent."""
    text = SECRET.sub(lambda match: secret(match[1]), text)
    return VALUE.sub(lambda match: value(match[1]), text) if value else text


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledStep:
    """One step on one container, ready to be sent.

    `key` is `role.component.step`: the same on every container, unique together with `node`.
    A `serial` step runs on one container at a time within its stage. A step with
    `fresh_connection` needs a login made after the container's previous step ended. `manual` holds
    instructions: such a step waits for a person, its `verify` (if any) then looks for evidence;
    with `approval` the person must be an approver, and nobody answering within `answer_within_s`
    fails it. `targets` maps the paths that would change to the names of the files with their new
    content.

    `only_if` is a script before the probe: an exit status other than 0 skips the step. `preview`
    is what a dry run does in the place of `apply`: it prints what would change and changes nothing.
    What a script writes to `$STEP_DIR/register` is kept under the name `register` for later steps.
    Of all steps with the same `singleton` one runs at a time in the whole cluster. `unit` is the
    service that the step is about: its journal's end is shown when the step fails.

    `follows` are keys of earlier steps of the container: when one of them changes something, this
    step does, too (a service restarts, a handler runs). In a dry run nothing has changed yet, so
    that this step's probe may find that all is well: it is previewed where one of those would be.
    """

    key: str
    title: str
    kind: str
    role: str
    component: str
    node: str
    container: str
    probe: str
    apply: str
    verify: str
    files: Mapping[str, str] = field(default_factory=dict)
    targets: Mapping[str, str] = field(default_factory=dict)
    timeout_s: int = 120
    serial: bool = False
    fresh_connection: bool = False
    manual: str | None = None
    approval: bool = False
    answer_within_s: int | None = None
    only_if: str = ""
    preview: str = ""
    register: str | None = None
    singleton: str | None = None
    unit: str = ""
    follows: tuple[str, ...] = ()

    @property
    def hash(self) -> str:
        """Return the SHA-256 of everything the step is (secrets as references)."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    @property
    def secrets(self) -> frozenset[str]:
        """Return the keys of the secrets its files need."""
        return frozenset().union(*(secret_keys(text) for text in self.files.values()))

    @property
    def values(self) -> frozenset[str]:
        """Return NODE/NAME of the registered values its files need."""
        return frozenset().union(*(value_keys(text) for text in self.files.values()))


@dataclass(frozen=True, slots=True)
class Stage:
    """Steps between two barriers: containers in parallel, the steps of one container in order.

    Up to `tolerance` containers may fail without stopping the run: later stages go on without them.
    Nothing begins, and nothing goes on, unless `quorum` containers answer and are well (0: all the
    same).
    """

    key: str
    title: str
    steps: tuple[CompiledStep, ...]
    tolerance: int = 0
    quorum: int = 0

    def by_container(self) -> dict[str, tuple[CompiledStep, ...]]:
        """Return the steps of each container, in their order."""
        containers: dict[str, list[CompiledStep]] = {}
        for step in self.steps:
            containers.setdefault(step.container, []).append(step)
        return {name: tuple(steps) for name, steps in containers.items()}


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything a run will do, in order.

    `notes` are sentences about what the plan does not cover, such as roles without a runbook;
    `secrets` are the keys that must have values before the plan can be carried out;
    `runbook_files` are the texts of each version in `runbook_hashes`.
    """

    stages: tuple[Stage, ...]
    runbook_hashes: Mapping[str, str]
    notes: tuple[str, ...] = ()
    runbook_files: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def steps(self) -> tuple[CompiledStep, ...]:
        """Return all steps in order."""
        return tuple(step for stage in self.stages for step in stage.steps)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return the keys of all secrets the plan needs, sorted."""
        return tuple(sorted(_union(step.secrets for step in self.steps)))


def _union(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    """Return the union of any number of sets."""
    return frozenset().union(*sets)
