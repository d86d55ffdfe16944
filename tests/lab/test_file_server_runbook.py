"""Ring2All's file servers and their clients on bare hosts: installed twice, then some are lost."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from provisioning.steps import Plan
from tests.lab.executor import Executor, Outcome
from tests.lab.file_servers import RECORDINGS, only, planned, write_clients, writing
from tests.lab.hosts import Host, Lab
from tests.lab.machine import LabError, missing, run

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
]
NETWORKS = ("10.221.0", "10.222.0")
HOSTS = {
    **{f"fs-node-0{n}": "file-server" for n in (1, 2, 3)},
    "tel-node-01": "telephony",
    "admin-node-01": "admin",
}
BRICK = "/gluster/brick1/gv_recordings"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """Bare hosts, with nothing installed that the runbooks install."""
    with Lab("vs", *NETWORKS, layers=()) as lab:
        lab.up(len(HOSTS))
        yield lab


@pytest.fixture(scope="module")
def hosts(lab: Lab) -> dict[str, Host]:
    """The hosts by the names that they get."""
    return dict(zip(HOSTS, lab.hosts(), strict=True))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runbooks of clients that only mount the recordings."""
    return write_clients(tmp_path_factory.mktemp("runbooks"))


@pytest.fixture(scope="module")
def made(folder: Path) -> Plan:
    """The plan for all hosts."""
    return planned(HOSTS, NETWORKS, folder)


@pytest.fixture(scope="module")
def executor(
    lab: Lab, hosts: dict[str, Host], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Executor]:
    """An executor with a connection to each host."""
    addresses = {name: host.private for name, host in hosts.items()}
    sockets = tmp_path_factory.mktemp("s")
    executor = Executor(addresses, lab.key_path, sockets, lambda key: f"S3cr-t_{key}")
    yield executor
    executor.close()


@pytest.fixture(scope="module")
def installed(executor: Executor, made: Plan) -> list[Outcome]:
    """The outcomes of the first run, with the seconds it took."""
    started = time.monotonic()
    outcomes = executor.carry_out(made)
    print(f"first run: {time.monotonic() - started:.0f} s")
    return outcomes


def unlike(outcomes: list[Outcome], *expected: str) -> list[str]:
    """Return the steps with another outcome, with what they said."""
    return [
        f"{o.step.container} {o.step.key} {o.outcome}: {o.output}"
        for o in outcomes
        if o.outcome not in expected
    ]


def test_a_first_run_makes_a_volume_that_clients_mount(
    installed: list[Outcome], made: Plan, lab: Lab, hosts: dict[str, Host]
) -> None:
    assert unlike(installed, "ok", "changed", "skipped") == []
    assert len(installed) == len(made.steps)
    info = lab.ssh(hosts["fs-node-02"], "gluster volume info gv_recordings")
    assert "Number of Bricks: 1 x 3 = 3" in info
    assert "network.ping-timeout: 5" in info


@pytest.mark.usefixtures("installed")
def test_a_second_run_changes_nothing(executor: Executor, made: Plan) -> None:
    outcomes = executor.carry_out(made)

    assert unlike(outcomes, "ok", "skipped") == []
    skipped = {o.step.key.rpartition(".")[0] for o in outcomes if o.outcome == "skipped"}
    assert {key.rpartition(".")[2] for key in skipped} == {"time"}


@pytest.mark.usefixtures("installed")
def test_a_container_keeps_its_hands_off_the_clock(
    executor: Executor, made: Plan, lab: Lab, hosts: dict[str, Host]
) -> None:
    (clock,) = executor.carry_out(only(made, "fs-node-01", "file-server.time.clock"))

    assert "a container (systemd-nspawn) has the clock of its host" in clock.output
    assert "chrony" not in lab.ssh(hosts["fs-node-01"], "dpkg -l; ls /etc")


@pytest.mark.usefixtures("installed")
def test_bricks_live_on_when_the_daemon_restarts(lab: Lab, hosts: dict[str, Host]) -> None:
    server = hosts["fs-node-02"]
    before = lab.ssh(server, "pidof glusterfsd")

    lab.ssh(server, "systemctl restart glusterd")

    assert lab.ssh(server, "pidof glusterfsd") == before


