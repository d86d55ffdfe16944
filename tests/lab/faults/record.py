"""Run all fault tests, the thorough ones too, and write down what came of it (docs/faults.md)."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
DOCUMENT = Path(__file__).parents[3] / "docs/faults.md"
HEAD = """\
# Faults that runs survive

Written by `make lab-test`, which does each of these to real Debian hosts and real worker
processes. CI does one of each kind, and two of the ten moments. After each fault the tests check:
the run's end state is right; every command ran exactly once on its host (it leaves a mark there
each time); every line that it printed is stored once and in order; no container is locked any
more. Where a step was lost because its host lost power, or failed because the disk was full, its
probe has looked again instead.

{when}, on {machine}: {result}.

| fault | result | seconds |
|---|---|---:|
"""


@dataclass
class Recorder:
    """Gathers from pytest how each test ended and how long it took, its preparation included."""

    seconds: dict[str, float] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take one report."""
        name = report.nodeid.rpartition("::")[2]
        self.seconds[name] = self.seconds.get(name, 0) + report.duration
        if not report.passed:
            self.failed.add(name)


def document(recorder: Recorder) -> str:
    """Return the document about a run of all tests."""
    when = f"{datetime.now(UTC):%-d %B %Y}"
    head = HEAD.format(when=when, machine=machine(), result=result(recorder))
    return head + "\n".join(rows(recorder)) + "\n"


def rows(recorder: Recorder) -> Iterable[str]:
    """Yield a line for each test."""
    for name, seconds in recorder.seconds.items():
        came_of_it = "failed" if name in recorder.failed else "survived"
        yield f"| {sentence(name)} | {came_of_it} | {seconds:.0f} |"


def sentence(name: str) -> str:
    """Return a test's name as a sentence; what is in brackets says which of several."""
    words, _, which = name.removeprefix("test_").partition("[")
    text = words.replace("_", " ").capitalize()
    return f"{text} ({which.rstrip(']')})" if which else text


def machine() -> str:
    """Describe this computer in general words."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    system = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    return f"{os.cpu_count()} processors and {memory:.0f} GiB of memory ({system})"


def result(recorder: Recorder) -> str:
    """Say how many were survived."""
    total, seconds = len(recorder.seconds), sum(recorder.seconds.values())
    return f"{total - len(recorder.failed)} of {total} survived, in {seconds:.0f} s"


def main() -> int:
    """Run, write, and answer as pytest does."""
    recorder = Recorder()
    code = pytest.main(["-p", "no:xdist", "-m", "lab", str(FOLDER)], plugins=[recorder])
    if recorder.seconds:
        DOCUMENT.write_text(document(recorder))
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
