"""Portals to start and stop."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.voipadmin.portal import Portal


@pytest.fixture(scope="session")
def static_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Share collected static files: compressing them takes seconds."""
    return tmp_path_factory.mktemp("static")


@pytest.fixture
def portal(tmp_path: Path, static_root: Path) -> Iterator[Portal]:
    """Make a portal on an empty folder."""
    with Portal(tmp_path / "data", static_root) as made:
        yield made
