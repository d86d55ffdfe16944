"""Secrets that are found again wherever they show: searched for in processes, tables and pages."""

from __future__ import annotations

import base64
import secrets
import subprocess
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag, urlsplit

from django.db import connection
from django.test import Client

# What a page offers that is no page of this cluster, or another view of the same.
SKIPPED = ("/static/", "/rules/", "/logout/", "/admin/jsi18n/", "/admin/password_change/")
PAGES_AT_MOST = 400
# A shorter end of a key may stand anywhere by chance.
LONG_ENOUGH = 12


@dataclass
class Markers:
    """Secret texts by what they are; `hits` says which showed where."""

    values: dict[str, str] = field(default_factory=dict)
    hits: set[tuple[str, str]] = field(default_factory=set)

    def make(self, name: str) -> str:
        """Make a secret that occurs nowhere else."""
        self.values[name] = f"mark-{secrets.token_hex(12)}"
        return self.values[name]

    def plant_key(self, name: str, text: str) -> None:
        """Take every line of a private key for a secret."""
        for number, line in enumerate(text.split("\n")[1:-2]):
            if len(line) >= LONG_ENOUGH:
                self.values[f"{name}, line {number + 2}"] = line

    @property
    def needles(self) -> Mapping[str, bytes]:
        """Return what to search for: the secrets, and how they begin in base64 and hex."""
        found = {}
        for name, value in self.values.items():
            plain = value.encode()
            found[name] = plain
            found[f"{name} in base64"] = base64.b64encode(plain)[: len(plain) // 3 * 4]
            found[f"{name} in hex"] = plain.hex().encode()
        return found

    def search(self, data: bytes, where: str) -> None:
        """Note what of it shows in some bytes."""
        for name, needle in self.needles.items():
            if needle in data:
                self.hits.add((name, where))


@contextmanager
def watching_processes(markers: Markers) -> Iterator[list[int]]:
    """Search command lines and environments of all processes, again and again; counts the looks."""
    ended, looks = threading.Event(), [0]

    def watch() -> None:
        while not ended.is_set():
            for path in Path("/proc").glob("[0-9]*"):
                _search_process(markers, path)
            listed = subprocess.run(["ps", "-eww", "-o", "args"], capture_output=True, check=True)
            markers.search(listed.stdout, "ps")
            looks[0] += 1

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield looks
    finally:
        ended.set()
        thread.join()


def _search_process(markers: Markers, path: Path) -> None:
    """Search one process."""
    for name in ("cmdline", "environ"):
        try:
            markers.search((path / name).read_bytes(), f"{name} of a process")
        except OSError:
            continue  # It ended meanwhile.


def search_tables(markers: Markers) -> int:
    """Search every column of every table, those that are encrypted too; returns the rows."""
    rows = 0
    for table in connection.introspection.table_names():
        with connection.cursor() as cursor:
            cursor.execute(f'SELECT "{table}"::text FROM "{table}"')
            for (text,) in cursor.fetchall():
                markers.search(text.encode(), f"table {table}")
                rows += 1
    return rows


class _Links(HTMLParser):
    """Collects where a page leads and what it loads."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep addresses that are asked for with GET."""
        self.found += [value for name, value in attrs if name in ("href", "hx-get") and value]


def search_pages(client: Client, markers: Markers, start: Iterable[str]) -> set[str]:
    """Search every page that links lead to; returns their paths."""
    waiting, seen = list(start), set[str]()
    while waiting and len(seen) < PAGES_AT_MOST:
        address = waiting.pop(0)
        path = urlsplit(address).path
        if path in seen or path.startswith(SKIPPED):
            continue
        seen.add(path)
        answer = client.get(address)
        body = _body(answer)
        markers.search(body, path)
        if answer.headers.get("Content-Type", "").startswith("text/html"):
            links = _Links()
            links.feed(body.decode(errors="replace"))
            waiting += [urldefrag(link).url for link in links.found if link.startswith("/")]
    return seen


def search_api(client: Client, markers: Markers) -> set[str]:
    """Search the lists of the API and every row in them; returns the paths."""
    seen = set[str]()
    for name, address in client.get("/api/v1/").json().items():
        path = urlsplit(address).path
        listed = client.get(path)
        seen.add(path)
        markers.search(_body(listed), path)
        for row in _rows(listed):
            key = row.get("slug") if name == "clusters" else row.get("id", row.get("key"))
            answer = client.get(f"{path}{key}/")
            if answer.status_code == 404:
                break  # Rows of this kind have no address of their own.
            seen.add(f"{path}{key}/")
            markers.search(_body(answer), f"{path}{key}/")
    return seen


def _rows(listed: Any) -> list[dict[str, Any]]:
    """Return the rows of a list; what is no list has none."""
    found = listed.json() if listed.status_code == 200 else []
    found = found.get("results", []) if isinstance(found, dict) else found
    return [row for row in found if isinstance(row, dict)]


def _body(answer: Any) -> bytes:
    """Return all of an answer."""
    return b"".join(answer.streaming_content) if answer.streaming else answer.content