@pytest.mark.usefixtures("installed")
def test_who_may_only_read_cannot_write(lab: Lab, hosts: dict[str, Host]) -> None:
    lab.ssh(hosts["tel-node-01"], f"echo call > {RECORDINGS}/one")

    assert lab.ssh(hosts["admin-node-01"], f"cat {RECORDINGS}/one") == "call\n"
    with pytest.raises(LabError, match="Read-only file system"):
        lab.ssh(hosts["admin-node-01"], f"touch {RECORDINGS}/two")


@pytest.mark.usefixtures("installed")
def test_nothing_is_written_below_an_absent_mount_and_it_comes_back(
    lab: Lab, hosts: dict[str, Host]
) -> None:
    client = hosts["tel-node-01"]

    with pytest.raises(LabError, match="Operation not permitted"):
        lab.ssh(client, f"umount {RECORDINGS} && touch {RECORDINGS}/lost")

    wait_until(lambda: lab.ssh(client, f"ls {RECORDINGS}; true") == "one\n")


@pytest.mark.usefixtures("installed")
def test_a_client_goes_on_when_the_server_it_was_mounted_from_is_lost(
    lab: Lab, hosts: dict[str, Host], executor: Executor, made: Plan
) -> None:
    first, client = hosts["fs-node-01"], hosts["tel-node-01"]

    with writing(lab, client, "off") as written:
        wait_until(lambda: lines(lab, hosts["fs-node-02"], "off") > 20)
        lab.power_off(first)
        seen = lines(lab, hosts["fs-node-02"], "off")
        wait_until(lambda: lines(lab, hosts["fs-node-02"], "off") > seen + 50)
    lab.power_on(first)
    started = time.monotonic()
    wait_until(lambda: lines(lab, first, "off") == written.lines)

    print(f"a server powered off: longest gap {written.longest_s:.2f} s")
    print(f"healed {time.monotonic() - started:.1f} s after its return")
    assert written.longest_s < 15
    assert unlike(executor.carry_out(made), "ok", "changed", "skipped") == []


@pytest.mark.thorough
@pytest.mark.usefixtures("installed")
def test_a_server_that_hangs_is_not_waited_for_long(lab: Lab, hosts: dict[str, Host]) -> None:
    """A frozen server says no goodbye, so that the ping timeout counts: at most twice 5 s."""
    server = hosts["fs-node-02"]

    with writing(lab, hosts["tel-node-01"], "frozen") as written:
        wait_until(lambda: lines(lab, hosts["fs-node-03"], "frozen") > 20)
        lab.freeze(server)
        seen = lines(lab, hosts["fs-node-03"], "frozen")
        wait_until(lambda: lines(lab, hosts["fs-node-03"], "frozen") > seen + 50)
        lab.thaw(server)
    wait_until(lambda: lines(lab, server, "frozen") == written.lines)

    print(f"a server frozen: longest gap {written.longest_s:.2f} s")
    assert written.longest_s < 15


@pytest.mark.thorough
@pytest.mark.usefixtures("installed")
def test_after_a_loss_of_all_power_clients_wait_for_their_servers(
    lab: Lab, hosts: dict[str, Host], executor: Executor, made: Plan
) -> None:
    lab.ssh(hosts["tel-node-01"], f"echo kept > {RECORDINGS}/kept; sync")
    for host in hosts.values():
        lab.power_off(host)

    for name in sorted(hosts, reverse=True):
        lab.power_on(hosts[name])

    for client in (hosts["tel-node-01"], hosts["admin-node-01"]):
        wait_until(lambda c=client: lab.ssh(c, f"cat {RECORDINGS}/kept; true") == "kept\n")  # type: ignore[misc]
    assert unlike(executor.carry_out(made), "ok", "changed", "skipped") == []


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("mkdir /var/lib/glusterd/vols/theirs", "rmdir /var/lib/glusterd/vols/theirs", "theirs"),
        (
            "echo hostname1=theirs > /var/lib/glusterd/peers/x",
            "rm /var/lib/glusterd/peers/x",
            "theirs is a peer here and no file server of demo",
        ),
    ],
)
def test_a_pool_of_somebody_else_is_left_alone(
    lab: Lab, hosts: dict[str, Host], executor: Executor, made: Plan,
    before: str, after: str, said: str,
) -> None:  # fmt: skip
    lab.ssh(hosts["fs-node-03"], before)

    (outcome,) = executor.carry_out(only(made, "fs-node-03", "file-server.brick.foreign"))

    lab.ssh(hosts["fs-node-03"], after)
    assert outcome.outcome == "failed:probe"
    assert said in outcome.output


