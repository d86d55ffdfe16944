"""YAML read together with the line of every value."""

import re
from typing import Any, NamedTuple

import yaml

Path = tuple[str | int, ...]


class Marked(NamedTuple):
    """Plain data, the line of every path in it, and what YAML itself lets pass but we do not."""

    data: Any
    lines: dict[Path, int]
    faults: list[tuple[Path, str]]

    def line(self, path: Path) -> int:
        """Return the line of a path, or of the nearest thing around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


class _Loader(yaml.SafeLoader):
    """YAML 1.1 without its traps: `no` is a word, 5:30 and 2024-06-30 are text."""


_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern)
        for tag, pattern in resolvers
        if tag.rsplit(":", 1)[-1] in ("null", "float", "merge")
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _resolve(tag: str, pattern: str, first: str) -> None:
    """Let plain scalars of one shape be something else than text."""
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), list(first))


_resolve("bool", r"^(?:true|false)$", "tf")
_resolve("int", r"^(?:0|-?[1-9][0-9]*)$", "-0123456789")


def load_marked(text: str) -> Marked:
    """Read one YAML document; raises yaml.YAMLError when it is none."""
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        marked = Marked(None, {}, [])
        data = _build(node, (), loader, marked, frozenset()) if node is not None else None
        return marked._replace(data=data)
    finally:
        loader.dispose()


def _build(
    node: yaml.Node, path: Path, loader: _Loader, marked: Marked, above: frozenset[int]
) -> object:
    """Return a node as plain data and note its lines."""
    marked.lines.setdefault(path, node.start_mark.line + 1)
    if id(node) in above:
        marked.faults.append((path, "an alias points to what it is part of"))
        return None
    above |= {id(node)}
    if isinstance(node, yaml.SequenceNode):
        return [_build(n, (*path, i), loader, marked, above) for i, n in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        return _build_mapping(node, path, loader, marked, above)
    try:
        return loader.construct_object(node)
    except (yaml.constructor.ConstructorError, ValueError) as error:
        marked.faults.append((path, f"cannot be read: {getattr(error, 'problem', error)}"))
        return None


def _build_mapping(
    node: yaml.MappingNode, path: Path, loader: _Loader, marked: Marked, above: frozenset[int]
) -> dict[str, Any]:
    """Return a mapping; a key that occurs twice is a fault, for YAML would drop the first."""
    built: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = str(key_node.value)
        at = (*path, key)
        if key in built:
            marked.faults.append((at, f"is given twice, again in line {_line(key_node)}"))
        marked.lines[at] = _line(key_node)
        built[key] = _build(value_node, at, loader, marked, above)
    return built


def _line(node: yaml.Node) -> int:
    """Return the line that a node begins in."""
    return int(node.start_mark.line) + 1
