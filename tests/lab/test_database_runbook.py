"""Ring2All's database runbook on three bare Debian hosts, from nothing to a second run."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from provisioning.planning import plan
from provisioning.runbook.load import load_runbooks
from provisioning.steps import Plan, Stage
from tests.lab.executor import Executor, Outcome
from tests.lab.hosts import Host, Lab
from tests.lab.machine import LabError, missing
from tests.provisioning.topologies import make_topology

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
]
PRIVATE, PUBLIC = "10.205.0", "10.206.0"
CONTAINERS = ("pg-node-01", "pg-node-02", "pg-node-03")
MEMBERS = "patronictl -c /etc/patroni/config.yml list -f tsv"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """Bare hosts, with nothing installed that the runbook installs."""
    with Lab("vd", PRIVATE, PUBLIC, layers=()) as lab:
        lab.up(3)
        yield lab


@pytest.fixture(scope="module")
def executor(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Executor]:
    """An executor with a connection to each host."""
    addresses = dict(zip(CONTAINERS, (host.private for host in lab.hosts()), strict=True))
    sockets = tmp_path_factory.mktemp("s")
    executor = Executor(addresses, lab.key_path, sockets, lambda key: f"S3cr-t_{key}")
    yield executor
    executor.close()


@pytest.fixture(scope="module")
def installed(executor: Executor) -> list[Outcome]:
    """The outcomes of the first run."""
    return executor.carry_out(make_plan())


def make_plan(parameters: Mapping[str, Any] | None = None) -> Plan:
    """Return the plan for three database containers."""
    topology = make_topology(private=PRIVATE, public=PUBLIC, parameters=parameters)
    return plan(topology, load_runbooks("ring2all"))


def only(plan: Plan, *keys: str, container: str | None = None) -> Plan:
    """Return a plan of only these steps."""
    steps = tuple(
        step
        for step in plan.steps
        if step.key in keys and (container is None or step.container == container)
    )
    return replace(plan, stages=(Stage("some", "Some", steps),))


def unlike(outcomes: list[Outcome], expected: str) -> list[str]:
    """Return the steps with another outcome, with what they said."""
    return [
        f"{o.step.container} {o.step.key} {o.outcome}: {o.output}"
        for o in outcomes
        if o.outcome != expected
    ]


def first(lab: Lab) -> Host:
    """Return the first host."""
    return lab.hosts()[0]


def test_a_first_run_makes_three_members_stream(lab: Lab, installed: list[Outcome]) -> None:
    failed = [o for o in installed if o.outcome not in ("ok", "changed")]

    assert [f"{o.step.key} on {o.step.container}: {o.output}" for o in failed] == []
    assert len(installed) == len(make_plan().steps)
    assert _is_whole(lab.ssh(first(lab), MEMBERS))


@pytest.mark.usefixtures("installed")
def test_a_second_run_changes_nothing(executor: Executor) -> None:
    outcomes = executor.carry_out(make_plan())

    assert unlike(outcomes, "ok") == []


@pytest.mark.usefixtures("installed")
def test_a_crash_between_a_changed_file_and_its_restart_is_made_good(
    lab: Lab, executor: Executor
) -> None:
    started = "systemctl show -p ActiveEnterTimestampMonotonic etcd"
    before = lab.ssh(first(lab), started)
    lab.ssh(first(lab), "touch /etc/default/etcd")  # as a run leaves it that dies after the write

    outcomes = executor.carry_out(make_plan())

    assert [(o.step.key, o.step.container) for o in outcomes if o.outcome == "changed"] == [
        ("database.etcd.restart", "pg-node-01")
    ]
    assert lab.ssh(first(lab), started) != before


@pytest.mark.usefixtures("installed")
def test_rules_that_lock_the_portal_out_are_taken_back(lab: Lab, executor: Executor) -> None:
    table = "nft -s list table inet voipadmin"
    before = lab.ssh(first(lab), table)
    locked_out = make_plan({"ssh_sources": "192.0.2.1", "firewall_rollback_s": 5})

    outcomes = executor.carry_out(locked_out)

    assert outcomes[-1].step.key == "database.firewall.confirm"
    assert outcomes[-1].outcome.startswith("failed")
    assert _answers_again(lab, first(lab), table) == before
    executor.carry_out(make_plan())
    assert unlike(executor.carry_out(make_plan()), "ok") == []


@pytest.mark.usefixtures("installed")
def test_an_old_connection_confirms_no_rules(lab: Lab, executor: Executor) -> None:
    changed = make_plan({"ssh_sources": "10.205.0.0/24", "firewall_rollback_s": 12})
    keys = ("rollback", "rules", "load", "confirm")
    steps = only(changed, *(f"database.firewall.{key}" for key in keys), container="pg-node-01")
    stage = steps.stages[0]
    stale = tuple(replace(step, fresh_connection=False) for step in stage.steps)

    outcomes = executor.carry_out(replace(steps, stages=(replace(stage, steps=stale),)))

    assert outcomes[-1].outcome == "failed:apply"
    assert "No login was made since the rules were loaded" in outcomes[-1].output
    _wait_until(lambda: "10.205.0.0/24" not in lab.ssh(first(lab), "nft list ruleset"))
    executor.carry_out(make_plan())


@pytest.mark.usefixtures("installed")
def test_rules_of_others_stay_and_ours_come_back_at_boot(lab: Lab, executor: Executor) -> None:
    lab.ssh(first(lab), "nft add table inet somebody")
    assert unlike(executor.carry_out(make_plan()), "ok") == []
    assert "table inet somebody" in lab.ssh(first(lab), "nft list tables")

    lab.power_off(first(lab))
    lab.power_on(first(lab))

    assert "tcp dport 5432" in lab.ssh(first(lab), "nft list table inet voipadmin")
    _wait_until_whole(lab, first(lab))  # Members that catch up would count as changed.
    assert unlike(executor.carry_out(make_plan()), "ok") == []


@pytest.mark.usefixtures("installed")
def test_a_leader_that_was_cut_off_is_replaced_and_rejoins(lab: Lab, executor: Executor) -> None:
    leader = _leader(lab, lab.hosts())
    assert leader is not None
    others = [host for host in lab.hosts() if host != leader]

    lab.cut(leader)
    _wait_until(lambda: _leader(lab, others) in others, timeout_s=180)
    lab.join(leader)

    _wait_until_whole(lab, others[0])
    assert {o.outcome for o in executor.carry_out(make_plan())} <= {"ok", "changed"}


@pytest.mark.usefixtures("installed")
def test_data_of_another_etcd_cluster_is_left_alone(lab: Lab, executor: Executor) -> None:
    step = only(make_plan(), "database.etcd.single", container="pg-node-01")
    lab.ssh(first(lab), "systemctl stop etcd; mv /var/lib/etcd/default /var/lib/etcd/kept")
    lab.ssh(
        first(lab),
        "mkdir -p /var/lib/etcd/default/member; echo x > /var/lib/etcd/default/member/db",
    )

    outcomes = executor.carry_out(step)

    lab.ssh(first(lab), "test -e /var/lib/etcd/default/member/db; rm -r /var/lib/etcd/default")
    lab.ssh(first(lab), "mv /var/lib/etcd/kept /var/lib/etcd/default; systemctl start etcd")
    assert outcomes[-1].outcome == "failed:probe"
    assert "data of another etcd cluster" in outcomes[-1].output


def _leader(lab: Lab, asked: list[Host]) -> Host | None:
    """Return the host that is the leader in the eyes of the first of these."""
    said = lab.ssh(asked[0], f"{MEMBERS} || true")
    lines = [line.split("\t") for line in said.splitlines() if "\tLeader\t" in line]
    return next((h for h in lab.hosts() if lines and h.private in lines[0]), None)


def _is_whole(members: str) -> bool:
    """Tell whether Patroni's list has a running leader and two replicas that stream."""
    rows = [line.split("\t") for line in members.splitlines()]
    leaders = [row for row in rows if "Leader" in row and "running" in row]
    return len(leaders) == 1 and sum("streaming" in row for row in rows) == 2


def _wait_until_whole(lab: Lab, asked: Host) -> None:
    """Wait until a leader runs and two replicas stream; a host may not answer for a while."""
    said = ""

    def is_whole() -> bool:
        nonlocal said
        try:
            said = lab.ssh(asked, f"{MEMBERS} 2>&1 || true")
        except LabError as error:
            said = str(error)
        return _is_whole(said)

    _wait_until(is_whole, timeout_s=240, said=lambda: said)


def _answers_again(lab: Lab, host: Host, command: str) -> str:
    """Return a command's output as soon as a new login succeeds."""
    output: list[str] = []

    def answers() -> bool:
        try:
            output.append(lab.ssh(host, command, timeout_s=5))
        except LabError:
            return False
        return True

    _wait_until(answers, timeout_s=120)
    return output[-1]


def _wait_until(
    condition: Callable[[], bool], timeout_s: float = 60, said: Callable[[], str] = str
) -> None:
    """Ask again and again until it is so; fail with what was said last when it never is."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"it never came about: {said()}"
        time.sleep(0.5)