@pytest.mark.usefixtures("installed")
def test_files_where_a_brick_is_to_be_are_left_alone(
    lab: Lab, executor: Executor, hosts: dict[str, Host], made: Plan, folder: Path
) -> None:
    """On a machine that serves nobody yet; an empty folder of a failed creation is made anew."""
    spare = hosts["admin-node-01"]
    step = only(made, "fs-node-01", "file-server.brick.foreign")
    elsewhere = Executor(
        {"fs-node-01": spare.private}, executor.key, folder, lambda key: f"S3cr-t_{key}"
    )
    outcomes = []
    for state in (f"mkdir -p {BRICK}; echo x > {BRICK}/x", f"rm {BRICK}/x", f"{mark()} {BRICK}"):
        lab.ssh(spare, state)
        outcomes += elsewhere.carry_out(step)
    elsewhere.close()

    assert [o.outcome for o in outcomes] == ["failed:probe", "ok", "changed"]
    assert "holds files that are not of this volume" in outcomes[0].output


@pytest.mark.usefixtures("installed")
def test_only_a_disk_with_nothing_on_it_is_formatted(
    lab: Lab, hosts: dict[str, Host], executor: Executor, folder: Path, tmp_path: Path
) -> None:
    """A file of this computer is the disk; the machine has it as /dev/brick."""
    image = tmp_path / "disk"
    image.write_bytes(b"")
    run("truncate", "-s", "400M", image)
    loop = Path(run("losetup", "--find", "--show", image).strip())
    spare = hosts["admin-node-01"]
    numbers = run("stat", "-c", "0x%t 0x%T", loop).split()
    lab.ssh(spare, f"mknod {loop} b {int(numbers[0], 16)} {int(numbers[1], 16)}")
    made = planned(HOSTS, NETWORKS, folder, disks={"fs-node-01": str(loop)})
    steps = only(made, "fs-node-01", "file-server.brick.mount", "file-server.brick.file-system")
    elsewhere = Executor({"fs-node-01": spare.private}, executor.key, tmp_path, lambda key: key)
    lab.ssh(spare, "apt-get install -y -q --no-install-recommends xfsprogs")
    try:
        said = []
        for state in (f"mkswap {loop}", f"dd if=/dev/urandom of={loop} bs=64K count=2", "true"):
            lab.ssh(spare, state)
            said += elsewhere.carry_out(steps)[1:]
            lab.ssh(spare, f"umount /gluster/brick1; dd if=/dev/zero of={loop} bs=1M count=2; true")
        assert [o.outcome for o in said] == ["failed:probe", "failed:probe", "changed", "changed"]
    finally:
        elsewhere.close()
        run("losetup", "--detach", loop)


def mark() -> str:
    """Return the command that marks a folder as a brick of some volume."""
    return "setfattr -n trusted.glusterfs.volume-id -v 0x0123456789abcdef0123456789abcdef"


def lines(lab: Lab, server: Host, name: str) -> int:
    """Return how many lines a file has on a server's own brick."""
    return int(lab.ssh(server, f"cat {BRICK}/{name} 2>/dev/null | wc -l"))


def wait_until(condition: Callable[[], bool], timeout_s: float = 90) -> None:
    """Return once something holds; it may not yet be possible to ask."""
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            if condition():
                return
        except LabError:
            pass
        assert time.monotonic() < deadline, f"not so after {timeout_s} s"
        time.sleep(0.2)
