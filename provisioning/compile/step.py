"""From a runbook's step, seen from a node, to compiled steps."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from provisioning.compile.base import Scripts, script
from provisioning.compile.command import compile_command
from provisioning.compile.directory import compile_directory
from provisioning.compile.file import compile_file
from provisioning.compile.handler import compile_handler, leaving_marks
from provisioning.compile.manual import compile_manual
from provisioning.compile.mount import compile_mount
from provisioning.compile.packages import compile_packages
from provisioning.compile.service import compile_service
from provisioning.compile.user import compile_user
from provisioning.compile.wait_for import compile_wait_for
from provisioning.runbook.rendering import RenderError, render, render_file
from provisioning.runbook.schema import ComponentSpec, HandlerSpec, StepSpec, Work
from provisioning.runbook.turns import is_wanted, loop_items
from provisioning.steps import REFERENCE, CompiledStep

COMPILERS: dict[str, Callable[[Any], Scripts]] = {
    "packages": compile_packages,
    "file": compile_file,
    "directory": compile_directory,
    "service": compile_service,
    "command": compile_command,
    "wait_for": compile_wait_for,
    "mount": compile_mount,
    "user": compile_user,
    "manual": compile_manual,
}
TIMEOUTS_S = {"packages": 1200, "service": 150, "command": 120}
TIMEOUT_S = 60
# What a wait may take beyond its own time: a last look, and the look of the verify.
GRACE_S = 30


@dataclass(frozen=True, slots=True)
class Compiled:
    """A compiled step with what it tells other steps: paths it writes and watches, handlers."""

    step: CompiledStep
    writes: tuple[str, ...] = ()
    watches: tuple[str, ...] = ()
    notifies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a step belongs: its role and component, and the platform's files."""

    role: str
    component: str
    templates: Mapping[str, str]

    def key(self, step: str) -> str:
        """Return the key of a step or handler here."""
        return f"{self.role}.{self.component}.{step}"


def wanted_contexts(
    component: ComponentSpec, place: Place, contexts: Iterable[Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Yield the contexts of the nodes that get a component, with its own parameters in them."""
    for context in contexts:
        seen = {**context, "parameters": {**component.parameters, **context["parameters"]}}
        with _said_of(f"{place.role}.{place.component}", context):
            if is_wanted(component, seen):
                yield seen


def compile_step(step: StepSpec, place: Place, context: Mapping[str, Any]) -> list[Compiled]:
    """Return a step for the context's node: once, once for each item of its loop, or not at all.

    Raises RenderError when a template or an expression does not fit.
    """
    key = place.key(step.key)
    with _said_of(key, context):
        if step.loop is None:
            return [_one(key, step, place, context)] if is_wanted(step, context) else []
        return [
            _one(f"{key}[{name}]", step, place, seen)
            for name, item in loop_items(step, context)
            if is_wanted(step, seen := {**context, "item": item})
        ]


def compile_notified(
    handler: HandlerSpec, place: Place, context: Mapping[str, Any], by: Sequence[Compiled]
) -> list[Compiled]:
    """Return a handler behind the steps of its component on a machine, if any notifies it."""
    key = place.key(handler.key)
    because = [compiled.step for compiled in by if key in compiled.notifies]
    with _said_of(key, context):
        if not because or not is_wanted(handler, context):
            return []
        seen = HandlerSpec.model_validate(_rendered(handler, handler.kind, place, context))
        titles = list(dict.fromkeys(step.title for step in because))
        scripts = compile_handler(seen.spec, handler=key, because=titles)
        made = _step(key, seen, seen.kind, scripts, place, context)
        follows = tuple(step.key for step in because)
        timeout_s = seen.timeout_s or TIMEOUTS_S[seen.kind]
        unit = seen.service.name if seen.service else ""
        return [Compiled(replace(made, timeout_s=timeout_s, follows=follows, unit=unit))]


def _one(key: str, step: StepSpec, place: Place, context: Mapping[str, Any]) -> Compiled:
    """Return one step with all its texts rendered."""
    seen = StepSpec.model_validate(_rendered(step, step.kind, place, context))
    notifies = tuple(place.key(handler) for handler in seen.notify)
    scripts = leaving_marks(COMPILERS[seen.kind](seen.spec), notifies)
    made = replace(
        _step(key, seen, seen.kind, scripts, place, context),
        timeout_s=seen.timeout_s or _timeout_s(seen),
        fresh_connection=seen.fresh_connection,
        unit=seen.service.name if seen.service else "",
        register=seen.register_as,
        approval=bool(seen.manual and seen.manual.approval),
        answer_within_s=seen.manual.answer_within_s if seen.manual else None,
    )
    return Compiled(made, scripts.writes, scripts.watches, notifies)


def _step(
    key: str, seen: Work, kind: str, scripts: Scripts, place: Place, context: Mapping[str, Any]
) -> CompiledStep:
    """Return what steps and handlers have in common; secrets in scripts are refused."""
    only_if = script(seen.only_if) if seen.only_if else ""
    for text in (scripts.probe, scripts.apply, scripts.verify, scripts.preview, only_if):
        if REFERENCE.search(text):
            raise RenderError(
                "a secret or a registered value may stand in a file only, never in a script"
            )
    return CompiledStep(
        key=key,
        title=seen.title,
        kind=kind,
        role=place.role,
        component=place.component,
        node=context["node"]["name"],
        container=context["container"]["name"],
        probe=scripts.probe,
        apply=scripts.apply,
        verify=scripts.verify,
        preview=scripts.preview,
        files=scripts.files,
        targets=scripts.targets,
        manual=scripts.manual,
        # Of what the cluster has once, no two machines of a stage work at the same time either.
        serial=seen.serial or seen.singleton is not None,
        singleton=seen.singleton,
        only_if=only_if,
    )


def _rendered(step: Work, kind: str, place: Place, context: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data of a step, texts rendered, templates in the place of their names."""
    unset = step.model_dump(exclude_unset=True, by_alias=True, exclude={"when", "loop"})
    data: dict[str, Any] = render(unset, context, place.templates)
    fields = data[kind]
    if fields.get("template"):
        fields["content"] = render_file(fields.pop("template"), context, place.templates)
    if "files" in fields:
        fields["files"] = {
            name: render_file(template, context, place.templates)
            for name, template in fields["files"].items()
        }
    return data


def _timeout_s(step: StepSpec) -> int:
    """Return how long a step may take when its runbook does not say."""
    if step.wait_for:
        return step.wait_for.timeout_s + GRACE_S
    return TIMEOUTS_S.get(step.kind, TIMEOUT_S)


@contextmanager
def _said_of(key: str, context: Mapping[str, Any]) -> Iterator[None]:
    """Say of every error which step it is about, and of which node."""
    try:
        yield
    except (RenderError, ValidationError) as error:
        raise RenderError(f"{key} on {context['node']['name']}: {error}") from error
