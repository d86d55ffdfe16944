"""What a runbook's file may hold (schema 1); `docs/runbooks.md` describes it for people."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from provisioning.compile.base import Spec
from provisioning.compile.command import CommandSpec
from provisioning.compile.directory import DirectorySpec
from provisioning.compile.file import FileSpec
from provisioning.compile.manual import ManualSpec
from provisioning.compile.mount import MountSpec
from provisioning.compile.packages import PackagesSpec
from provisioning.compile.service import ServiceSpec
from provisioning.compile.user import UserSpec
from provisioning.compile.wait_for import WaitForSpec

Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=50)]
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
ParameterKey = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]

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


class StepSpec(Spec):
    """One step: who does it, how long it may take, and exactly one kind with its fields.

    Texts are templates and are checked against the kinds' fields once more when rendered.
    """

    key: Key
    title: Title
    only_on: Literal["first", "all"] = "all"
    serial: bool = False
    fresh_connection: bool = False
    timeout_s: int | None = Field(default=None, ge=1, le=7200)
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


class ComponentSpec(Spec):
    """A part of a role's software; a stage of the plan of its own."""

    key: Key
    title: Title
    depends_on: tuple[Key, ...] = ()
    steps: tuple[StepSpec, ...]

    @model_validator(mode="after")
    def has_steps(self) -> Self:
        """Refuse an empty component."""
        if not self.steps:
            raise ValueError("has no steps")
        return self


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
    def keys_are_right(self) -> Self:
        """Refuse nothing to do, a key used twice and a dependency on what is not there."""
        if not self.components:
            raise ValueError("has no components")
        keys = [component.key for component in self.components]
        _refuse_twice("component", keys)
        for component in self.components:
            _refuse_twice(f"step of {component.key}", [step.key for step in component.steps])
            for key in component.depends_on:
                if key not in keys:
                    raise ValueError(f"{component.key} depends on {key}, which is no component")
        return self


def _refuse_twice(what: str, keys: list[str]) -> None:
    """Raise when a key is used twice."""
    for key in keys:
        if keys.count(key) > 1:
            raise ValueError(f"there is more than one {what} with the key {key}")
