"""Where each requirement lives and which tests hold it, written to docs/requirements.md.

`python -m tests.requirements` does it.

Rules, platforms and checks on machines name the requirements they carry out; tests name them, or
the rules that do. What lives elsewhere (a column, a page) or not yet says so in
docs/requirements.yaml: `lives` is a list of addresses in the code, `later` is the reason.
"""

import ast
import os
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

BASE_DIR = Path(__file__).resolve().parent.parent
SOURCE = BASE_DIR / "docs/requirements.yaml"
PAGE = BASE_DIR / "docs/requirements.md"
NUMBER = re.compile(r"\b[RKS][1-9]\d{0,2}\b")
TITLES = {
    "R": "Requirements",
    "K": "Where documents contradict each other",
    "S": "Readings that win",
}
KINDS = {
    "E": "blocks",
    "W": "warns",
    "I": "informs",
    "M": "models",
    "P": "process",
    "C": "check on the machine",
    "X": "capacity figure",
}


@dataclass(frozen=True)
class Row:
    """A requirement, where it lives, its tests, and why something is missing."""

    number: str
    kind: str
    text: str
    treatment: str
    homes: tuple[str, ...]
    tests: tuple[str, ...]
    later: str

    @property
    def fault(self) -> str:
        """Say what is missing without a reason, empty when nothing is."""
        if self.later:
            return ""
        if not self.homes:
            return f"{self.number} lives nowhere: {self.text}"
        if not self.tests:
            return f"{self.number} has no test: {self.text}"
        return ""


def rows() -> list[Row]:
    """Return every requirement, in the order of its document."""
    stated = yaml.safe_load(SOURCE.read_text())
    homes, tests = _homes(), _tests()
    return [
        Row(
            number=number,
            kind=facts["kind"],
            text=facts["text"],
            treatment=facts.get("treatment", ""),
            homes=tuple(sorted({*homes[number], *map(_checked, facts.get("lives", ()))})),
            tests=tuple(sorted(tests[number])),
            later=facts.get("later", ""),
        )
        for number, facts in stated.items()
    ]


def page() -> str:
    """Return docs/requirements.md."""
    return "\n".join(_page(rows())) + "\n"


def _page(all_rows: list[Row]) -> Iterator[str]:
    """Yield the lines of the page."""
    yield "# Requirements, where they live, and their tests"
    yield ""
    yield "Made from the code by `python -m tests.requirements`; CI fails when it is out of date,"
    yield "or when a requirement lives nowhere or has no test without a stated reason."
    for letter, title in TITLES.items():
        yield from ("", f"## {title}", "")
        yield "| # | Kind | Requirement | Lives in | Tests |"
        yield "|---|---|---|---|---|"
        for row in all_rows:
            if row.number.startswith(letter):
                yield _line(row)


def _line(row: Row) -> str:
    """Return a row of the table."""
    text = f"{row.text} → {row.treatment}" if row.treatment else row.text
    kind = ", ".join(KINDS.get(letter, letter) for letter in row.kind.split("/"))
    homes = [*row.homes, f"Later: {row.later}"] if row.later else row.homes
    cells = (row.number, kind, text, "<br>".join(homes), "<br>".join(row.tests))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _homes() -> dict[str, set[str]]:
    """Return the places in the code that name each requirement."""
    from inventory.host_checks import HOST_CHECKS
    from inventory.platforms.loading import load_all
    from inventory.rules import RULES

    found: defaultdict[str, set[str]] = defaultdict(set)
    for rule in RULES.values():
        for number in rule.requirements:
            found[number].add(f"rule `{rule.key}`")
    for check in HOST_CHECKS:
        for number in check.requirements:
            found[number].add(f"check on the machine `{check.key}`")
    for platform in load_all():
        for path, numbers in _facts(platform, ()):
            for number in numbers:
                found[number].add(f"{platform.name}: {' '.join(path)}")
    return found


