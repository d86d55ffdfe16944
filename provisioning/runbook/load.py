"""Runbooks read from folders; an operator's folder overrides whole files of ours.

A folder holds `<platform>/<role>.yaml`, and beside it the templates that the runbook names by their
path below `<platform>/`. Of a file that several folders have, the last folder's counts.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from jinja2 import TemplateSyntaxError, meta
from pydantic import ValidationError

from inventory.platforms.errors import FileFault
from inventory.platforms.marked_yaml import Marked, load_marked
from provisioning.compile.base import TEMPLATES
from provisioning.runbook.checks import check_parts, check_texts, named_templates
from provisioning.runbook.rendering import environment
from provisioning.runbook.schema import RunbookSpec

# Files of this name are templates, and so is whatever a step names.
TEMPLATE = ".j2"
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
        spec, found = _parse(files[name], paths[name], files)
        found += _misplaced(spec, platform, paths[name]) if spec else []
        faults += found
        if spec and not found:
            runbooks[spec.role] = Runbook(spec, files)
    named = {name for runbook in runbooks.values() for _, name in named_templates(runbook.spec)}
    faults += [
        fault
        for name, text in files.items()
        if name in named or name.endswith(TEMPLATE)
        for fault in _template_faults(text, paths[name], files)
    ]
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


def _parse(
    text: str, path: Path, files: Mapping[str, str]
) -> tuple[RunbookSpec | None, list[FileFault]]:
    """Return the runbook, where it has the right shape, and every fault with its line."""
    try:
        marked = load_marked(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        line = mark.line + 1 if mark else 0
        return None, [FileFault(str(path), line, "", f"is not YAML: {problem}")]
    found = list(marked.faults)
    spec = None
    try:
        spec = RunbookSpec.model_validate(marked.data, context={TEMPLATES: True})
    except ValidationError as error:
        found += [
            (entry["loc"], entry["msg"].removeprefix("Value error, "))
            for entry in error.errors(include_url=False)
        ]
    if spec:
        found += [*check_parts(spec), *check_texts(marked.data, files)]
        found += [
            (at, f"there is no file {name}")
            for at, name in named_templates(spec)
            if "{{" not in name and name not in files
        ]
    return spec, [
        FileFault(str(path), marked.line(at), _field(at, marked), words) for at, words in found
    ]


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


def _misplaced(spec: RunbookSpec, platform: str, path: Path) -> list[FileFault]:
    """Return in what a runbook is not what its path says."""
    faults = []
    if spec.platform != platform:
        faults.append(FileFault(str(path), 0, "platform", f"is not {platform}, as the folder is"))
    if spec.role != path.stem:
        faults.append(FileFault(str(path), 0, "role", f"is not {path.stem}, as the file is named"))
    return faults


def _template_faults(text: str, path: Path, files: Mapping[str, str]) -> list[FileFault]:
    """Return why a file is no template, or what it includes that is not there."""
    try:
        included = meta.find_referenced_templates(environment(files).parse(text))
    except TemplateSyntaxError as error:
        return [FileFault(str(path), error.lineno, "", f"is no template: {error.message}")]
    missing = sorted(name for name in included if name is not None and name not in files)
    return [FileFault(str(path), 0, "", f"there is no file {name}") for name in missing]
