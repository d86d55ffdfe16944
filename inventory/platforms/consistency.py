"""What a schema cannot say: references, ranges, order, sources, checked across a whole file.

The checks read plain data, so that they report beside the schema's own errors, not after them.
"""

import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from typing import Any

from inventory.platforms.schema import SELECTORS

Path = tuple[str | int, ...]
Fault = tuple[Path, str]

# Lists whose items are told apart by this field.
IDENTITY = {
    "documents": "key",
    "layers": "key",
    "roles": "key",
    "ports": "key",
    "releases": "key",
    "install_order": "number",
    "checklist": "id",
    "parameters": "key",
    "targets": "key",
    "notes": "key",
    "components": "key",
}
RANGES = (
    ("minimum", "maximum"),
    ("minimum", "recommended_minimum"),
    ("recommended_minimum", "maximum"),
    ("min_size", "max_size"),
    ("first_host", "last_host"),
    ("vcpu_min", "vcpu_recommended"),
    ("memory_mib_min", "memory_mib_recommended"),
)
# "K13" and "S8" are readings of ours, "local" is an operator's override.
OUR_READING = re.compile(r"^([KS][1-9][0-9]?|local)$")


def find_faults(data: object) -> Iterator[Fault]:
    """Yield every fault that lies between the parts of a platform."""
    if not isinstance(data, dict):
        return
    for path, value in _walk(data, ()):
        yield from _check_duplicates(path, value)
        yield from _check_ranges(path, value)
        yield from _check_source(path, value, data)
    yield from _check_roles(data)
    yield from _check_ports(data)
    yield from _check_releases(data)
    yield from _check_order(data)
    yield from _check_parameters(data)
    yield from _check_scaling(data)


def _walk(value: object, path: Path) -> Iterator[tuple[Path, Any]]:
    """Yield every mapping and list with its path."""
    if isinstance(value, dict):
        yield path, value
        for key, inner in value.items():
            yield from _walk(inner, (*path, key))
    elif isinstance(value, list):
        yield path, value
        for index, inner in enumerate(value):
            yield from _walk(inner, (*path, index))


