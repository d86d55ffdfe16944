"""CSV tables of containers and of nodes, read and written; pure."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from inventory.interchange.cells import (
    address_data,
    address_text,
    disk_data,
    disk_text,
    guarded,
    joined,
    role_text,
    split,
    unguarded,
    yes_no,
)
from inventory.interchange.faults import Fault, Faulty, suggestion
from inventory.interchange.records import ContainerRecord, Document, Entry, NodeRecord, R
from inventory.interchange.validating import validated
from inventory.interchange.views import node_roles
from inventory.topology import ContainerView, NodeView

MAX_ROWS = 20_000
CONTAINER_COLUMNS = tuple(ContainerRecord.model_fields)
NODE_COLUMNS = tuple(NodeRecord.model_fields)
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs"}
_LISTS: dict[str, Callable[[str], Any]] = {
    "disks": disk_data,
    "addresses": address_data,
    "roles": lambda item: item,
}


def write_containers(views: Iterable[ContainerView]) -> str:
    """Return containers as a table, by name."""
    return _written(CONTAINER_COLUMNS, (_container_cells(view) for view in views))


def write_nodes(views: Iterable[NodeView]) -> str:
    """Return nodes as a table, by name."""
    return _written(NODE_COLUMNS, (_node_cells(view) for view in views))


def read_containers(text: str) -> Document:
    """Read a table of containers; the document holds every fault."""
    entries, faults, notes = _read(ContainerRecord, text)
    return Document(containers=entries, faults=faults, notes=notes)


def read_nodes(text: str) -> Document:
    """Read a table of nodes; the document holds every fault."""
    entries, faults, notes = _read(NodeRecord, text)
    return Document(nodes=entries, faults=faults, notes=notes)


def _container_cells(view: ContainerView) -> list[str]:
    """Return a container's cells."""
    special = {
        "disks": joined(map(disk_text, view.disks)),
        "addresses": joined(map(address_text, view.addresses)),
        "behind_nat": yes_no(view.behind_nat),
    }
    return [special.get(name, _plain(getattr(view, name))) for name in CONTAINER_COLUMNS]


def _node_cells(view: NodeView) -> list[str]:
    """Return a node's cells."""
    roles = joined(map(role_text, node_roles(view)))
    return [view.name, view.container or "", roles, yes_no(view.auto_replace)]


def _plain(value: Any) -> str:
    """Write a name or a number; none is empty."""
    return "" if value is None else str(value)


def _written(columns: tuple[str, ...], rows: Iterable[list[str]]) -> str:
    """Write a header and rows."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([guarded(cell) for cell in row] for row in rows)
    return stream.getvalue()


def _read(
    kind: type[R], text: str
) -> tuple[tuple[Entry[R], ...], tuple[Fault, ...], tuple[str, ...]]:
    """Return the entries of a table, its faults, and how it was read."""
    delimiter = _delimiter(text)
    rows = list(_rows(text, delimiter))
    if not rows:
        raise Faulty([Fault(0, "", "The file is empty: it needs a header row.")])
    if len(rows) - 1 > MAX_ROWS:
        raise Faulty([Fault(0, "", f"The file has more than {MAX_ROWS:,} rows: split it.")])
    (header_row, header), *body = rows
    columns = [_column_name(cell) for cell in header]
    faults = list(_header_faults(kind, header_row, columns))
    entries: list[Entry[R]] = []
    for row, cells in body:
        entry, wrong = _entry(kind, row, columns, cells)
        entries.append(entry)
        faults += wrong
    note = () if delimiter == "," else (f"Read as separated by {DELIMITERS[delimiter]}.",)
    return tuple(entries), tuple(faults), note


def _entry(
    kind: type[R], row: int, columns: list[str], cells: list[str]
) -> tuple[Entry[R], list[Fault]]:
    """Return one row, and what is wrong with it; of two columns of a name the first counts."""
    faults: list[Fault] = []
    if len(cells) != len(columns):
        count = f"{len(cells)} cell{'' if len(cells) == 1 else 's'}"
        faults.append(Fault(row, "", f"The row has {count}, the header {len(columns)}."))
    cell_of: dict[str, str] = {}
    for column, cell in zip(columns, cells, strict=False):
        if column in kind.model_fields:
            cell_of.setdefault(column, cell)
    data, bad = _cells(row, cell_of)
    entry, wrong = validated(kind, data | {"name": data.get("name", "")}, row=row)
    named = [fault for fault in wrong if fault.column != "name" or "name" in columns]
    return entry, [*faults, *bad, *named]


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield rows that are not empty, with their numbers; raises Faulty for what is no table."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):
            stripped = [cell.strip() for cell in cells]
            if any(stripped):
                yield number, [unguarded(cell) for cell in stripped]
    except csv.Error as error:
        raise Faulty([Fault(number + 1, "", f"This is no CSV: {error}.")]) from None


def _delimiter(text: str) -> str:
    """Return what separates the cells of the header; Excel writes semicolons in many countries."""
    header = text.lstrip("\r\n").split("\n", 1)[0]
    return max(DELIMITERS, key=header.count)


def _column_name(cell: str) -> str:
    """Return a column's name as we write it."""
    return cell.lower().replace(" ", "_")


def _header_faults(kind: type[R], row: int, columns: list[str]) -> Iterator[Fault]:
    """Yield unknown columns, columns that occur twice, and a missing name."""
    known = tuple(kind.model_fields)
    for column in dict.fromkeys(columns):
        if column not in known:
            hint = suggestion(column, known)
            yield Fault(row, column, f"There is no such column.{hint}")
        elif columns.count(column) > 1:
            yield Fault(row, column, "The column is there twice.")
    if "name" not in columns:
        yield Fault(row, "name", "The column is missing: rows are told apart by it.")


def _cells(row: int, cell_of: Mapping[str, str]) -> tuple[dict[str, Any], list[Fault]]:
    """Return the plain data of a row, lists taken apart, and lists that cannot be."""
    data: dict[str, Any] = {}
    faults: list[Fault] = []
    for column, cell in cell_of.items():
        if column not in _LISTS:
            data[column] = cell
            continue
        items: list[Any] = []
        for item in split(cell):
            try:
                items.append(_LISTS[column](item))
            except ValueError as error:
                faults.append(Fault(row, column, str(error)))
        data[column] = items
    return data, faults
