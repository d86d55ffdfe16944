"""The cache is keyed by content, built once, and never seen half built."""

import threading
from pathlib import Path

import pytest

from tests.lab.cache import build_once, fingerprint


def test_a_changed_list_changes_the_key(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("etcd-server\n")
    before = fingerprint("list.txt", folder=tmp_path)

    (tmp_path / "list.txt").write_text("etcd-server\nhaproxy\n")

    assert fingerprint("list.txt", folder=tmp_path) != before


def test_what_lies_below_changes_the_key() -> None:
    assert fingerprint("base-1", "x") != fingerprint("base-2", "x")


def test_builders_at_the_same_time_build_once(tmp_path: Path) -> None:
    built: list[Path] = []
    gate = threading.Barrier(4)

    def make(target: Path) -> None:
        built.append(target)
        target.mkdir()
        (target / "etc").touch()

    def build() -> None:
        gate.wait()
        build_once(tmp_path / "base-1", make)

    builders = [threading.Thread(target=build) for _ in range(4)]
    for builder in builders:
        builder.start()
    for builder in builders:
        builder.join()

    assert len(built) == 1
    assert (tmp_path / "base-1" / "etc").exists()


def test_a_failed_build_leaves_nothing_that_looks_built(tmp_path: Path) -> None:
    def breaks(target: Path) -> None:
        target.mkdir()
        raise RuntimeError("the mirror went away")

    with pytest.raises(RuntimeError):
        build_once(tmp_path / "base-1", breaks)

    assert not (tmp_path / "base-1").exists()
    assert build_once(tmp_path / "base-1", Path.mkdir).exists()
