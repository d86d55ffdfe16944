"""Clusters, or their containers or nodes alone, as YAML; read and written, pure."""

from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from rest_framework.exceptions import ValidationError

from inventory.interchange.faults import Fault, Faulty, suggestion
from inventory.interchange.records import (
    BalancerRecord,
    ClusterRecord,
    ContainerRecord,
    Document,
    Entry,
    FactRecord,
    HypervisorRecord,
    LocationRecord,
    NetworkRecord,
    NodeRecord,
    R,
    Record,
)
from inventory.interchange.validating import validated
from inventory.platforms.marked_yaml import Marked, load_marked
from voipadmin.serializers import storable_json

SCHEMA = 1
MAX_ENTRIES = 20_000
MAX_DEPTH = 20
SECTIONS: dict[str, type[Record]] = {
    "locations": LocationRecord,
    "hypervisors": HypervisorRecord,
    "networks": NetworkRecord,
    "containers": ContainerRecord,
    "nodes": NodeRecord,
    "balancers": BalancerRecord,
    "facts": FactRecord,
}
# The fields that tell entries of a section apart.
KEYS: dict[str, tuple[str, ...]] = {"facts": ("subject", "key")}
_Events = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Writes everything out: what is the same twice is written twice."""

    def ignore_aliases(self, data: Any) -> bool:
        """Refer to nothing."""
        return True


def write_yaml(content: Mapping[str, Any]) -> str:
    """Return sections as YAML, each entry's plain fields in one line."""
    text: str = yaml.dump(
        {"schema": SCHEMA, **content},
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=None,
        width=1_000_000,
    )
    return text


def read_yaml(text: str, sections: frozenset[str]) -> Document:
    """Read a file that may have these sections (of SECTIONS, or `cluster`).

    Raises Faulty for what is no YAML at all; the document holds all other faults.
    """
    marked = _marked(text)
    if not isinstance(marked.data, dict):
        raise Faulty([Fault(1, "", "The file is empty, or has no sections such as containers:.")])
    faults = [Fault(marked.line(at), _words(at), f"It {words}.") for at, words in marked.faults]
    faults += _top_faults(marked, sections)
    found: dict[str, Any] = {}
    for name, kind in SECTIONS.items():
        if name in marked.data and name in sections:
            found[name], wrong = _section(marked, name, kind)
            faults += wrong
    if "cluster" in marked.data and "cluster" in sections:
        found["cluster"], wrong = _entry(marked, ("cluster",), ClusterRecord, "cluster")
        faults += wrong
    return Document(**found, faults=tuple(faults))


def _marked(text: str) -> Marked:
    """Return the file's data with lines; what could blow up is refused before it is built."""
    try:
        _refuse_bombs(text)
        return load_marked(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        row = mark.line + 1 if mark else 0
        raise Faulty([Fault(row, "", f"This is no YAML: {problem}.")]) from None


def _refuse_bombs(text: str) -> None:
    """Refuse aliases, by which a small file becomes a large one, and depth without end."""
    depth = 0
    for event in yaml.parse(text, Loader=_Events):
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise Faulty([Fault(line, "", "Anchors and aliases (& and *) are not allowed.")])
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise Faulty([Fault(line, "", f"Nested deeper than {MAX_DEPTH} levels.")])


def _top_faults(marked: Marked, sections: frozenset[str]) -> Iterator[Fault]:
    """Yield unknown sections, and a schema that is not ours."""
    for name in marked.data:
        if name not in sections | {"schema"}:
            hint = suggestion(name, sections)
            yield Fault(marked.line((name,)), name, f"There is no such section here.{hint}")
    if marked.data.get("schema") != SCHEMA:
        line = marked.line(("schema",))
        yield Fault(line, "schema", f"The file begins with schema: {SCHEMA}.")
    if not sections & set(marked.data):
        wanted = ", ".join(sorted(sections))
        yield Fault(0, "", f"The file has none of the sections {wanted}.")


def _section(
    marked: Marked, name: str, kind: type[R]
) -> tuple[tuple[Entry[R], ...], tuple[Fault, ...]]:
    """Return the entries of a list, and its faults."""
    data = marked.data[name]
    if data is None:
        return (), ()
    if not isinstance(data, list):
        return (), (Fault(marked.line((name,)), name, "Write a list here."),)
    if len(data) > MAX_ENTRIES:
        raise Faulty([Fault(0, name, f"There are more than {MAX_ENTRIES:,} entries: split it.")])
    entries: list[Entry[R]] = []
    faults: list[Fault] = []
    for index in range(len(data)):
        entry, wrong = _entry(marked, (name, index), kind, f"{name}[{index + 1}]")
        faults += wrong
        if entry:
            entries.append(entry)
    return tuple(entries), tuple(faults)


def _entry(
    marked: Marked, at: tuple[str | int, ...], kind: type[R], path: str
) -> tuple[Entry[R] | None, tuple[Fault, ...]]:
    """Return one entry, None where there are no fields, and its faults."""
    data: Any = marked.data
    for step in at:
        data = data[step]
    row = marked.line(at)
    if isinstance(data, str) and kind is LocationRecord:
        data = {"name": data}
    if not isinstance(data, dict):
        return None, (Fault(row, path, "Write fields with values here, such as name: ..."),)
    lines = {name: marked.line((*at, name)) for name in data}
    identity = "slug" if kind is ClusterRecord else "subject" if kind is FactRecord else "name"
    entry, faults = validated(
        kind, {identity: "", **data}, row=row, path=path, lines={identity: row, **lines}
    )
    return entry, (*faults, *_unstorable(entry))


def _unstorable(entry: Entry[Any]) -> Iterator[Fault]:
    """Yield free values that the database cannot hold."""
    for name in entry.good & {"parameters", "value"}:
        try:
            storable_json(getattr(entry.record, name))
            str(getattr(entry.record, name)).encode()
        except UnicodeEncodeError:
            yield entry.fault(name, "Surrogate characters are no text.")
        except ValidationError as error:
            yield entry.fault(name, " ".join(str(words) for words in error.detail))


def _words(path: tuple[str | int, ...]) -> str:
    """Return a path as people write it: containers[3].vcpus."""
    parts = (f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in path)
    return "".join(parts).lstrip(".")
