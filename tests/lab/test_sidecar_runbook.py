"""The sidecar on a machine that needs the database: writes find the leader, reads a replica."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from provisioning.planning import plan
from provisioning.runbook.load import load_runbooks
from provisioning.steps import Plan
from tests.lab.executor import Executor, Outcome
from tests.lab.hosts import Host, Lab
from tests.lab.machine import missing
from tests.provisioning.topologies import make_topology

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
]
PRIVATE, PUBLIC = "10.223.0", "10.224.0"
MEMBERS = ("pg-node-01", "pg-node-02", "pg-node-03")
CONTAINERS = {**dict.fromkeys(MEMBERS, ("database",)), "api-node-01": ("api",)}
RUNBOOK = """
schema: 1
platform: ring2all
role: api
title: Only the sidecar
components:
  - include: common/names.yaml
  - include: common/firewall.yaml
  - include: common/sidecar.yaml
"""
PASSWORD = "S3cr-t_database-ss-db-user"
PROMISED_S = 30
ROLE = "SELECT pg_is_in_recovery()"
SLEEPING = "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(900)'"
# A row every 0.2 s over a new connection; the longest time between two acknowledged ones.
WRITER = r"""
export PGPASSWORD=%s PGCONNECT_TIMEOUT=2 PGHOST=127.0.0.1 PGPORT=5000 PGUSER=ss_db_user
export PGDATABASE=ss_admin PGOPTIONS='-c statement_timeout=2000'
psql -qXc 'CREATE TABLE IF NOT EXISTS drill (n int)'
last=$(date +%%s%%N) longest=0 n=0
touch /run/writes
while [ ! -e /run/enough ]; do
    if timeout 4 psql -qXc "INSERT INTO drill VALUES ($((n += 1)))" >/dev/null 2>&1; then
        now=$(date +%%s%%N) gap=$((now - last)) last=$now
        [ $gap -le $longest ] || longest=$gap
        echo "$longest" > /run/longest
        date +%%s%%N > /run/written
    fi
    sleep 0.2
done
"""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """Three hosts for the database, one beside."""
    with Lab("vw", PRIVATE, PUBLIC, layers=("db",)) as lab:
        lab.up(len(CONTAINERS))
        yield lab


@pytest.fixture(scope="module")
def runbooks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a runbook of the sidecar alone."""
    folder = tmp_path_factory.mktemp("runbooks")
    (folder / "ring2all").mkdir()
    (folder / "ring2all/api.yaml").write_text(RUNBOOK)
    return folder


@pytest.fixture(scope="module")
def executor(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Executor]:
    """An executor with a connection to each host."""
    addresses = dict(zip(CONTAINERS, (host.private for host in lab.hosts()), strict=True))
    sockets = tmp_path_factory.mktemp("s")
    executor = Executor(addresses, lab.key_path, sockets, lambda key: f"S3cr-t_{key}")
    yield executor
    executor.close()


@pytest.fixture(scope="module")
def installed(executor: Executor, runbooks: Path) -> list[Outcome]:
    """The outcomes of the first run: the database, then the sidecar."""
    return executor.carry_out(make_plan(runbooks))


def make_plan(runbooks: Path) -> Plan:
    """Return the plan for the database and a machine with the sidecar."""
    topology = make_topology(CONTAINERS, private=PRIVATE, public=PUBLIC)
    return plan(topology, load_runbooks("ring2all", directories=[runbooks]))


def unlike(outcomes: list[Outcome], *expected: str) -> list[str]:
    """Return the steps with another outcome, with what they said."""
    return [
        f"{o.step.container} {o.step.key} {o.outcome}: {o.output}"
        for o in outcomes
        if o.outcome not in expected
    ]


def query(lab: Lab, port: int, sql: str = ROLE) -> str:
    """Return what the database answers through the sidecar; empty when it does not."""
    options = f"-h 127.0.0.1 -p {port} -U ss_db_user -d ss_admin"
    command = f"PGPASSWORD={PASSWORD} PGCONNECT_TIMEOUT=3 timeout 8 psql -AtqX {options}"
    return lab.ssh(lab.host(4), f'{command} -c "{sql}" 2>/dev/null || true').strip()


def leader(lab: Lab) -> Host:
    """Return the host that port 5000 leads to."""
    address = query(lab, 5000, "SELECT host(inet_server_addr())")
    return next(host for host in lab.hosts() if host.private == address)


