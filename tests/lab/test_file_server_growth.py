"""File servers grow in threes: the volume gets their bricks, and its files are spread over all."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioning.steps import Plan
from tests.lab.executor import Executor
from tests.lab.file_servers import only, planned
from tests.lab.hosts import Lab
from tests.lab.machine import missing

pytestmark = [
    pytest.mark.lab,
    pytest.mark.thorough,
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
]
NETWORKS = ("10.221.0", "10.222.0")
NAMES = [f"fs-node-0{n}" for n in range(1, 7)]


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """Six bare hosts."""
    with Lab("vsg", *NETWORKS, layers=()) as lab:
        lab.up(len(NAMES))
        yield lab


@pytest.fixture(scope="module")
def executor(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Executor]:
    """An executor with a connection to each host."""
    addresses = dict(zip(NAMES, (host.private for host in lab.hosts()), strict=True))
    executor = Executor(addresses, lab.key_path, tmp_path_factory.mktemp("s"), lambda key: key)
    yield executor
    executor.close()


def servers(count: int, folder: Path) -> Plan:
    """Return the plan of the first so many servers."""
    return planned(dict.fromkeys(NAMES[:count], "file-server"), NETWORKS, folder)


def test_three_more_servers_take_their_share(lab: Lab, executor: Executor, tmp_path: Path) -> None:
    first = lab.hosts()[0]
    outcomes = executor.carry_out(servers(3, tmp_path))
    lab.ssh(first, "mount -t glusterfs fs-node-01:/gv_recordings /mnt; touch /mnt/call{1..60}")

    outcomes += executor.carry_out(servers(4, tmp_path))
    (waiting,) = executor.carry_out(
        only(servers(4, tmp_path), "fs-node-01", "file-server.volume.grow")
    )
    outcomes += executor.carry_out(servers(6, tmp_path))
    again = executor.carry_out(servers(6, tmp_path))

    assert [f"{o.step.key}: {o.output}" for o in outcomes if o.outcome.startswith("failed")] == []
    assert "without a brick until there are three of them: fs-node-04" in waiting.output
    info = lab.ssh(first, "gluster volume info gv_recordings")
    assert "Number of Bricks: 2 x 3 = 6" in info
    assert {o.outcome for o in again} == {"ok", "skipped"}
    assert lab.ssh(first, "ls /mnt | wc -l; umount /mnt").strip() == "60"
    moved = lab.ssh(lab.hosts()[5], "ls /gluster/brick1/gv_recordings | wc -l")
    assert 0 < int(moved) < 60
