"""Runbooks read from folders; an operator's folder overrides whole files of ours.

A folder holds `<platform>/<role>.yaml`, and beside it the templates that the runbook names by their
path below `<platform>/`. Of a file that several folders have, the last folder's counts.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import yaml
from jinja2 import TemplateSyntaxError
from pydantic import ValidationError

from inventory.platforms.errors import FileFault
from inventory.platforms.marked_yaml import Marked, load_marked
from provisioning.runbook.rendering import environment
from provisioning.runbook.schema import RunbookSpec, StepSpec

BUILTIN = Path(__file__).resolve().parent.parent / "runbooks"


class RunbookError(Exception):
    """Runbooks that cannot be used; carries every fault with file, line and field."""

    def __init__(self, faults: Sequence[FileFault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in faults))


@dataclass(frozen=True, slots=True)
class Runbook:
    """A runbook with the platform's files; `hash` is its version."""

    spec: RunbookSpec
    files: Mapping[str, str]

    @property
    def hash(self) -> str:
        """Return the SHA-256 of the runbook and everything it may include."""
        digest = hashlib.sha256()
        for path, text in sorted(self.own_files.items()):
            digest.update(f"{path}\0{text}\0".encode())
        return digest.hexdigest()

    @property
    def own_files(self) -> dict[str, str]:
        """Return the runbook and everything it may include."""
        own = f"{self.spec.role}.yaml"
        return {p: t for p, t in self.files.items() if p == own or not p.endswith(".yaml")}


def load_runbooks(platform: str, *, directories: Sequence[Path] = ()) -> dict[str, Runbook]:
    """Return a platform's runbooks by role key; raises RunbookError with every fault."""
    paths: dict[str, Path] = {}
    for folder in (BUILTIN, *directories):
        base = folder / platform
        paths |= {
            path.relative_to(base).as_posix(): path
            for path in sorted(base.rglob("*"))
            if path.is_file() and not path.name.startswith(".")
        }
    faults: list[FileFault] = []
    files = {
        name: text for name, path in paths.items() if (text := _read(path, faults)) is not None
    }
    runbooks = {}
    for name in sorted(name for name in files if "/" not in name and name.endswith(".yaml")):
        spec = _parse(files[name], paths[name], faults)
        if spec and _fits(spec, platform, paths[name], faults):
            runbooks[spec.role] = Runbook(spec, files)
            faults.extend(_template_faults(spec, files, paths))
    if faults:
        raise RunbookError(faults)
    return runbooks


def _read(path: Path, faults: list[FileFault]) -> str | None:
    """Return a file's text, or note why not."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        faults.append(FileFault(str(path), 0, "", f"cannot be read: {error}"))
        return None


def _parse(text: str, path: Path, faults: list[FileFault]) -> RunbookSpec | None:
    """Return the runbook, or note every fault with its line."""
    try:
        marked = load_marked(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        faults.append(
            FileFault(str(path), mark.line + 1 if mark else 0, "", f"is not YAML: {problem}")
        )
        return None
    found = list(marked.faults)
    spec = None
    try:
        spec = RunbookSpec.model_validate(marked.data)
    except ValidationError as error:
        found.extend((entry["loc"], entry["msg"]) for entry in error.errors(include_url=False))
    faults.extend(
        FileFault(str(path), marked.line(loc), _field(loc, marked), text) for loc, text in found
    )
    return None if found else spec


def _field(loc: tuple[str | int, ...], marked: Marked) -> str:
    """Return a path such as `components.etcd.steps.config.file.mode`: items by key."""
    words: list[str] = []
    data = marked.data
    for part in loc:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            data = None
        named = isinstance(part, int) and isinstance(data, dict) and data.get("key")
        words.append(str(named or part))
    return ".".join(words)


def _fits(spec: RunbookSpec, platform: str, path: Path, faults: list[FileFault]) -> bool:
    """Tell whether a runbook is what its path says, and its components can be put in order."""
    before = len(faults)
    if spec.platform != platform:
        faults.append(FileFault(str(path), 0, "platform", f"is not {platform}, as the folder is"))
    if spec.role != path.stem:
        faults.append(FileFault(str(path), 0, "role", f"is not {path.stem}, as the file is named"))
    try:
        TopologicalSorter({c.key: c.depends_on for c in spec.components}).prepare()
    except CycleError as error:
        circle = " -> ".join(error.args[1])
        faults.append(FileFault(str(path), 0, "components", f"depend on each other: {circle}"))
    return len(faults) == before


def _template_faults(
    spec: RunbookSpec, files: Mapping[str, str], paths: Mapping[str, Path]
) -> list[FileFault]:
    """Return templates that a runbook names but are not there, or are no templates."""
    faults = []
    here = str(paths[f"{spec.role}.yaml"])
    for component in spec.components:
        for step in component.steps:
            field = f"components.{component.key}.steps.{step.key}"
            for name in template_names(step):
                if name not in files:
                    faults.append(FileFault(here, 0, field, f"there is no file {name}"))
                    continue
                try:
                    environment(files).parse(files[name])
                except TemplateSyntaxError as error:
                    message = str(error.message)
                    faults.append(FileFault(str(paths[name]), error.lineno, field, message))
    return faults


def template_names(step: StepSpec) -> tuple[str, ...]:
    """Return the templates that a step names."""
    if step.file:
        return (step.file.template,) if step.file.template else ()
    holder = step.command or step.wait_for
    return tuple(holder.files.values()) if holder else ()
