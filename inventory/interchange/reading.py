"""Turns the bytes that somebody sends into a document; pure."""

from inventory.interchange.faults import Fault, Faulty
from inventory.interchange.records import Document
from inventory.interchange.tables import read_containers, read_nodes
from inventory.interchange.yaml_files import SECTIONS, read_yaml

MAX_BYTES = 5 * 1024 * 1024
SECTIONS_OF: dict[str, frozenset[str]] = {
    "containers": frozenset({"containers"}),
    "nodes": frozenset({"nodes"}),
    "cluster": frozenset({"cluster", *SECTIONS}),
}


def read(data: bytes, *, what: str, form: str) -> Document:
    """Return what a file says of containers, nodes or a cluster, as `csv` or `yaml`.

    Raises Faulty for what cannot be read at all; the document holds all other faults.
    """
    if len(data) > MAX_BYTES:
        raise Faulty(
            [Fault(0, "", f"The file has more than {MAX_BYTES // 1024**2} MiB: split it.")]
        )
    text = _decoded(data)
    if not text.strip():
        raise Faulty([Fault(0, "", "The file is empty.")])
    if form == "yaml":
        return read_yaml(text, SECTIONS_OF[what])
    if what == "cluster":
        raise Faulty([Fault(0, "", "A whole cluster is imported from YAML, not from a table.")])
    return read_containers(text) if what == "containers" else read_nodes(text)


def guess_form(data: bytes, name: str = "") -> str:
    """Tell CSV from YAML by the file's name, else by how it begins."""
    if name.lower().endswith((".yaml", ".yml")):
        return "yaml"
    if name.lower().endswith((".csv", ".txt", ".tsv")):
        return "csv"
    start = data.lstrip(b"\xef\xbb\xbf \r\n\t")
    return "yaml" if start.startswith((b"schema:", b"---", b"#")) else "csv"


def _decoded(data: bytes) -> str:
    """Return the text, with or without a byte order mark."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
        words = "This is not UTF-8. In Excel, save as “CSV UTF-8 (Comma delimited)”."
        raise Faulty([Fault(row, "", words)]) from None
    if "\x00" in text:
        row = text.count("\n", 0, text.index("\x00")) + 1
        raise Faulty([Fault(row, "", "This is no text: it has null characters.")])
    return text
