"""A runbook's file with the components that it includes in their places.

A component may be `- include: common/names.yaml` instead of its own steps. What stands beside
`include` wins over the included file, and every value still knows the file and line it is from.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from inventory.platforms.errors import FileFault
from inventory.platforms.marked_yaml import Marked, load_marked

Place = tuple[str | int, ...]
# What a component is made of is its file's alone.
NOT_BESIDE = ("steps", "handlers")


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was read: where it is and what it holds."""

    path: Path
    marked: Marked

    def fault(self, at: Place, words: str) -> FileFault:
        """Return what is wrong at a place of the file."""
        return FileFault(str(self.path), self.marked.line(at), self._field(at), words)

    def _field(self, at: Place) -> str:
        """Return a path such as `components.etcd.steps.config.file.mode`: items by key."""
        words: list[str] = []
        data = self.marked.data
        for part in at:
            try:
                data = data[part]
            except (KeyError, IndexError, TypeError):
                data = None
            named = isinstance(part, int) and isinstance(data, dict) and _known_by(data)
            words.append(str(named or part))
        return ".".join(words)


@dataclass(frozen=True, slots=True)
class Assembled:
    """A runbook's data; `parts` are the files that components were included from, by number.

    `broken` are the places of components that could not be included, `faults` say why.
    """

    own: Source
    data: Any
    parts: Mapping[int, Source]
    broken: frozenset[Place]
    faults: tuple[FileFault, ...]

    def fault(self, at: Place, words: str) -> FileFault:
        """Return what is wrong at a place, told of the file that it was written in."""
        part = self.parts.get(int(at[1])) if len(at) > 2 and at[0] == "components" else None
        # Parameters of both files count, key by key; of everything else one file's.
        beside = at[:4] if at[2:3] == ("parameters",) else at[:3]
        if part is None or beside in self.own.marked.lines:
            return self.own.fault(at, words)
        return part.fault(at[2:], words)


def is_runbook(name: str) -> bool:
    """Tell whether a file holds a whole runbook, by its path below the platform's folder."""
    return "/" not in name and name.endswith(".yaml")


def assemble(
    name: str, paths: Mapping[str, Path], files: Mapping[str, str]
) -> tuple[Assembled | None, list[FileFault]]:
    """Return a runbook's file with all it includes, and why not where it cannot be read at all."""
    own, faults = _read(name, paths, files)
    if own is None:
        return None, faults
    data = own.marked.data
    components = data.get("components") if isinstance(data, dict) else None
    made: list[Any] = list(components) if isinstance(components, list) else []
    parts: dict[int, Source] = {}
    broken: set[Place] = set()
    for number, component in enumerate(made):
        if not isinstance(component, dict) or "include" not in component:
            continue
        at = ("components", number)
        part, found = _included(own, at, component, paths, files)
        if part and not found:
            parts[number], made[number] = part, _merged(part.marked.data, component)
        else:
            broken.add(at)
            faults += found
    if parts:
        data = {**data, "components": made}
    return Assembled(own, data, parts, frozenset(broken), tuple(faults)), []


def _read(
    name: str, paths: Mapping[str, Path], files: Mapping[str, str]
) -> tuple[Source | None, list[FileFault]]:
    """Return a file's data with its lines, and what YAML itself finds wrong."""
    path = paths[name]
    try:
        source = Source(path, load_marked(files[name]))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        line = mark.line + 1 if mark else 0
        return None, [FileFault(str(path), line, "", f"is not YAML: {problem}")]
    return source, [source.fault(at, words) for at, words in source.marked.faults]


def _included(
    own: Source,
    at: Place,
    component: Mapping[str, Any],
    paths: Mapping[str, Path],
    files: Mapping[str, str],
) -> tuple[Source | None, list[FileFault]]:
    """Return the file that a component includes, and everything that is wrong with that."""
    name = component["include"]
    faults = [
        own.fault((*at, field), f"is the included file's: beside include no {field} may stand")
        for field in NOT_BESIDE
        if field in component
    ]
    if problem := _no_part(name, files):
        return None, [*faults, own.fault((*at, "include"), problem)]
    part, found = _read(name, paths, files)
    if part and not isinstance(part.marked.data, dict):
        found.append(part.fault((), "holds no component: it has no key, title and steps"))
    elif part and "include" in part.marked.data:
        words = "what is included itself may include nothing more"
        found.append(part.fault(("include",), words))
    return part, faults + found


def _no_part(name: Any, files: Mapping[str, str]) -> str:
    """Return why a name is not that of a file with a component, or nothing."""
    if not isinstance(name, str):
        return "is the path of a file beside the runbooks"
    if name not in files:
        return f"there is no file {name}"
    if is_runbook(name):
        return f"{name} is a runbook, and no component of one"
    return ""


def _merged(part: Mapping[str, Any], beside: Mapping[str, Any]) -> dict[str, Any]:
    """Return an included component with what stands beside its `include`."""
    over = {field: value for field, value in beside.items() if field != "include"}
    given, wanted = part.get("parameters"), over.get("parameters")
    if isinstance(given, dict) and isinstance(wanted, dict):
        over["parameters"] = {**given, **wanted}
    return {**part, **over}


def _known_by(item: Mapping[str, Any]) -> Any:
    """Return what an item of a list is called: its key, or the file that it is included from."""
    return item.get("key") or item.get("include")
