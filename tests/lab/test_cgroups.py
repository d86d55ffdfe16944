"""Where control groups are found, in either layout, and how dead ones are swept."""

from pathlib import Path

import pytest

from tests.lab.cgroups import cgroup_root, freeze, is_populated, kill, sweep
from tests.lab.machine import LabError


def test_version_2_alone_is_found_at_the_top(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").touch()

    assert cgroup_root(tmp_path) == tmp_path


def test_version_2_beside_version_1_is_found_below(tmp_path: Path) -> None:
    (tmp_path / "memory").mkdir()
    (tmp_path / "unified").mkdir()
    (tmp_path / "unified" / "cgroup.controllers").touch()

    assert cgroup_root(tmp_path) == tmp_path / "unified"


def test_version_1_alone_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "memory").mkdir()

    with pytest.raises(LabError, match="No cgroup version 2"):
        cgroup_root(tmp_path)


@pytest.mark.parametrize(("events", "answer"), [("populated 1", True), ("populated 0", False)])
def test_a_group_tells_whether_it_is_populated(tmp_path: Path, events: str, answer: bool) -> None:
    (tmp_path / "cgroup.events").write_text(f"{events}\nfrozen 0\n")

    assert is_populated(tmp_path) is answer


def test_a_group_that_is_not_there_is_not_populated(tmp_path: Path) -> None:
    assert not is_populated(tmp_path / "gone")


def test_killing_what_is_not_there_is_fine(tmp_path: Path) -> None:
    kill(tmp_path / "gone")


def test_freezing_what_does_not_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="is not running"):
        freeze(tmp_path / "gone", True)


def test_a_kernel_that_cannot_kill_a_group_is_named(tmp_path: Path) -> None:
    (tmp_path / "cgroup.events").write_text("populated 1\n")

    with pytest.raises(LabError, match=r"Linux 5\.14"):
        kill(tmp_path)


def test_sweeping_removes_a_group_with_all_below_it(tmp_path: Path) -> None:
    (tmp_path / "host" / "payload" / "system.slice").mkdir(parents=True)
    (tmp_path / "host" / "supervisor").mkdir()

    sweep(tmp_path / "host")
    sweep(tmp_path / "host")

    assert not (tmp_path / "host").exists()