def wait_until(condition: Callable[[], bool], timeout_s: float = 90) -> None:
    """Ask again and again until it is so."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.2)


def test_writes_find_the_leader_and_reads_a_replica(lab: Lab, installed: list[Outcome]) -> None:
    assert unlike(installed, "ok", "changed", "skipped") == []
    assert installed[-1].step.key == "api.sidecar.proof"
    assert query(lab, 5000) == "f"
    assert query(lab, 5001) == "t"


@pytest.mark.usefixtures("installed")
def test_a_second_run_changes_nothing(executor: Executor, runbooks: Path) -> None:
    assert unlike(executor.carry_out(make_plan(runbooks)), "ok", "skipped") == []


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("action", ["reload", "restart"])
def test_no_write_goes_to_a_replica_while_the_sidecar_begins_anew(lab: Lab, action: str) -> None:
    ask = f"PGPASSWORD={PASSWORD} psql -AtqX -h 127.0.0.1 -p 5000 -U ss_db_user -d ss_admin"
    asked = f"systemctl {action} voipadmin-sidecar; for i in 1 2 3 4; do {ask} -c '{ROLE}'; done"

    answers = {lab.ssh(lab.host(4), asked).strip() for _ in range(4)}

    assert answers == {"f\nf\nf\nf"}


@pytest.mark.usefixtures("installed")
def test_no_port_of_the_sidecar_is_open_to_others(lab: Lab) -> None:
    listening = lab.ssh(lab.host(4), "ss -Hlnt '( sport = 5000 or sport = 5001 or sport = 7000 )'")

    assert sorted(line.split()[3] for line in listening.splitlines()) == [
        "127.0.0.1:5000",
        "127.0.0.1:5001",
        "127.0.0.1:7000",
    ]


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    "loss",
    [
        "power_off",
        pytest.param("freeze", marks=pytest.mark.thorough),
        pytest.param("cut", marks=pytest.mark.thorough),
    ],
)
def test_writes_go_on_within_the_promise_when_the_leader_is_lost(lab: Lab, loss: str) -> None:
    client, lost = lab.host(4), leader(lab)
    writer = WRITER % PASSWORD
    lab.ssh(client, f"rm -f /run/enough /run/writes; cat > /run/writer.sh <<'END'\n{writer}END")
    lab.ssh(client, "systemd-run --quiet --collect --unit=writer bash /run/writer.sh")
    wait_until(lambda: "yes" in lab.ssh(client, "[ -e /run/longest ] && echo yes || true"))

    getattr(lab, loss)(lost)
    lost_at = int(lab.ssh(client, "date +%s%N"))
    wait_until(lambda: query(lab, 5000) == "f" and leader(lab) != lost)
    wait_until(lambda: int(lab.ssh(client, "cat /run/written")) > lost_at)
    longest = int(lab.ssh(client, "touch /run/enough; cat /run/longest")) / 1e9
    assert query(lab, 5001) == "t"
    {"power_off": lab.power_on, "freeze": lab.thaw, "cut": lab.join}[loss](lost)

    print(f"{loss}: the longest time without a written row was {longest:.1f} s")
    assert longest < PROMISED_S
    wait_until(lambda: _replicas(lab) == 2, timeout_s=120)


@pytest.mark.thorough
@pytest.mark.usefixtures("installed")
def test_a_connection_older_than_a_reload_notices_a_lost_leader(lab: Lab) -> None:
    client, lost = lab.host(4), leader(lab)
    session = "psql -h 127.0.0.1 -p 5000 -U ss_db_user -d ss_admin -c 'SELECT pg_sleep(900)'"
    lab.ssh(
        client,
        f"systemd-run --quiet --collect --unit=session --setenv=PGPASSWORD={PASSWORD} {session}",
    )
    wait_until(lambda: query(lab, 5000, SLEEPING) == "1")
    lab.ssh(client, "systemctl reload voipadmin-sidecar")

    lab.cut(lost)  # No farewell, as of a machine that lost its power.
    started = time.monotonic()
    wait_until(lambda: "inactive" in lab.ssh(client, "systemctl is-active session || true"))
    seconds = time.monotonic() - started
    lab.join(lost)

    print(f"a connection older than the reload ended after {seconds:.1f} s")
    assert seconds < PROMISED_S
    wait_until(lambda: _replicas(lab) == 2, timeout_s=120)


@pytest.mark.usefixtures("installed")
def test_reads_go_on_at_the_leader_without_any_replica(lab: Lab) -> None:
    replicas = [host for host in lab.hosts()[:3] if host != leader(lab)]

    # Patroni answers for its replica: without it the balancer has none, and etcd stays whole.
    for host in replicas:
        lab.ssh(host, "systemctl stop patroni")
    wait_until(lambda: query(lab, 5001) == "f")
    for host in replicas:
        lab.ssh(host, "systemctl start patroni")

    wait_until(lambda: query(lab, 5001) == "t")


def _replicas(lab: Lab) -> int:
    """Return how many replicas the sidecar knows to be well."""
    show = "echo 'show stat -1 4 -1' | socat - UNIX-CONNECT:/run/voipadmin-sidecar/admin.sock"
    rows = [line.split(",") for line in lab.ssh(lab.host(4), show).splitlines()]
    return sum(
        row[0] == "postgres_replicas" and row[17].startswith("UP") for row in rows if row[1:]
    )