def _facts(block: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Yield the blocks of a platform that name requirements, with their paths."""
    if isinstance(block, tuple):
        for item in block:
            yield from _facts(item, path)
        return
    if not isinstance(block, BaseModel):
        return
    here = (*path, f"`{block.key}`") if hasattr(block, "key") and path else path
    numbers = tuple(getattr(block, "requirements", ()) or ())
    if single := getattr(block, "requirement", None) or getattr(block, "id", None):
        numbers = (*numbers, *NUMBER.findall(str(single)))
    if numbers:
        yield here, numbers
    for name in type(block).model_fields:
        yield from _facts(getattr(block, name), (*here, name.rstrip("_").replace("_", " ")))


def _checked(home: str) -> str:
    """Return a stated home as the page shows it; raises ValueError when it is not there."""
    kind, _, what = home.partition(" ")
    if kind == "column":
        from django.apps import apps

        model, _, field = what.partition(".")
        found = next(m for m in apps.get_models() if m.__name__ == model)
        if field:
            found._meta.get_field(field)
        return f"column `{what}`" if field else f"table `{what}`"
    if kind == "page":
        from django.urls import get_resolver

        namespace, _, name = what.partition(":")
        _, resolver = get_resolver().namespace_dict[namespace]
        if name not in resolver.reverse_dict:
            raise ValueError(f"There is no page {what}.")
        return f"page `{what}`"
    if kind == "code":
        module, _, name = what.rpartition(".")
        if not hasattr(import_module(module), name):
            raise ValueError(f"There is no {what}.")
        return f"`{what}`"
    if kind == "file":
        if not (BASE_DIR / what).exists():
            raise ValueError(f"There is no file {what}.")
        return f"`{what}`"
    raise ValueError(f"{home!r}: write column, page, code or file, and what.")


def _tests() -> dict[str, set[str]]:
    """Return the tests that name each requirement, or a rule that carries it out."""
    from inventory.rules import RULES

    by_key = {rule.key: rule.requirements for rule in RULES.values()}
    found: defaultdict[str, set[str]] = defaultdict(set)
    for path in sorted((BASE_DIR / "tests").rglob("test_*.py")):
        text = path.read_text()
        for name, source in _functions(text):
            numbers = set(NUMBER.findall(source))
            for key in re.findall(r"""["']([a-z]+(?:-[a-z]+)+)["']""", source):
                rule = RULES.get(key)
                numbers |= {rule.requirement} if rule and by_key[key] - rule.by_role else set()
                numbers |= rule.by_role | rule.covers if rule else set()
            for number in numbers:
                found[number].add(f"`{path.relative_to(BASE_DIR)}` {name}")
    return {number: _shortened(tests) for number, tests in found.items()} | {
        number: set() for number in _all_numbers() if number not in found
    }


def _all_numbers() -> list[str]:
    """Return all numbers that there are."""
    return list(yaml.safe_load(SOURCE.read_text()))


def _shortened(tests: set[str]) -> set[str]:
    """Keep a page readable: name the file and count its tests."""
    files: defaultdict[str, list[str]] = defaultdict(list)
    for test in tests:
        path, _, name = test.partition(" ")
        files[path].append(name)
    return {
        f"{path} {names[0]}" if len(names) == 1 else f"{path} ({len(names)} tests)"
        for path, names in files.items()
    }


def _functions(text: str) -> Iterator[tuple[str, str]]:
    """Yield every test function's name with its text, decorators and table of cases included."""
    tree = ast.parse(text)
    tables = {
        target.id: ast.get_source_segment(text, node) or ""
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    lines = text.splitlines()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            source = "\n".join(lines[first - 1 : node.end_lineno])
            names = {
                n.id for d in node.decorator_list for n in ast.walk(d) if isinstance(n, ast.Name)
            }
            yield (
                node.name,
                "\n".join([source, *(tables[n] for n in sorted(names & tables.keys()))]),
            )


def main() -> int:
    """Write the page and say what is missing."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "voipadmin.settings")
    import django

    django.setup()
    PAGE.write_text(page())
    faults = [row.fault for row in rows() if row.fault]
    print("\n".join(faults) or f"{PAGE.relative_to(BASE_DIR)}: every requirement has a home.")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
