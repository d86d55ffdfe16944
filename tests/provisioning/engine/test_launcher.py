"""What runs on the target, run here: a failure shows what the service says itself."""

import os
import subprocess
from pathlib import Path

import pytest

from provisioning.engine import target

LAUNCHER = Path(target.__file__).with_name("launcher.sh")


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Make a journal that says which unit it was asked for."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "journalctl").write_text('#!/bin/sh\necho "journal of $2"\n')
    (folder / "journalctl").chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def launched(folder: Path, path: str, **files: str) -> list[str]:
    """Run an attempt of these files; return what it printed."""
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    subprocess.run(
        ["/bin/sh", LAUNCHER, folder.parent, "60", folder.name], env={"PATH": path}, check=True
    )
    return (folder / "output").read_text().splitlines()


def test_a_failure_ends_with_the_journal_of_the_service(tmp_path: Path, path: str) -> None:
    said = launched(tmp_path / "step", path, apply="echo bad; exit 4", unit="etcd.service")

    assert said == ["==> apply", "bad", "==> journal", "journal of etcd.service"]
    assert (tmp_path / "step/exit").read_text() == "4 failed apply\n"


def test_a_step_without_a_service_shows_no_journal(tmp_path: Path, path: str) -> None:
    assert launched(tmp_path / "step", path, apply="exit 4") == ["==> apply"]


def test_a_step_that_goes_well_shows_no_journal(tmp_path: Path, path: str) -> None:
    said = launched(tmp_path / "step", path, verify="exit 0", unit="etcd.service")

    assert said == ["==> verify"]
