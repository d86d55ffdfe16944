"""What a runbook's file may hold (schema 1); `docs/runbooks.md` describes it for people.

Whether its parts fit together is looked at in `provisioning.runbook.checks`.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from provisioning.compile.base import Spec, Words
from provisioning.compile.command import CommandSpec
from provisioning.compile.directory import DirectorySpec
from provisioning.compile.file import FileSpec
from provisioning.compile.handler import HandlerCommandSpec, RestartSpec
from provisioning.compile.manual import ManualSpec
from provisioning.compile.mount import MountSpec
from provisioning.compile.packages import PackagesSpec
from provisioning.compile.service import ServiceSpec
from provisioning.compile.user import UserSpec
from provisioning.compile.wait_for import WaitForSpec
from provisioning.runbook.expressions import Expression, Loop, Quorum, Tolerance

Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=50)]
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
ParameterKey = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
RegisterKey = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=50)]

KINDS = {
    "packages",
    "file",
    "directory",
    "service",
    "command",
    "wait_for",
    "mount",
    "user",
    "manual",
}


class Work(Spec):
    """What steps and handlers have in common: their names, and when and how they take their turn.

    Texts are templates and are checked against the kinds' fields once more when rendered.
    """

    key: Key
    title: Title
    when: Expression | None = None
    only_if: Words | None = None
    serial: bool = False
    singleton: Key | None = None
    timeout_s: int | None = Field(default=None, ge=1, le=7200)


class StepSpec(Work):
    """One step: who does it, how long it may take, and exactly one kind with its fields."""

    only_on: Literal["first", "all"] = "all"
    loop: Loop = None
    register_as: RegisterKey | None = Field(default=None, alias="register")
    notify: tuple[Key, ...] = ()
    fresh_connection: bool = False
    packages: PackagesSpec | None = None
    file: FileSpec | None = None
    directory: DirectorySpec | None = None
    service: ServiceSpec | None = None
    command: CommandSpec | None = None
    wait_for: WaitForSpec | None = None
    mount: MountSpec | None = None
    user: UserSpec | None = None
    manual: ManualSpec | None = None

    @model_validator(mode="after")
    def one_kind(self) -> Self:
        """Refuse a step that does nothing, or two things."""
        if len(self._kinds()) != 1:
            raise ValueError(f"is exactly one of {', '.join(sorted(KINDS))}")
        return self

    @property
    def kind(self) -> str:
        """Return which kind of step this is."""
        return self._kinds()[0]

    @property
    def spec(self) -> Spec:
        """Return the kind's fields."""
        spec: Spec = getattr(self, self.kind)
        return spec

    def _kinds(self) -> list[str]:
        """Return the kinds that are given."""
        return sorted(kind for kind in KINDS if getattr(self, kind) is not None)


class HandlerSpec(Work):
    """What is done once at a component's end, where a step that notifies it changed something."""

    service: RestartSpec | None = None
    command: HandlerCommandSpec | None = None

    @model_validator(mode="after")
    def one_kind(self) -> Self:
        """Refuse a handler that does nothing, or two things."""
        if (self.service is None) == (self.command is None):
            raise ValueError("is exactly one of command, service")
        return self

    @property
    def kind(self) -> str:
        """Return which kind of handler this is."""
        return "service" if self.service else "command"

    @property
    def spec(self) -> RestartSpec | HandlerCommandSpec:
        """Return the kind's fields."""
        spec: RestartSpec | HandlerCommandSpec = getattr(self, self.kind)
        return spec


def _not_empty(steps: tuple[StepSpec, ...]) -> tuple[StepSpec, ...]:
    """Refuse a component that does nothing."""
    if not steps:
        raise ValueError("has no steps")
    return steps


class ComponentSpec(Spec):
    """A part of a role's software; a stage of the plan of its own.

    `parameters` are defaults for its own texts, below all others.
    """

    key: Key
    title: Title
    depends_on: tuple[Key, ...] = ()
    when: Expression | None = None
    tolerance: Tolerance = 0
    quorum: Quorum = 0
    parameters: Mapping[ParameterKey, Any] = Field(default_factory=dict)
    steps: Annotated[tuple[StepSpec, ...], AfterValidator(_not_empty)]
    handlers: tuple[HandlerSpec, ...] = ()


class RunbookSpec(Spec):
    """How a role of a platform is installed; `parameters` are defaults of the runbook's own."""

    version: Literal[1] = Field(alias="schema")
    platform: Key
    role: Key
    title: Title
    sources: tuple[str, ...] = ()
    parameters: Mapping[ParameterKey, Any] = Field(default_factory=dict)
    components: tuple[ComponentSpec, ...]

    @model_validator(mode="after")
    def has_components(self) -> Self:
        """Refuse nothing to do."""
        if not self.components:
            raise ValueError("has no components")
        return self
