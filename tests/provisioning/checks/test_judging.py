"""How checks judge what was seen: recorded visits, cut to what matters, against a picture."""

from dataclasses import replace
from typing import Any

import pytest

from inventory.host_checks import HOST_CHECKS
from inventory.topology import AssignmentView, Topology
from provisioning.checks.judging import JUDGES, answers
from provisioning.checks.networks import wanted_names
from provisioning.checks.reading import Incomplete, Machine, read_machine
from provisioning.checks.sight import ADOPT, Answer, Sight, Subject
from provisioning.checks.wires import Heard, Wire, needed, unwanted
from provisioning.states import CheckOutcome
from tests.factories import container_data, make_topology

NAME = "pg-node-01"
# What look.sh printed of a Debian 13 host of the lab, some lines left out.
RECORDED = """\
user\t0\troot
system\tdebian\t13\tx86_64
inside\tnone
cpus\t4
memory\t16384000
block\tNAME="zram0" PKNAME="" TYPE="disk" SIZE="0" ROTA="0" FSTYPE="" MOUNTPOINT=""
block\tNAME="vda" PKNAME="" TYPE="disk" SIZE="536870912000" ROTA="0" FSTYPE="" MOUNTPOINT=""
block\tNAME="vda1" PKNAME="vda" TYPE="part" SIZE="536870912000" ROTA="0" FSTYPE="xfs" MOUNTPOINT="/"
block\tNAME="vdb" PKNAME="" TYPE="disk" SIZE="536870912000" ROTA="0" FSTYPE="" MOUNTPOINT=""
place\t/\t/dev/vda1\t524288000\t500000000\t/
place\t/var/lib/postgresql\t/dev/vda1\t524288000\t500000000\t/
address\tlo\t127.0.0.1/8
address\teth0\t10.203.0.31/24
listens\ttcp   LISTEN 0  128   0.0.0.0:22   0.0.0.0:*    users:(("sshd",pid=82,fd=6))
listens\ttcp   LISTEN 0  200   127.0.0.1:5432   0.0.0.0:*  users:(("postgres",pid=8,fd=6))
name\tpg-node-02\t10.203.0.32
synchronised\tyes
timeservice\tchrony
fetched\thttp://packages.example.org/debian/dists/trixie/InRelease\tok
process\tsshd
end
"""


def picture(**fields: Any) -> Topology:
    """Picture two database nodes on machines of the vendor's size."""
    machines = tuple(
        container_data(name, private=ip, **fields if name == NAME else {})
        for name, ip in ((NAME, "10.203.0.31"), ("pg-node-02", "10.203.0.32"))
    )
    return make_topology((NAME, "database"), ("pg-node-02", "database"), containers=machines)


def seen(recorded: str = RECORDED, *changes: tuple[str, str]) -> Machine:
    """Read a recorded visit in which some words were others."""
    for old, new in changes:
        assert old in recorded
        recorded = recorded.replace(old, new)
    return read_machine(recorded)


def judged(
    check: str, machine: Machine, topology: Topology | None = None, **more: Any
) -> list[Answer]:
    """Judge one check on the first machine."""
    others = {"pg-node-02": seen()}
    sight = Sight(topology or picture(), {NAME: machine, **others}, **more)
    return answers(sight, checks=[check], containers=[NAME])


def outcomes(found: list[Answer]) -> list[CheckOutcome]:
    """Return the outcomes alone."""
    return [answer.outcome for answer in found]


def test_every_declared_check_is_judged_and_none_besides() -> None:
    assert set(JUDGES) == {check.key for check in HOST_CHECKS}


def test_a_machine_as_the_vendor_wants_it_passes_every_check_of_itself() -> None:
    own = {check.key for check in HOST_CHECKS} - {"ports", "too-open-ports", "public-address"}
    sight = Sight(picture(), {NAME: seen(), "pg-node-02": seen()})

    found = answers(sight, checks=own, containers=[NAME])

    assert {answer.check: answer.outcome.value for answer in found} == dict.fromkeys(own, "passed")
    assert all(answer.sentence_of_vendor.text for answer in found)


