"""The clients' side of the recordings: mounted from file servers or a NAS, read or written."""

from pathlib import Path
from typing import Any

import pytest

from inventory.topology import Topology
from provisioning.planning import plan
from provisioning.runbook.load import load_runbooks
from provisioning.steps import CompiledStep
from tests.provisioning.topologies import make_topology

RUNBOOK = """\
schema: 1
platform: ring2all
role: telephony
title: Try
components:
  - include: common/recordings.yaml
"""
NAS = {"file_storage": "nas", "nas_export": "nas.example.com:/recordings"}


def cluster(parameters: dict[str, Any] | None = None, servers: int = 3) -> Topology:
    """Return a cluster of a client and file servers."""
    nodes = {f"fs-node-0{n}": ("file-server",) for n in range(1, servers + 1)}
    return make_topology({**nodes, "tel-node-01": ("telephony",)}, parameters=parameters)


def planned(folder: Path, topology: Topology, access: str = "") -> dict[str, CompiledStep]:
    """Return the steps of a client by the last part of their keys."""
    beside = f"    parameters: {{recordings_access: {access}}}\n" if access else ""
    (folder / "ring2all").mkdir()
    (folder / "ring2all/telephony.yaml").write_text(RUNBOOK + beside)
    runbooks = load_runbooks("ring2all", directories=[folder])
    steps = plan(topology, runbooks, roles=["telephony"]).steps
    return {step.key.rpartition(".")[2]: step for step in steps}


def test_a_client_may_begin_with_any_file_server(tmp_path: Path) -> None:
    steps = planned(tmp_path, cluster(), "rw")

    assert (
        "line='fs-node-01:/gv_recordings /var/lib/freeswitch/recordings glusterfs "
        "defaults,rw,_netdev,backup-volfile-servers=fs-node-02:fs-node-03 0 0'"
    ) in steps["mount"].apply
    assert "glusterfs-client" in steps["packages"].apply
    assert steps["mount"].title == "Mount the volume gv_recordings"


def test_a_nas_takes_the_place_of_the_file_servers(tmp_path: Path) -> None:
    steps = planned(tmp_path, cluster(NAS, servers=0), "rw")

    assert (
        "line='nas.example.com:/recordings /var/lib/freeswitch/recordings nfs "
        "defaults,rw,_netdev,hard,noatime 0 0'"
    ) in steps["mount"].apply
    assert "nfs-common" in steps["packages"].apply
    assert steps["mount"].title == "Mount nas.example.com:/recordings"


@pytest.mark.parametrize("parameters", [{}, NAS])
def test_nobody_writes_unless_the_runbook_says_so(
    tmp_path: Path, parameters: dict[str, Any]
) -> None:
    steps = planned(tmp_path, cluster(parameters))

    assert "defaults,ro,_netdev" in steps["mount"].apply
    assert "grep -qx ro" in steps["access"].probe
    assert steps["proof"].title == "A file is read there, and none can be written"
    assert "should be written" not in steps["proof"].files["check.sh"]


@pytest.mark.parametrize("parameters", [{}, NAS])
def test_nothing_is_written_where_nothing_is_mounted(
    tmp_path: Path, parameters: dict[str, Any]
) -> None:
    steps = list(planned(tmp_path, cluster(parameters), "rw"))

    assert steps.index("folder") < steps.index("mount")
    assert steps[-1] == "proof"


def test_a_mount_that_failed_at_boot_is_tried_again(tmp_path: Path) -> None:
    steps = planned(tmp_path, cluster(), "rw")

    assert 'mountpoint -q "$path" || exec systemctl start' in steps["keeper"].files["content"]
    assert "OnUnitInactiveSec=15" in steps["keeper-timer"].files["content"]
    assert "voipadmin-recordings.timer" in steps["keep"].apply


def test_without_file_servers_and_nas_there_is_nothing_to_mount(tmp_path: Path) -> None:
    assert planned(tmp_path, cluster(servers=0)) == {}
