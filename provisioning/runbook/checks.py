"""Whether the parts of a runbook fit together; every fault with the place it is at."""

from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any, TypeVar

from jinja2 import TemplateSyntaxError, meta

from inventory.platforms.marked_yaml import Path
from provisioning.runbook.rendering import environment
from provisioning.runbook.schema import ComponentSpec, RunbookSpec, StepSpec

Fault = tuple[Path, str]
T = TypeVar("T")
REGISTERING = ("command", "wait_for")


def check_parts(spec: RunbookSpec) -> Iterator[Fault]:
    """Yield keys that are used twice, or named and not there."""
    keys = [component.key for component in spec.components]
    for number, key in enumerate(keys):
        if key in keys[:number]:
            yield ("components", number), f"there is more than one component with the key {key}"
    for at, component in _numbered(("components",), spec.components):
        for number, key in enumerate(component.depends_on):
            if key not in keys:
                yield (
                    (*at, "depends_on", number),
                    f"{component.key} depends on {key}, which is no component",
                )
        yield from _component(at, component)
    yield from _circles(spec)


def check_texts(data: Any, files: Mapping[str, str]) -> Iterator[Fault]:
    """Yield texts of components that are no templates, or include what is not there."""
    made = environment(files)
    for at, text in _texts(("components",), data.get("components")):
        if at[-1] in ("when", "loop"):
            continue
        try:
            included = meta.find_referenced_templates(made.parse(text))
        except TemplateSyntaxError as error:
            yield at, f"is no template: {error.message}"
            continue
        for name in included:
            if name is not None and name not in files:
                yield at, f"there is no file {name}"


def named_templates(spec: RunbookSpec) -> Iterator[tuple[Path, str]]:
    """Yield the files that steps and handlers name, with the place where they do."""
    for at, component in _numbered(("components",), spec.components):
        for place, step in _numbered((*at, "steps"), component.steps):
            if step.file and step.file.template:
                yield (*place, "file", "template"), step.file.template
            holder = step.command or step.wait_for
            for name, template in (holder.files if holder else {}).items():
                yield (*place, step.kind, "files", name), template
        for place, handler in _numbered((*at, "handlers"), component.handlers):
            for name, template in (handler.command.files if handler.command else {}).items():
                yield (*place, "command", "files", name), template


def _component(at: Path, component: ComponentSpec) -> Iterator[Fault]:
    """Yield what is wrong with a component's keys and handlers."""
    steps = [step.key for step in component.steps]
    handlers = [handler.key for handler in component.handlers]
    yield from _twice(f"step of {component.key}", (*at, "steps"), steps)
    yield from _twice(f"handler of {component.key}", (*at, "handlers"), handlers)
    notified: set[str] = set()
    for place, step in _numbered((*at, "steps"), component.steps):
        notified.update(step.notify)
        for number, key in enumerate(step.notify):
            if key not in handlers:
                yield (*place, "notify", number), f"{key} is no handler of {component.key}"
        yield from _registering(place, step)
    for place, handler in _numbered((*at, "handlers"), component.handlers):
        if handler.key not in notified:
            yield place, "no step of the component notifies this handler"
        if handler.key in steps:
            yield (*place, "key"), f"is the key of a step of {component.key}, too"


def _registering(at: Path, step: StepSpec) -> Iterator[Fault]:
    """Yield why a step cannot register a value."""
    if step.register_as is None:
        return
    if step.kind not in REGISTERING:
        yield (*at, "register"), f"a step of the kind {step.kind} has nothing to register"
    if step.loop is not None:
        yield (*at, "register"), "a step with a loop would register one value many times"


def _circles(spec: RunbookSpec) -> Iterator[Fault]:
    """Yield components that wait for each other."""
    try:
        TopologicalSorter({c.key: c.depends_on for c in spec.components}).prepare()
    except CycleError as error:
        yield ("components",), f"depend on each other: {' -> '.join(error.args[1])}"


def _twice(what: str, at: Path, keys: list[str]) -> Iterator[Fault]:
    """Yield every key that has been used before."""
    for number, key in enumerate(keys):
        if key in keys[:number]:
            yield (*at, number, "key"), f"there is more than one {what} with the key {key}"


def _numbered(at: Path, parts: Iterable[T]) -> Iterator[tuple[Path, T]]:
    """Yield parts with their places."""
    for number, part in enumerate(parts):
        yield (*at, number), part


def _texts(at: Path, data: Any) -> Iterator[tuple[Path, str]]:
    """Yield all texts in some data with their places."""
    if isinstance(data, str):
        yield at, data
    elif isinstance(data, Mapping):
        for key, value in data.items():
            yield from _texts((*at, key), value)
    elif isinstance(data, list):
        for number, value in enumerate(data):
            yield from _texts((*at, number), value)