@pytest.mark.parametrize(
    ("requirement", "check", "old", "new", "sentence", "fix"),
    [
        ("R156", "operating-system", "debian\t13", "debian\t12", "does not support", ""),
        ("R120", "processors", "cpus\t4", "cpus\t2", "Database needs at least 4", ""),
        ("R120", "memory", "16384000", "8192000", "Database needs at least 16384", ""),
        ("R120", "disk-size", "536870912000", "100000000000", "needs at least 465 GiB", ""),
        ("R152", "private-network", "10.203.0.31/24", "10.9.9.9/24", "No interface", ""),
        ("R153", "names", "\t10.203.0.32\n", "\t\n", "does not know pg-node-02", ""),
        ("R153", "names", "10.203.0.32", "127.0.1.1", "leads to 127.0.1.1 instead of", ""),
        ("S8", "login", "user\t0\troot", "user\t1000\tadmin", "admin on pg-node-01, not root", ""),
        ("-", "clean-target", "process\tsshd", "process\tetcd", "Etcd runs as etcd", ""),
        (
            "-",
            "clean-target",
            "process\tsshd",
            "trace\t/var/lib/postgresql/17/main/PG_VERSION",
            "has data at /var/lib/postgresql/17/main",
            "",
        ),
        ("-", "package-repositories", "InRelease\tok", "InRelease\tfailed\tno", "not answer", ""),
    ],
)
def test_what_is_wrong_fails_with_a_sentence_and_a_remedy(
    requirement: str, check: str, old: str, new: str, sentence: str, fix: str
) -> None:
    (answer,) = judged(check, seen(RECORDED, (old, new)))

    assert answer.outcome == CheckOutcome.FAILED
    assert sentence in answer.sentence
    assert answer.remedy
    assert answer.fix == fix


def test_less_than_the_inventory_says_can_be_adopted_where_the_role_is_content() -> None:
    (answer,) = judged("memory", seen(), picture(memory_mib=65536))

    assert answer.outcome == CheckOutcome.FAILED
    assert answer.fix == ADOPT
    assert "less than the 65536" in answer.sentence


def test_names_that_a_run_writes_are_mended_by_its_component() -> None:
    machine = seen(RECORDED, ("\t10.203.0.32\n", "\t\n"))

    (answer,) = judged("names", machine, components={NAME: frozenset({"names"})})

    assert answer.fix == "component:names"


def test_a_rotating_disk_and_a_shared_one_are_warnings() -> None:
    """R121, R155."""
    slow = seen(RECORDED, ('ROTA="0"', 'ROTA="1"'))
    full = seen(RECORDED, ('FSTYPE="" MOUNTPOINT=""', 'FSTYPE="xfs" MOUNTPOINT="/srv"'))

    assert outcomes(judged("disk-kind", slow)) == [CheckOutcome.WARNING]
    assert outcomes(judged("dedicated-disk", full)) == [CheckOutcome.WARNING]


def test_data_on_a_disk_of_its_own_passes() -> None:
    """R155."""
    apart = seen(RECORDED, ("postgresql\t/dev/vda1", "postgresql\t/dev/vdb1"))

    (answer,) = judged("dedicated-disk", apart)

    assert answer.outcome == CheckOutcome.PASSED
    assert "/dev/vdb1" in answer.sentence


@pytest.mark.parametrize(
    ("version", "outcome"), [("8.10", "passed"), ("9.4", "failed"), ("7.9", "passed")]
)
def test_enterprise_linux_is_judged_by_the_releases_list(version: str, outcome: str) -> None:
    """R18."""
    machine = seen(RECORDED, ("debian\t13", f"rhel\t{version}"))
    recorded = container_data(NAME, os_id="rhel", os_version=version.split(".")[0])
    topology = make_topology((NAME, "sql-master"), platform="voipnow", containers=(recorded,))

    (answer,) = answers(Sight(topology, {NAME: machine}), checks=["operating-system"])

    assert answer.outcome == outcome


def test_clocks_are_compared_with_the_portals_and_with_each_other() -> None:
    right = replace(seen(), clock_doubt_s=0.01)
    slow, stopped = replace(right, clock_offset_s=-2), replace(right, clock_offset_s=-600)

    assert outcomes(judged("clock", right)) == [CheckOutcome.PASSED]
    assert outcomes(judged("clock", slow)) == [CheckOutcome.WARNING]
    assert outcomes(judged("clock", stopped)) == [CheckOutcome.FAILED]


def test_a_slow_answer_is_no_wrong_clock() -> None:
    machine = replace(seen(), clock_offset_s=1.0, clock_doubt_s=0.9)

    assert outcomes(judged("clock", machine)) == [CheckOutcome.PASSED]


def test_a_container_keeps_no_clock_of_its_own() -> None:
    machine = seen(RECORDED, ("inside\tnone", "inside\tlxc"), ("synchronised\tyes", "x\t"))

    assert outcomes(judged("time-synchronisation", machine)) == [CheckOutcome.NOT_APPLICABLE]


