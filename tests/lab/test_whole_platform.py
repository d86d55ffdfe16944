"""A whole small Ring2All platform by the portal alone, from bare hosts; then faults are noticed.

The vendor's packages are stand-ins (README.md): their health is good only after a write through
port 5000, a read through port 5001 and a file on the recordings.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from socket import AF_INET, SOCK_DGRAM, socket
from typing import Any

import pytest

from tests.lab.api import API
from tests.lab.hosts import Host, Lab
from tests.lab.machine import LabError, missing, run
from tests.lab.platform import CLUSTER, NODES, add_node, describe, describe_machine
from tests.lab.portal import running_portal

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
]
PRIVATE, PUBLIC = "10.225.0", "10.226.0"
SHARED = f"{PUBLIC}.100"
PROCESSES = "systemctl show -P ActiveEnterTimestamp freeswitch freeswitch-sip voipadmin-sidecar"
SIP = "/usr/lib/softswitch-standin/health.py telephony"


@dataclass
class Platform:
    """The platform: its hosts by name, and the portal that looks after it."""

    lab: Lab
    api: API
    hosts: dict[str, Host]

    def on(self, name: str, command: str) -> str:
        """Run a command on one of the hosts."""
        return self.lab.ssh(self.hosts[name], command)

    def health(self, name: str, port: int) -> tuple[int, str]:
        """Return status and text of an application's health."""
        ask = f"curl -sS -w '\\n%{{http_code}}' http://127.0.0.1:{port}/api/health"
        text, _, status = self.on(name, ask).rpartition("\n")
        return int(status), text


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Bare hosts, and a portal that knows them and has done nothing yet."""
    with (
        Lab("vall", PRIVATE, PUBLIC, layers=()) as lab,
        running_portal(tmp_path_factory.mktemp("portal")) as portal,
    ):
        hosts = dict(zip(NODES, lab.up(len(NODES)), strict=True))
        api = API(portal.url)
        describe(api, lab, hosts, {"virtual_ip": SHARED})
        yield Platform(lab, api, hosts)


@pytest.fixture(scope="module")
def installed(platform: Platform) -> Any:
    """The first run, after its end."""
    return provision(platform)


def test_bare_hosts_become_a_platform(platform: Platform, installed: Any) -> None:
    assert installed["notes"] == []
    assert {step["role"] for step in platform.api.steps(installed)} == set(NODES.values())


@pytest.mark.usefixtures("installed")
def test_the_shared_address_leads_to_every_application() -> None:
    for path in ("admin/index.html", "portal/index.html", "switchboard/index.html", "api/health"):
        ask = ("curl", "-sk", "-o", "/dev/null", "-w", "%{http_code}", f"https://{SHARED}/{path}")
        assert (path, run(*ask)) == (path, "200")


@pytest.mark.usefixtures("installed")
def test_nobody_else_can_read_the_credentials(platform: Platform) -> None:
    for name in ("admin-node-01", "api-node-01", "portal-node-01", "tele-node-01"):
        assert platform.on(name, "stat -c '%a %U' /etc/softswitch/db-credentials") == "600 root\n"
    password = platform.on(
        "api-node-01", "sed -n s/^DB_PASSWORD=//p /etc/softswitch/db-credentials"
    )
    for name in NODES:
        seen = platform.on(name, "cat /proc/[0-9]*/cmdline | tr '\\0' ' '")
        assert password.strip() not in seen


@pytest.mark.usefixtures("installed")
def test_a_second_run_changes_nothing(platform: Platform) -> None:
    run = provision(platform)

    changed = [s for s in platform.api.steps(run) if s["status"] not in ("ok", "skipped")]
    assert [(s["container_name"], s["key"]) for s in changed] == []


@pytest.mark.usefixtures("installed")
def test_a_wrong_password_turns_the_health_red_and_a_run_mends_it(platform: Platform) -> None:
    settings = "/var/www/softswitch-portal/.env"
    platform.on("portal-node-01", f"sed -i 's/ss_db_user:[^@]*@/ss_db_user:wrong@/' {settings}")

    said = wait_until_red(lambda: platform.health("portal-node-01", 3002))

    assert "password authentication failed" in said
    assert provision(platform, "portal")["status"] == "succeeded"
    assert platform.health("portal-node-01", 3002)[0] == 200


@pytest.mark.usefixtures("installed")
def test_a_closed_port_turns_the_health_red(platform: Platform) -> None:
    platform.on(
        "api-node-01",
        "nft add table inet harm; nft add chain inet harm out "
        "'{ type filter hook output priority 0; }'; nft add rule inet harm out tcp dport 5432 drop",
    )
    try:
        said = wait_until_red(lambda: platform.health("api-node-01", 3000))
    finally:
        platform.on("api-node-01", "nft delete table inet harm")

    assert "port 5000" in said
    wait_until(lambda: platform.health("api-node-01", 3000)[0] == 200)


@pytest.mark.usefixtures("installed")
def test_a_missing_mount_silences_sip_and_the_event_socket(platform: Platform) -> None:
    platform.on("tele-node-01", "systemctl stop voipadmin-recordings.timer")
    platform.on("tele-node-01", "umount /var/lib/freeswitch/recordings")

    faults = json.loads(platform.on("tele-node-01", f"{SIP} || true"))["faults"]

    assert faults == ["Fault: /var/lib/freeswitch/recordings is not mounted"]
    assert "503" in sip_answer(platform, "tele-node-01")
    assert "200" in sip_answer(platform, "tele-node-02")
    assert provision(platform, "telephony")["status"] == "succeeded"
    assert "200" in sip_answer(platform, "tele-node-01")


@pytest.mark.usefixtures("installed")
def test_servers_change_to_the_version_that_is_asked_for(platform: Platform) -> None:
    cluster = platform.api.get(f"clusters/{CLUSTER}/")
    wanted = {**cluster["parameters"], "softswitch_version": "1.0.0"}
    platform.api.patch(f"clusters/{CLUSTER}/", parameters=wanted)

    provision(platform, "api", "telephony")

    for name in ("api-node-01", "api-node-02"):
        version = platform.on(name, "dpkg-query -W -f='${Version}' softswitch-api")
        assert (name, version, platform.health(name, 3000)[0]) == (name, "1.0.0", 200)
    for name in ("tele-node-01", "tele-node-02"):
        version = platform.on(name, "dpkg-query -W -f='${Version}' softswitch-telephony")
        assert (name, version, "200" in sip_answer(platform, name)) == (name, "1.0.0", True)


@pytest.mark.thorough
@pytest.mark.usefixtures("installed")
def test_another_telephony_server_touches_nothing_on_the_others(platform: Platform) -> None:
    others = ("tele-node-01", "tele-node-02")
    before = [platform.on(name, "date +%s") for name in others]
    running = [platform.on(name, PROCESSES) for name in others]
    (host,) = platform.lab.up(1, start=len(NODES) + 1)
    platform.hosts["tele-node-03"] = host
    describe_machine(platform.api, platform.lab, "tele-node-03", host)
    add_node(platform.api, "tele-node-03", "telephony")

    provision(platform)

    assert "200" in sip_answer(platform, "tele-node-03")
    assert [platform.on(name, PROCESSES) for name in others] == running
    for name, since in zip(others, before, strict=True):
        assert platform.on(name, f"find /etc /usr/local -type f -newermt @{since.strip()}") == ""


def provision(platform: Platform, *roles: str) -> Any:
    """Press Provision, wait for success, and say how long which part took."""
    began = time.monotonic()
    run = platform.api.provision(CLUSTER, roles)
    steps = platform.api.steps(run)
    failed = [step for step in steps if step["status"] in ("failed", "lost")]
    told = [f"{s['container_name']} {s['key']}: {platform.api.log(s)[-1500:]}" for s in failed]
    outcomes = Counter(step["status"] for step in steps)
    print(f"run of {time.monotonic() - began:.0f} s: {dict(outcomes)}; {times(steps)}")
    assert run["status"] == "succeeded", "\n".join([run["reason"], *told])
    return run


def times(steps: list[Any]) -> str:
    """Say how many seconds each role took."""
    spans: dict[str, list[str]] = {}
    for step in steps:
        ends = [at for at in (step["started_at"], step["finished_at"]) if at]
        spans.setdefault(step["role"], []).extend(ends)
    return ", ".join(
        f"{role} {seconds(min(at), max(at)):.0f} s" for role, at in spans.items() if at
    )


def seconds(first: str, last: str) -> float:
    """Return the seconds between two times."""
    return (datetime.fromisoformat(last) - datetime.fromisoformat(first)).total_seconds()


def sip_answer(platform: Platform, name: str) -> str:
    """Return the first line that an OPTIONS gets for an answer."""
    host = platform.hosts[name]
    with socket(AF_INET, SOCK_DGRAM) as sip:
        sip.settimeout(20)
        sip.connect((host.public, 5060))
        sip.send(
            f"OPTIONS sip:ping@{host.public} SIP/2.0\r\nVia: SIP/2.0/UDP {PUBLIC}.1;rport;"
            f"branch=z9hG4bK{time.monotonic_ns()}\r\nFrom: <sip:test@{PUBLIC}.1>;tag=1\r\n"
            f"To: <sip:ping@{host.public}>\r\nCall-ID: {time.monotonic_ns()}\r\n"
            "CSeq: 1 OPTIONS\r\nMax-Forwards: 5\r\nContent-Length: 0\r\n\r\n".encode()
        )
        return sip.recv(65535).decode().splitlines()[0]


def wait_until_red(ask: Callable[[], tuple[int, str]]) -> str:
    """Ask until the health is no longer good; return what it says then."""
    said: list[str] = []

    def is_red() -> bool:
        status, text = ask()
        said.append(text)
        return status == 503

    wait_until(is_red)
    return said[-1]


def wait_until(condition: Callable[[], bool], limit_s: float = 90) -> None:
    """Ask until it is so; a host that does not answer yet is asked again."""
    deadline = time.monotonic() + limit_s
    while True:
        try:
            if condition():
                return
        except LabError as error:
            last = str(error)
        else:
            last = "it is not so"
        assert time.monotonic() < deadline, last
        time.sleep(0.5)
