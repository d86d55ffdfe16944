"""Platforms read from YAML files, from stored content, and brought into a canonical form."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from inventory.platforms.consistency import IDENTITY, find_faults
from inventory.platforms.errors import FileFault, PlatformError
from inventory.platforms.marked_yaml import Marked, load_marked
from inventory.platforms.schema import Platform

BUILTIN = Path(__file__).resolve().parent


def load_platform(path: Path) -> Platform:
    """Read a platform's file; raises PlatformError with every fault, its line and its field."""
    try:
        marked = load_marked(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise PlatformError([FileFault(str(path), 0, "", f"cannot be read: {error}")]) from error
    except yaml.YAMLError as error:
        raise PlatformError([_syntax_fault(path, error)]) from error
    return _validate(marked, str(path))


def load_all(dirs: Sequence[Path] = (BUILTIN,)) -> list[Platform]:
    """Read every platform below some folders, by key; a later folder replaces whole platforms."""
    found: dict[str, Platform] = {}
    faults: list[FileFault] = []
    for folder in dirs:
        if not folder.is_dir():
            faults.append(FileFault(str(folder), 0, "", "is not a folder"))
        here: dict[str, Path] = {}
        for path in sorted(folder.glob("*.yaml")):
            try:
                platform = load_platform(path)
            except PlatformError as error:
                faults.extend(error.faults)
                continue
            if platform.key in here:
                other = here[platform.key].name
                faults.append(FileFault(str(path), 0, "key", f"{platform.key} is in {other} too"))
            here[platform.key] = path
            found[platform.key] = platform
    if faults:
        raise PlatformError(faults)
    return [found[key] for key in sorted(found)]


def content(platform: Platform) -> dict[str, Any]:
    """Return a platform as plain JSON data; what equals a default is left out.

    A field that the schema gains later thus makes no new revision of an unchanged platform.
    """
    dumped: dict[str, Any] = platform.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return dumped


def content_hash(data: dict[str, Any]) -> str:
    """Return the SHA-256 of content in its canonical JSON form, in hex."""
    canonical = json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def from_content(data: dict[str, Any], *, origin: str = "content") -> Platform:
    """Return the platform of stored content; raises PlatformError like a file does."""
    return _validate(Marked(data, {(): 0}, []), origin)


def _validate(marked: Marked, origin: str) -> Platform:
    """Return the platform, or raise with what YAML, the schema and the cross-checks found."""
    found = list(marked.faults)
    platform = None
    try:
        platform = Platform.model_validate(marked.data)
    except ValidationError as error:
        found.extend((entry["loc"], entry["msg"]) for entry in error.errors(include_url=False))
    found.extend(find_faults(marked.data))
    if platform is None or found:
        faults = {
            FileFault(origin, marked.line(loc), _field(loc, marked.data), text)
            for loc, text in found
        }
        raise PlatformError(sorted(faults))
    return platform


def _field(loc: tuple[str | int, ...], data: object) -> str:
    """Return a path such as `roles.sql-slave.counts.maximum`: items by key, not by position."""
    words: list[str] = []
    for part in loc:
        field = IDENTITY.get(words[-1]) if words and isinstance(part, int) else None
        data = _step_into(data, part)
        key = data.get(field) if field and isinstance(data, dict) else None
        words.append(str(key) if isinstance(key, str | int) else str(part))
    return ".".join(words)


def _step_into(data: object, part: str | int) -> object:
    """Return what lies at one step of a path, or None where the path leads out of the data."""
    if isinstance(data, dict):
        return data.get(part)
    if isinstance(data, list) and isinstance(part, int) and part < len(data):
        return data[part]
    return None


def _syntax_fault(path: Path, error: yaml.YAMLError) -> FileFault:
    """Return what YAML's parser stumbled over."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    return FileFault(str(path), mark.line + 1 if mark else 0, "", f"is not YAML: {problem}")
