"""Runbooks read from folders; an operator's folder overrides whole files of ours.

A folder holds `<platform>/<role>.yaml`, and beside it the templates and components that runbooks
name by their path below `<platform>/`. Of a file that several folders have, the last one counts.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import TemplateSyntaxError, meta
from pydantic import ValidationError

from inventory.platforms.errors import FileFault
from provisioning.compile.base import TEMPLATES
from provisioning.runbook.assemble import assemble, is_runbook
from provisioning.runbook.checks import Fault, check_parts, check_texts, named_templates
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
        return {p: t for p, t in self.files.items() if p == own or not is_runbook(p)}


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
    for name in sorted(name for name in files if is_runbook(name)):
        spec, found = _parse(name, paths, files)
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
        # What is wrong with a file that many include is said once.
        raise RunbookError(list(dict.fromkeys(faults)))
    return runbooks


def _read(path: Path, faults: list[FileFault]) -> str | None:
    """Return a file's text, or note why not."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        faults.append(FileFault(str(path), 0, "", f"cannot be read: {error}"))
        return None


def _parse(
    name: str, paths: Mapping[str, Path], files: Mapping[str, str]
) -> tuple[RunbookSpec | None, list[FileFault]]:
    """Return the runbook, where it has the right shape, and every fault with its line."""
    assembled, faults = assemble(name, paths, files)
    if assembled is None:
        return None, faults
    found: list[Fault] = []
    spec = None
    try:
        spec = RunbookSpec.model_validate(assembled.data, context={TEMPLATES: True})
    except ValidationError as error:
        found += [
            (entry["loc"], entry["msg"].removeprefix("Value error, "))
            for entry in error.errors(include_url=False)
        ]
    if spec:
        found += [*check_parts(spec), *check_texts(assembled.data, files)]
        found += [
            (at, f"there is no file {name}")
            for at, name in named_templates(spec)
            if "{{" not in name and name not in files
        ]
    told = [assembled.fault(at, words) for at, words in found if at[:2] not in assembled.broken]
    return spec, [*assembled.faults, *told]


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
