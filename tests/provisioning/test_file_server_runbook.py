"""The plan of the GlusterFS cluster: who does what, once or everywhere, and in which order."""

import subprocess
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from inventory.topology import DiskView, Topology
from provisioning.planning import plan
from provisioning.runbook.load import load_runbooks
from provisioning.steps import CompiledStep, Plan
from tests.provisioning.topologies import make_topology

RUNBOOKS = load_runbooks("ring2all")
BRICK = "/gluster/brick1/gv_recordings"


def servers(count: int = 3, parameters: Mapping[str, Any] | None = None) -> Topology:
    """Return a cluster of file servers."""
    names = {f"fs-node-{n:02}": ("file-server",) for n in range(1, count + 1)}
    return make_topology(names, parameters=parameters)


def planned(topology: Topology | None = None) -> Plan:
    """Return the plan of file servers."""
    return plan(topology or servers(), RUNBOOKS, roles=["file-server"])


PLAN = planned()


def step(made: Plan, key: str, node: str = "fs-node-01") -> CompiledStep:
    """Return a node's step."""
    return next(s for s in made.steps if s.key == f"file-server.{key}" and s.node == node)


def test_a_brick_is_there_before_the_daemon_and_the_pool_before_the_volume() -> None:
    stages = [stage.key.removeprefix("file-server.") for stage in PLAN.stages]

    assert stages == [
        *("names", "firewall", "time", "software", "brick"),
        *("daemon", "pool", "members", "volume", "proof"),
    ]


def test_what_the_pool_has_once_is_done_by_the_first_server_or_one_after_the_other() -> None:
    once = {s.key.split(".", 1)[1] for s in PLAN.steps if s.singleton}
    first = {s.key.split(".", 1)[1] for s in PLAN.steps} - {
        s.key.split(".", 1)[1] for s in PLAN.steps if s.node == "fs-node-02"
    }

    assert {s.singleton for s in PLAN.steps} == {None, "gluster-pool"}
    assert once - first == {"daemon.start", "members.names"}
    assert first == {
        *("pool.peers", "volume.volume", "volume.options", "volume.start", "volume.grow"),
        *("volume.rebalance", "proof.bricks", "proof.healed"),
    }
    assert {stage.key: stage.quorum for stage in PLAN.stages if stage.quorum} == {
        f"file-server.{key}": 2 for key in ("daemon", "pool", "members")
    }


def test_bricks_listen_where_the_firewall_is_open() -> None:
    changed = planned(servers(parameters={"glusterd_max_port": 49200}))

    assert "option max-port 49251\n" in step(PLAN, "daemon.settings").files["content"]
    assert "option max-port 49200\n" in step(changed, "daemon.settings").files["content"]
    assert "HIGHEST = 49200" in step(changed, "proof.bricks").files["look.py"]


def test_a_restart_of_the_daemon_is_none_of_the_bricks() -> None:
    assert "\nKillMode=process\n" in step(PLAN, "daemon.unit").files["content"]
    assert step(PLAN, "daemon.start").serial


def test_every_set_of_bricks_is_on_three_servers() -> None:
    run = step(planned(servers(7)), "volume.volume").apply

    assert "replica 3 transport tcp" in run
    assert run.count(BRICK) == 6
    assert f"fs-node-03:{BRICK} \\\n    fs-node-04:{BRICK} \\\n" in run
    assert "fs-node-07" not in run


def test_fewer_than_three_servers_make_no_volume() -> None:
    run = step(planned(servers(2)), "volume.volume").apply

    assert "there are 2." in run
    assert "volume create" not in run


def test_clients_are_those_of_the_private_network_and_wait_shortly() -> None:
    run = step(PLAN, "volume.options").apply

    assert "volume set gv_recordings auth.allow 10.205.0.0/24\n" in run
    assert "volume set gv_recordings network.ping-timeout 5\n" in run
    assert "grep -qxF 'network.ping-timeout: 5'" in step(PLAN, "volume.options").probe


def test_without_a_disk_for_storage_the_plan_says_where_the_brick_is() -> None:
    keys = [s.key for s in PLAN.steps if s.key.startswith("file-server.brick.file-system")]

    assert keys == []
    assert step(PLAN, "brick.folder").title.endswith(
        "on the system's disk, because no disk has the purpose storage"
    )


def test_the_first_disk_for_storage_is_the_bricks() -> None:
    topology = servers()
    disks = (
        DiskView("/dev/vda", 50, "ssd"),
        DiskView("/dev/vdb", 999, "hdd", "storage"),
        DiskView("/dev/vdc", 999, "hdd", "storage"),
    )
    first = replace(topology.containers["fs-node-01"], disks=disks)

    made = planned(topology.with_container(first, was=first.name))

    assert step(made, "brick.file-system[1]").apply.endswith("mkfs.xfs -q -L brick1 '/dev/vdb'\n")
    assert "UUID=$uuid /gluster/brick1 xfs" in step(made, "brick.mount[1]").apply
    assert step(made, "brick.folder").title == "Make the folder of the brick"
    assert "/dev/vdc" not in "".join(s.apply for s in made.steps)
    assert "the system's disk" in step(made, "brick.folder", "fs-node-02").title


@pytest.mark.parametrize("count", [2, 3, 6])
def test_all_scripts_are_posix_sh(count: int) -> None:
    for one in planned(servers(count)).steps:
        texts = [one.probe, one.apply, one.verify, one.preview, one.only_if]
        texts += [text for name, text in one.files.items() if name == "check.sh"]
        for text in texts:
            done = subprocess.run(["sh", "-n"], input=text, text=True, check=False)
            assert done.returncode == 0, one.key