def _items(data: dict[str, Any], name: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield the mappings of a list with their paths; what is no mapping is the schema's matter."""
    values = data.get(name)
    for index, item in enumerate(values if isinstance(values, list) else ()):
        if isinstance(item, dict):
            yield (name, index), item


def _texts(item: dict[str, Any], name: str) -> Iterator[tuple[int, str]]:
    """Yield the texts of a list with their positions."""
    values = item.get(name)
    for index, value in enumerate(values if isinstance(values, list) else ()):
        if isinstance(value, str):
            yield index, value


def _keys(data: dict[str, Any], name: str) -> set[Any]:
    """Return the keys of a list's items."""
    return {item.get("key") for _, item in _items(data, name)}


def _component_keys(data: dict[str, Any]) -> set[Any]:
    """Return the keys of all roles' components."""
    return {
        c.get("key") for _, role in _items(data, "roles") for _, c in _items(role, "components")
    }


def _check_duplicates(path: Path, value: object) -> Iterator[Fault]:
    """Yield items of one list that cannot be told apart."""
    if not isinstance(value, list) or path[-1] not in IDENTITY:
        return
    field = IDENTITY[str(path[-1])]
    seen: set[Any] = set()
    for index, item in enumerate(value):
        key = item.get(field) if isinstance(item, dict) else None
        if isinstance(key, str | int) and key in seen:
            yield (*path, index, field), f"{key} is used twice"
        seen.add(key if isinstance(key, str | int) else None)


def _check_ranges(path: Path, value: object) -> Iterator[Fault]:
    """Yield bounds that contradict each other."""
    if not isinstance(value, dict):
        return
    for low, high in RANGES:
        below, above = value.get(low), value.get(high)
        if isinstance(below, int) and isinstance(above, int) and below > above:
            yield (*path, high), f"{above} is below {low}, which is {below}"
    if value.get("unlimited") is True and isinstance(value.get("maximum"), int):
        yield (*path, "unlimited"), "is true beside a maximum"


def _check_source(path: Path, value: object, data: dict[str, Any]) -> Iterator[Fault]:
    """Yield sources that name a document which the file does not list."""
    if not isinstance(value, dict) or not isinstance(value.get("document"), str):
        return
    name = value["document"]
    if OUR_READING.match(name) or name.split(":", 1)[0] in _keys(data, "documents"):
        return
    yield (*path, "document"), f"{name} is not listed under documents"


def _check_roles(data: dict[str, Any]) -> Iterator[Fault]:
    """Yield roles that refer to what does not exist, or that wait for each other."""
    roles, layers, parameters = (_keys(data, n) for n in ("roles", "layers", "parameters"))
    graph: dict[str, list[str]] = {}
    for path, role in _items(data, "roles"):
        layer = role.get("layer")
        if isinstance(layer, str) and layer not in layers:
            yield (*path, "layer"), f"{layer} is not a layer of this platform"
        for field in ("depends_on", "keep_apart_from"):
            for index, key in _texts(role, field):
                if key not in roles:
                    yield (*path, field, index), f"{key} is not a role of this platform"
        condition = role.get("not_needed_when")
        if isinstance(condition, dict) and condition.get("parameter") not in parameters:
            name = condition.get("parameter")
            yield (*path, "not_needed_when", "parameter"), f"{name} is not a parameter"
        graph[str(role.get("key"))] = [key for _, key in _texts(role, "depends_on")]
    yield from _check_cycles(graph)


def _check_cycles(graph: dict[str, list[str]]) -> Iterator[Fault]:
    """Yield a circle of roles that depend on each other."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        # graphlib lists a node before those that wait for it.
        circle = list(reversed(error.args[1]))
        at = list(graph).index(circle[0])
        yield ("roles", at, "depends_on"), "goes in a circle: " + " -> ".join(circle)


def _check_ports(data: dict[str, Any]) -> Iterator[Fault]:
    """Yield ports with unknown ends, impossible ranges or an unexplained supplement."""
    ends = SELECTORS | _keys(data, "roles") | {f"component:{k}" for k in _component_keys(data)}
    for path, port in _items(data, "ports"):
        for field in ("from", "to"):
            for index, end in _texts(port, field):
                if end not in ends:
                    yield (*path, field, index), f"{end} is neither a role nor a known selector"
        yield from _check_range(path, port)
        source = port.get("source")
        document = source.get("document") if isinstance(source, dict) else None
        ours = isinstance(document, str) and OUR_READING.match(document)
        if ours and not port.get("supplement_reason"):
            yield (*path, "supplement_reason"), "is missing: the vendor's documents lack this port"


def _check_range(path: Path, port: dict[str, Any]) -> Iterator[Fault]:
    """Yield a port range that is empty, too high, or missing."""
    ports, protocol = port.get("ports"), port.get("protocol")
    if ports is None and protocol in ("tcp", "udp"):
        yield (*path, "ports"), f"is missing: {protocol} has ports"
    if not isinstance(ports, str) or not re.match(r"^\d+(-\d+)?$", ports):
        return
    first, last = int(ports.split("-")[0]), int(ports.split("-")[-1])
    if first > last or last > 65535:
        yield (*path, "ports"), f"{ports} is not a range of ports below 65536"


def _check_releases(data: dict[str, Any]) -> Iterator[Fault]:
    """Yield facts of a release about roles that do not exist, and a second current release."""
    roles = _keys(data, "roles")
    current = 0
    for path, release in _items(data, "releases"):
        current += release.get("current") is True
        if current > 1:
            yield (*path, "current"), "is true in more than one release"
            current = 1
        for inner, gone in _items(release, "unavailable"):
            if gone.get("role") not in roles:
                where = (*path, *inner, "role")
                yield where, f"{gone.get('role')} is not a role of this platform"


def _check_order(data: dict[str, Any]) -> Iterator[Fault]:
    """Yield steps that name unknown roles, and roles whose step is missing or too early."""
    known = {"roles": _keys(data, "roles"), "components": _component_keys(data)}
    step_of: dict[str, Any] = {}
    for path, step in _items(data, "install_order"):
        for field, keys in known.items():
            for index, key in _texts(step, field):
                if key not in keys:
                    yield (*path, field, index), f"{key} is not known in this platform"
                elif field == "roles" and key in step_of:
                    yield (*path, field, index), f"{key} is in step {step_of[key]} already"
                elif field == "roles":
                    step_of[key] = step.get("number")
    for path, role in _items(data, "roles"):
        yield from _check_step(path, role, step_of)


def _check_step(path: Path, role: dict[str, Any], step_of: dict[str, Any]) -> Iterator[Fault]:
    """Yield what is wrong with one role's place in the order."""
    key, step = role.get("key"), role.get("install_step")
    if not isinstance(key, str) or not isinstance(step, int):
        return
    if step_of.get(key) != step:
        yield (*path, "install_step"), f"step {step} of install_order does not list {key}"
    for index, other in _texts(role, "depends_on"):
        before = step_of.get(other)
        if isinstance(before, int) and before > step:
            yield (*path, "depends_on", index), f"{other} is installed later, in step {before}"


def _check_parameters(data: dict[str, Any]) -> Iterator[Fault]:
    """Yield defaults that the parameter itself would refuse."""
    types = {"integer": int, "boolean": bool}
    for path, parameter in _items(data, "parameters"):
        default, kind = parameter.get("default"), parameter.get("type")
        if kind == "choice" and not parameter.get("choices"):
            yield (*path, "choices"), "is missing for a choice"
        if default is None:
            continue
        if type(default) is not types.get(str(kind), str):
            yield (*path, "default"), f"{default!r} is not of type {kind}"
        elif kind == "choice" and default not in (parameter.get("choices") or ()):
            yield (*path, "default"), f"{default} is not among the choices"
        elif kind == "secret":
            yield (*path, "default"), "a secret has no default"
        elif isinstance(default, int) and kind == "integer":
            yield from _check_bounds(path, parameter, default)


def _check_bounds(path: Path, parameter: dict[str, Any], default: int) -> Iterator[Fault]:
    """Yield an integer's default outside its bounds."""
    low, high = parameter.get("minimum"), parameter.get("maximum")
    if isinstance(low, int) and default < low:
        yield (*path, "default"), f"{default} is below the minimum, which is {low}"
    if isinstance(high, int) and default > high:
        yield (*path, "default"), f"{default} is above the maximum, which is {high}"


def _check_scaling(data: dict[str, Any]) -> Iterator[Fault]:
    """Yield rows of the scaling table for roles that do not exist."""
    roles = _keys(data, "roles")
    for path, row in _items(data, "scaling"):
        if row.get("role") not in roles:
            yield (*path, "role"), f"{row.get('role')} is not a role of this platform"