def test_what_the_visit_could_not_do_is_said_and_never_passes() -> None:
    machine = seen(
        RECORDED,
        ("name\tpg-node-02\t10.203.0.32", "fault\tnames\tThere is no getent."),
        ("synchronised\tyes\ntimeservice\tchrony", "fault\ttime\tThere is no timedatectl to ask."),
    )

    (names,) = judged("names", machine)

    assert names.outcome == CheckOutcome.UNKNOWN
    assert "There is no getent." in names.sentence
    assert outcomes(judged("time-synchronisation", machine)) != [CheckOutcome.PASSED]


def test_a_machine_that_was_not_seen_fails_its_login_and_is_unknown_otherwise() -> None:
    sight = Sight(picture(), errors={NAME: "pg-node-01 refuses the login."})

    found = answers(sight)

    assert {a.check for a in found if a.outcome == CheckOutcome.FAILED} == {"login"}
    assert {a.outcome.value for a in found} == {"failed", "unknown"}


def test_a_visit_that_broke_off_is_no_visit() -> None:
    with pytest.raises(Incomplete, match="process"):
        read_machine(RECORDED.removesuffix("end\n"))


def test_where_the_portal_has_begun_nothing_is_foreign() -> None:
    topology = installed(picture())
    machine = seen(RECORDED, ("process\tsshd", "process\tetcd"))

    assert outcomes(judged("clean-target", machine, topology)) == [CheckOutcome.NOT_APPLICABLE]


def installed(topology: Topology) -> Topology:
    """Let the first node be active."""
    node = replace(topology.nodes[NAME], assignments=(AssignmentView("database", state="active"),))
    return topology.with_node(node)


def heard(topology: Topology, key: str, how: Heard) -> dict[Wire, Heard]:
    """Let all wires be open but those of one port."""
    wires = [*needed(topology), *unwanted(topology)]
    return {w: how if w.key == key else Heard("open", at_target="bound") for w in wires}


def answer_of(key: str, how: Heard, topology: Topology | None = None) -> Answer:
    """Judge a port of the matrix on the first machine, heard like this."""
    topology = topology or picture()
    found = judged("ports", seen(), topology, heard=heard(topology, key, how))
    return next(answer for answer in found if f"({key})" in answer.about)


@pytest.mark.parametrize(
    ("how", "outcome", "sentence"),
    [
        (Heard("open", at_target="bound"), "passed", "open from pg-node-02"),
        (Heard("silent", at_target="bound"), "failed", "filtered: nothing comes back"),
        (Heard("refused", at_target="bound"), "failed", "refused from pg-node-02"),
        (Heard("open", at_target="busy"), "failed", "tcp 5432 of pg-node-01 is in use by postgres"),
        (Heard("untried", "there is no perl"), "unknown", "there is no perl"),
    ],
)
def test_a_port_is_open_shut_in_use_or_unknown(how: Heard, outcome: str, sentence: str) -> None:
    """R142, R144, R154."""
    answer = answer_of("postgresql-members", how)

    assert answer.outcome == outcome
    assert sentence in answer.sentence


def test_what_is_installed_may_use_its_port_but_must_be_reached() -> None:
    """R142."""
    topology = installed(picture())
    key = "postgresql-members"

    assert answer_of(key, Heard("open", at_target="busy"), topology).outcome == "passed"
    assert answer_of(key, Heard("silent", at_target="busy"), topology).outcome == "failed"


def test_an_internal_port_that_answers_outside_is_a_warning_before_and_a_fault_after() -> None:
    """R151."""
    topology = make_topology((NAME, "database"), ("pg-node-02", "database"))
    how = {w: Heard("open", at_target="bound") for w in unwanted(topology)}
    shut = {w: Heard("silent", at_target="bound") for w in unwanted(topology)}

    before = judged("too-open-ports", seen(), topology, heard=how)
    after = judged("too-open-ports", seen(), installed(topology), heard=how)

    assert set(outcomes(before)) == {CheckOutcome.WARNING}
    assert set(outcomes(after)) == {CheckOutcome.FAILED}
    assert set(outcomes(judged("too-open-ports", seen(), topology, heard=shut))) == {"passed"}


def test_servers_of_an_independent_role_need_not_know_each_other() -> None:
    """S9, R153."""
    addresses = {NAME: "10.203.0.31", "tele-1": "10.203.0.51", "tele-2": "10.203.0.52"}
    topology = make_topology(
        (NAME, "database"),
        ("tele-1", "telephony"),
        ("tele-2", "telephony"),
        containers=tuple(container_data(name, private=ip) for name, ip in addresses.items()),
    )

    wanted = {
        name: set(wanted_names(Subject("names", Sight(topology), topology.containers[name])))
        for name in addresses
    }

    assert wanted == {NAME: {"tele-1", "tele-2"}, "tele-1": {NAME}, "tele-2": {NAME}}
