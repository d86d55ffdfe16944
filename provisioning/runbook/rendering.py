"""Jinja2 for runbooks: sandboxed, and an undefined name is an error, never an empty text."""

from collections.abc import Mapping
from typing import Any

from jinja2 import DictLoader, StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from provisioning.steps import secret_reference


class RenderError(Exception):
    """A template that cannot be rendered for a node; says where and why."""


def environment(files: Mapping[str, str]) -> ImmutableSandboxedEnvironment:
    """Return an environment that knows the platform's files and nothing of this machine.

    Shell has `${#name}` and `{#`, so that Jinja2's comments are written `{##` here.
    """
    made = ImmutableSandboxedEnvironment(
        loader=DictLoader(dict(files)),
        undefined=StrictUndefined,
        comment_start_string="{##",
        comment_end_string="##}",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    made.globals["secret"] = secret_reference
    return made


def render(value: Any, context: Mapping[str, Any], files: Mapping[str, str]) -> Any:
    """Return data with every text in it rendered; raises RenderError."""
    return _render(value, context, environment(files))


def render_file(name: str, context: Mapping[str, Any], files: Mapping[str, str]) -> str:
    """Return a rendered file; raises RenderError."""
    try:
        return environment(files).get_template(name).render(context)
    except (TemplateError, ValueError) as error:
        raise RenderError(f"{name}: {error}") from error


def _render(value: Any, context: Mapping[str, Any], made: ImmutableSandboxedEnvironment) -> Any:
    """Return texts rendered, containers walked through, everything else as it is."""
    if isinstance(value, str):
        try:
            return made.from_string(value).render(context)
        except (TemplateError, ValueError) as error:
            raise RenderError(f"{error}, in: {value.strip().splitlines()[0]}") from error
    if isinstance(value, Mapping):
        return {key: _render(item, context, made) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_render(item, context, made) for item in value]
    return value
