"""Kinds of steps that need a real machine: mounts, users, services, packages, Debian's clusters."""

import base64
import re
from collections.abc import Iterator
from shlex import quote
from typing import Any

import pytest

from provisioning.compile.step import Place, compile_notified, compile_step
from provisioning.planning import plan
from provisioning.runbook.load import load_runbooks
from provisioning.runbook.schema import HandlerSpec, StepSpec
from provisioning.steps import CompiledStep, Plan, Stage
from tests.lab.executor import Executor, Outcome
from tests.lab.hosts import Lab
from tests.lab.machine import missing
from tests.provisioning.topologies import make_topology

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
]
PLACE = Place("database", "test", {})
CONTEXT = {"node": {"name": "pg-node-01"}, "container": {"name": "pg-node-01"}}
CHANGED = "find /etc /usr /opt /srv /mnt /var/lib /var/cache -xdev -newer /tmp/before"
UNIT = "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """One host that has the database packages."""
    with Lab("vk", "10.217.0", "10.218.0") as lab:
        lab.up(1)
        yield lab


@pytest.fixture(scope="module")
def executor(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Executor]:
    """An executor that knows the host by the name of the first container."""
    sockets = tmp_path_factory.mktemp("s")
    addresses = {"pg-node-01": lab.hosts()[0].private}
    executor = Executor(addresses, lab.key_path, sockets, lambda key: key)
    yield executor
    executor.close()


def one(**kind: Any) -> CompiledStep:
    """Return a step of a kind for the first container."""
    spec = StepSpec.model_validate({"key": "it", "title": "It", **kind})
    return compile_step(spec, PLACE, CONTEXT)[0].step


def carry_out(executor: Executor, *steps: CompiledStep) -> list[str]:
    """Return the outcomes of steps."""
    outcomes: list[Outcome] = executor.carry_out(Plan((Stage("s", "S", steps),), {}))
    return [o.outcome if o.outcome in ("ok", "changed") else o.output for o in outcomes]


def test_a_mount_is_there_now_and_in_fstab_once(lab: Lab, executor: Executor) -> None:
    first = one(mount={"device": "tmpfs", "path": "/mnt/a", "type": "tmpfs"})
    other = one(mount={"device": "tmpfs", "path": "/mnt/a", "type": "tmpfs", "options": "size=8m"})

    assert carry_out(executor, first, first, other, other) == ["changed", "ok", "changed", "ok"]
    assert lab.ssh(lab.host(1), "grep /mnt/a /etc/fstab; findmnt -no FSTYPE /mnt/a").split() == [
        *("tmpfs", "/mnt/a", "tmpfs", "size=8m", "0", "0"),
        "tmpfs",
    ]


def test_a_user_joins_groups_and_leaves_none(lab: Lab, executor: Executor) -> None:
    plain = one(user={"name": "operator2"})
    member = one(user={"name": "operator2", "groups": ["adm"]})

    assert carry_out(executor, plain, member, member, plain) == ["changed", "changed", "ok", "ok"]
    assert "adm" in lab.ssh(lab.host(1), "id -nG operator2").split()


def test_a_service_restarts_when_its_file_changed_and_only_then(
    lab: Lab, executor: Executor
) -> None:
    unit = "/etc/systemd/system/demo.service"
    file = one(file={"path": unit, "content": UNIT})
    changed = one(file={"path": unit, "content": "[Unit]\nDescription=Demo\n" + UNIT})
    service = one(service={"name": "demo.service", "watch": [unit]})
    process = "systemctl show -p MainPID demo"

    assert carry_out(executor, file, service, service) == ["changed", "changed", "ok"]
    before = lab.ssh(lab.host(1), process)
    assert carry_out(executor, changed, service, service) == ["changed", "changed", "ok"]
    assert lab.ssh(lab.host(1), process) != before

    stopped = one(service={"name": "demo.service", "enabled": False, "state": "stopped"})
    assert carry_out(executor, stopped, stopped) == ["changed", "ok"]


def test_a_handler_restarts_a_service_once_and_only_after_a_change(
    lab: Lab, executor: Executor
) -> None:
    unit = "/etc/systemd/system/handled.service"
    steps = [
        StepSpec.model_validate({"key": key, "title": key, "notify": ["restart"], **kind})
        for key, kind in (
            ("unit", {"file": {"path": unit, "content": UNIT}}),
            ("settings", {"file": {"path": "/etc/handled", "content": "one"}}),
        )
    ]
    handler = HandlerSpec.model_validate(
        {"key": "restart", "title": "Restart", "service": {"name": "handled.service"}}
    )
    compiled = [made for step in steps for made in compile_step(step, PLACE, CONTEXT)]
    restart = compile_notified(handler, PLACE, CONTEXT, compiled)[0].step
    first, second = (made.step for made in compiled)

    outcomes = carry_out(executor, first, second, restart, first, second, restart)

    assert outcomes == ["changed", "changed", "changed", "ok", "ok", "ok"]
    assert lab.ssh(lab.host(1), "systemctl is-active handled").strip() == "active"


def test_previews_of_a_real_machine_change_nothing(lab: Lab) -> None:
    host = lab.host(1)
    packages = one(packages={"apt": ["nftables", "haproxy"]})
    service = one(service={"name": "haproxy.service", "watch": ["/etc/haproxy/haproxy.cfg"]})
    mount = one(mount={"device": "tmpfs", "path": "/mnt/b", "type": "tmpfs"})
    lab.ssh(host, "apt-get -q update; sync; touch /tmp/before; sleep 0.1")

    said = [
        lab.ssh(host, f"STEP_DIR=/tmp sh -c {quote(step.preview)}")
        for step in (packages, service, mount)
    ]

    assert re.search(r"^would install haproxy \d", said[0], re.MULTILINE)
    assert said[1].splitlines() == ["would enable haproxy.service", "would start haproxy.service"]
    assert said[2].splitlines()[-1] == "would mount /mnt/b"
    assert lab.ssh(host, CHANGED) == ""


def test_a_look_at_a_whole_runbook_changes_nothing(lab: Lab) -> None:
    host = lab.host(1)
    steps = [
        step
        for step in plan(make_topology(), load_runbooks("ring2all")).steps
        if step.node == "pg-node-01"
    ]
    lab.ssh(host, "sync; touch /tmp/before; sleep 0.1")

    said = {step.key: lab.ssh(host, looking(step)) for step in steps}

    assert lab.ssh(host, CHANGED) == ""
    assert "+++ /etc/default/etcd (then)" in said["database.etcd.settings"]
    assert said["database.patroni.shared-settings"].startswith("would run: patronictl")
    assert "password: •••" in said["database.patroni.settings"]


def looking(step: CompiledStep) -> str:
    """Return a command that sends a step's files and runs its preview."""
    files = (
        f"printf %s {base64.b64encode(text.encode()).decode()} | base64 -d >/tmp/look/files/{name}"
        for name, text in step.files.items()
    )
    send = "; ".join(("rm -rf /tmp/look", "mkdir -p /tmp/look/files", *files))
    return f"{send}; STEP_DIR=/tmp/look sh -c {quote(step.preview)}"


def test_a_package_that_does_not_exist_fails_with_apts_words(executor: Executor) -> None:
    (said,) = carry_out(executor, one(packages={"apt": ["no-such-package"]}))

    assert "Unable to locate package no-such-package" in said


def test_a_cluster_that_debian_made_is_set_aside_and_kept(lab: Lab, executor: Executor) -> None:
    lab.ssh(lab.host(1), "pg_createcluster 17 main --start")
    planned = plan(make_topology(), load_runbooks("ring2all"))
    step = next(s for s in planned.steps if s.key == "database.software.foreign-cluster")

    assert carry_out(executor, step, step) == ["changed", "ok"]

    listed = lab.ssh(lab.host(1), "pg_lsclusters -h; ls /var/lib/postgresql/17").split()
    assert listed[1].startswith("aside_")
    assert listed[3] == "down"
    assert "main" not in listed
