"""One real host: brought up, logged in to, its plug pulled, started again, taken down."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import cgroups
from tests.lab.__main__ import main
from tests.lab.hosts import RUNS, Lab
from tests.lab.machine import LabError, missing, run

lacking = missing()
pytestmark = [pytest.mark.lab, pytest.mark.skipif(lacking is not None, reason=str(lacking))]


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A lab of this module's own, with one host."""
    with Lab("vt", "10.213.0", "10.214.0") as lab:
        lab.up(1)
        yield lab


def test_a_host_is_debian_13_with_systemd_and_two_legs(lab: Lab) -> None:
    host = lab.host(1)

    assert 'VERSION_ID="13"' in lab.ssh(host, "cat /etc/os-release")
    assert lab.ssh(host, "ps -o comm= -p 1; hostname").split() == ["systemd", "vt-h01"]
    assert re.search(
        r"eth0\S* .*10\.213\.0\.11/24.*\neth1\S* .*10\.214\.0\.11", lab.ssh(host, "ip -br a")
    )


def test_the_golden_layer_is_installed_and_nothing_of_it_runs(lab: Lab) -> None:
    states = lab.ssh(
        lab.host(1), "command -v patroni etcd; systemctl is-active patroni etcd || true"
    )

    assert states.split() == ["/usr/bin/patroni", "/usr/bin/etcd", "inactive", "inactive"]


def test_more_packages_come_from_the_repository(lab: Lab) -> None:
    simulated = lab.ssh(lab.host(1), "apt-get -q update >/dev/null && apt-get -s install haproxy")

    assert "Inst haproxy" in simulated


def test_a_failing_command_raises_with_its_output(lab: Lab) -> None:
    with pytest.raises(LabError, match="exit 7: no such thing"):
        lab.ssh(lab.host(1), "echo no such thing; exit 7")


def test_the_fingerprint_from_the_disk_is_the_one_the_host_shows(lab: Lab) -> None:
    host = lab.host(1)
    shown = run("ssh-keyscan", "-t", "ed25519", host.private).splitlines()

    assert f"{host.private} {lab.host_key(host)}" in shown
    assert lab.host_fingerprint(host).startswith("SHA256:")


def test_the_inventory_tells_what_a_portal_asks(lab: Lab, tmp_path: Path) -> None:
    assert main(["--name", "vt", "inventory", "--output", str(tmp_path / "hosts.json")]) == 0

    (described,) = json.loads((tmp_path / "hosts.json").read_text())["hosts"]
    assert described["name"] == "vt-h01"
    assert described["host_key"] == lab.host_key(lab.host(1))
    assert described["vcpus"] >= 1


def test_a_host_keeps_its_disk_and_its_key_over_a_power_cut(lab: Lab) -> None:
    host = lab.host(1)
    key = lab.host_key(host)
    boot = lab.boot_id(host)
    lab.ssh(host, "echo kept > /root/file")

    lab.power_off(host)
    assert not lab.is_running(host)
    with pytest.raises(LabError):
        lab.ssh(host, "true", timeout_s=2)
    lab.power_on(host)

    assert lab.ssh(host, "cat /root/file") == "kept\n"
    assert lab.boot_id(host) != boot
    assert lab.host_key(host) == key


def test_a_reboot_keeps_the_disk_and_forgets_what_lived_in_the_kernel(lab: Lab) -> None:
    host = lab.host(1)
    before = lab.boot_id(host)
    lab.ssh(host, "nft add table inet lost; ip link add lost type dummy; echo kept > /root/here")

    lab.reboot(host)

    assert lab.boot_id(host) not in (before, None)
    assert lab.ssh(host, "cat /root/here; nft list ruleset") == "kept\n"
    assert "lost" not in lab.ssh(host, "ip -br link")


def test_a_host_that_is_cut_off_answers_by_its_public_leg_only(lab: Lab) -> None:
    host = lab.host(1)

    lab.cut(host)
    assert "SSH-2.0" in run("ssh-keyscan", host.public)
    assert "SSH-2.0" not in run("ssh-keyscan", "-T", "1", host.private, check=False)
    lab.join(host)

    assert lab.ssh(host, "hostname") == "vt-h01\n"


def test_a_frozen_host_hangs_until_it_is_thawed(lab: Lab) -> None:
    host = lab.host(1)

    lab.freeze(host)
    with pytest.raises(LabError, match="did not end within"):
        lab.ssh(host, "true", timeout_s=1)
    lab.thaw(host)

    assert lab.ssh(host, "hostname") == "vt-h01\n"


def test_a_lab_that_was_never_brought_up_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--name", "vnone", "power", "1", "off"]) == 1

    assert capsys.readouterr().err == "There is no lab vnone; bring one up first.\n"


def test_nothing_stays_behind() -> None:
    """Take a lab down with a host that runs, one that is frozen, and one without power."""
    with Lab("vu", "10.215.0", "10.216.0", layers=()) as lab:
        _, frozen, dark = lab.up(3)
        lab.freeze(frozen)
        lab.power_off(dark)

    assert "vu-h" not in Path("/proc/self/mountinfo").read_text()
    assert not [link for link in Path("/sys/class/net").iterdir() if link.name.startswith("vu")]
    assert not list(Path("/run/netns").glob("vu-h*"))
    assert not (cgroups.cgroup_root() / "vulab").exists()
    assert not (RUNS / "vu").exists()
    assert not [
        process
        for process in Path("/proc").glob("[0-9]*/cmdline")
        if b"vu-h0" in _bytes_of(process)
    ]


def _bytes_of(cmdline: Path) -> bytes:
    """A process's command line; empty when it is gone by now or waits to be reaped."""
    try:
        return cmdline.read_bytes()
    except OSError:
        return b""
