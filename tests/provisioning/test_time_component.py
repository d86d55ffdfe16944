"""Time synchronisation: which servers are followed, and that a container's clock is left alone."""

from pathlib import Path
from typing import Any

import pytest

from provisioning.planning import plan
from provisioning.runbook.load import load_runbooks
from provisioning.steps import CompiledStep
from tests.provisioning.runbooks import HEAD
from tests.provisioning.topologies import make_topology


def planned(folder: Path, parameters: dict[str, Any] | None = None) -> dict[str, CompiledStep]:
    """Return the steps of one machine by the last part of their keys."""
    (folder / "ring2all").mkdir()
    (folder / "ring2all/database.yaml").write_text(HEAD + "  - include: common/time.yaml\n")
    runbooks = load_runbooks("ring2all", directories=[folder])
    steps = plan(make_topology(parameters=parameters), runbooks).steps
    return {s.key.rpartition(".")[2]: s for s in steps if s.node == "pg-node-01"}


@pytest.mark.parametrize(
    ("servers", "lines"),
    [
        ("", ["pool 2.debian.pool.ntp.org iburst"]),
        ("10.0.0.1", ["server 10.0.0.1 iburst"]),
        ("a.example, b.example", ["server a.example iburst", "server b.example iburst"]),
    ],
)
def test_the_named_servers_are_followed_and_no_others(
    tmp_path: Path, servers: str, lines: list[str]
) -> None:
    settings = planned(tmp_path, {"ntp_servers": servers})["settings"].files["content"]

    followed = [line for line in settings.splitlines() if line.startswith(("pool", "server"))]
    assert followed == lines


def test_in_a_container_nothing_is_installed_or_started(tmp_path: Path) -> None:
    steps = planned(tmp_path)

    everywhere = [key for key, step in steps.items() if not step.only_if]
    assert everywhere == ["clock"]
    assert {"systemd-detect-virt --quiet --container" in s.only_if for s in steps.values()} == {
        True,
        False,
    }


def test_a_run_ends_only_when_the_clock_is_right(tmp_path: Path) -> None:
    assert "chronyc -n waitsync 1 0.1" in planned(tmp_path)["follows"].files["check.sh"]
