"""From a runbook's step, seen from a node, to a compiled step."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from provisioning.compile.base import Scripts
from provisioning.compile.command import compile_command
from provisioning.compile.directory import compile_directory
from provisioning.compile.file import compile_file
from provisioning.compile.manual import compile_manual
from provisioning.compile.mount import compile_mount
from provisioning.compile.packages import compile_packages
from provisioning.compile.service import compile_service
from provisioning.compile.user import compile_user
from provisioning.compile.wait_for import compile_wait_for
from provisioning.runbook.rendering import RenderError, render, render_file
from provisioning.runbook.schema import StepSpec
from provisioning.steps import CompiledStep, secret_keys

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


def compile_step(
    step: StepSpec,
    *,
    role: str,
    component: str,
    context: Mapping[str, Any],
    templates: Mapping[str, str],
) -> CompiledStep:
    """Return the step for the context's node; raises RenderError when a template does not fit."""
    key = f"{role}.{component}.{step.key}"
    try:
        seen = _rendered(step, context, templates)
        scripts = COMPILERS[seen.kind](seen.spec)
    except (RenderError, ValidationError) as error:
        raise RenderError(f"{key} on {context['node']['name']}: {error}") from error
    _refuse_secrets_in_scripts(key, scripts)
    return CompiledStep(
        key=key,
        title=seen.title,
        kind=seen.kind,
        role=role,
        component=component,
        node=context["node"]["name"],
        container=context["container"]["name"],
        probe=scripts.probe,
        apply=scripts.apply,
        verify=scripts.verify,
        files=scripts.files,
        targets=scripts.targets,
        timeout_s=seen.timeout_s or _timeout_s(seen),
        serial=seen.serial,
        fresh_connection=seen.fresh_connection,
        manual=scripts.manual,
        unit=seen.service.name if seen.service else "",
    )


def with_units(steps: Iterable[CompiledStep]) -> Iterator[CompiledStep]:
    """Yield a component's steps; what follows a service on its node is about that service."""
    units: dict[str, str] = {}
    for step in steps:
        unit = step.unit or units.get(step.node, "")
        units[step.node] = unit
        yield replace(step, unit=unit)


def _rendered(step: StepSpec, context: Mapping[str, Any], templates: Mapping[str, str]) -> StepSpec:
    """Return the step with all its texts rendered and its templates in the place of their names."""
    data = render(step.model_dump(exclude_unset=True), context, templates)
    fields = data[step.kind]
    if fields.get("template"):
        fields["content"] = render_file(fields.pop("template"), context, templates)
    if "files" in fields:
        fields["files"] = {
            name: render_file(template, context, templates)
            for name, template in fields["files"].items()
        }
    return StepSpec.model_validate(data)


def _timeout_s(step: StepSpec) -> int:
    """Return how long a step may take when its runbook does not say."""
    if step.wait_for:
        return step.wait_for.timeout_s + GRACE_S
    return TIMEOUTS_S.get(step.kind, TIMEOUT_S)


def _refuse_secrets_in_scripts(key: str, scripts: Scripts) -> None:
    """Raise when a secret would be part of a script: secrets travel in files only."""
    if any(secret_keys(text) for text in (scripts.probe, scripts.apply, scripts.verify)):
        raise RenderError(f"{key}: a secret may stand in a file only, never in a script")
