"""The mirror that apt is configured with, and the sentences about what is missing."""

import os
from pathlib import Path

import pytest

from tests.lab import machine
from tests.lab.machine import TOOLS, LabError, mirror, packages, run

CLASSIC = """\
deb https://vendor.example/debian bookworm stable
deb https://mirror.example/debian-security bookworm-security main
deb https://mirror.example/debian bookworm main contrib
"""
DEB822 = """\
Types: deb
URIs: https://other.example/pub/debian/
Suites: trixie trixie-updates
Components: main
"""


def apt_reads(folder: Path, name: str, sources: str) -> list[str]:
    """Options that make apt read these sources and no others."""
    (folder / name).write_text(sources)
    return ["-oDir::Etc::sourcelist=/dev/null", f"-oDir::Etc::sourceparts={folder}"]


def test_the_mirror_is_read_from_a_classic_list(tmp_path: Path) -> None:
    assert mirror(apt_reads(tmp_path, "a.list", CLASSIC)) == "https://mirror.example/debian"


def test_the_mirror_is_read_from_deb822_sources(tmp_path: Path) -> None:
    options = apt_reads(tmp_path, "debian.sources", DEB822)

    assert mirror(options) == "https://other.example/pub/debian"


def test_sources_without_debian_are_refused(tmp_path: Path) -> None:
    options = apt_reads(tmp_path, "a.list", CLASSIC.splitlines()[0])

    with pytest.raises(LabError, match="no Debian mirror"):
        mirror(options)


def test_a_failing_command_shows_what_it_said() -> None:
    with pytest.raises(LabError, match="exit 3: it said no"):
        run("sh", "-c", "echo it said no >&2; exit 3")


def test_a_command_that_hangs_is_ended() -> None:
    with pytest.raises(LabError, match="did not end within"):
        run("sleep", "60", timeout_s=0.1)


def test_the_list_for_ci_holds_every_package_a_sentence_may_name() -> None:
    assert {*TOOLS.values(), "debian-archive-keyring"} <= set(packages("apt"))


def test_missing_tools_are_named_by_the_packages_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert "apt-get install apt-utils" in str(machine.missing())
    assert "systemd-container" in str(machine.missing())


def test_the_lab_says_that_it_needs_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    assert "needs root" in str(machine.missing())
