"""Ring2All's balancers on bare Debian hosts, before two that stand in for the rest."""

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from inventory.topology import Topology
from provisioning.planning import plan
from provisioning.runbook.load import load_runbooks
from provisioning.steps import Plan
from tests.lab.executor import Executor, Outcome
from tests.lab.hosts import Host, Lab
from tests.lab.issuing import Issuer
from tests.lab.machine import LabError, missing
from tests.provisioning.topologies import make_topology

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
]
PRIVATE, PUBLIC = "10.223.0", "10.224.0"
VIP = f"{PRIVATE}.99"
NAME = "pbx.example.com"
WEB = ("admin", "portal", "switchboard")
CONTAINERS = {
    "lb-node-01": ("load-balancer",),
    "lb-node-02": ("load-balancer",),
    "web-node-01": (*WEB[:2], "api"),
    "api-node-02": ("api",),
}
PARAMETERS = {"virtual_ip": VIP, "public_hostname": NAME}
ACME = {"public_certificate": "acme", "acme_server": "https://api-node-02:14000/dir"}
# Away from a terminal it would wait for up to eight minutes first.
RENEW = "certbot renew --force-renewal --no-random-sleep-on-renew --quiet"
# Asks the shared address like a public authority does, for the name that users know.
AUTHORITY = f"""
apt-get install -y -qq pebble >/dev/null
echo "{VIP} {NAME}" >> /etc/hosts
cat > /etc/pebble.json <<'END'
{{"pebble": {{"listenAddress": "0.0.0.0:14000", "managementListenAddress": "127.0.0.1:15000",
  "certificate": "/etc/ssl/site.crt", "privateKey": "/etc/ssl/site.key",
  "httpPort": 80, "tlsPort": 443}}}}
END
systemd-run --quiet --unit=authority --setenv=PEBBLE_VA_NOSLEEP=1 pebble -config /etc/pebble.json
"""
# One server for everything the balancer asks; /slow takes a while, as a long request does.
STAND_IN = """
apt-get update -qq && apt-get install -y -qq nginx >/dev/null
mkdir -p /srv/web/admin /srv/web/portal /srv/web/api
for path in admin portal; do echo "$path" > /srv/web/$path/index.html; done
hostname > /srv/web/api/health
dd if=/dev/zero of=/srv/web/api/slow bs=1k count=200 status=none
cat > /etc/nginx/sites-enabled/default <<'END'
server {
    listen 443 ssl;
    listen 3000;
    listen 3001;
    ssl_certificate /etc/ssl/site.crt;
    ssl_certificate_key /etc/ssl/site.key;
    root /srv/web;
    location = /api/slow { limit_rate 50k; }
}
END
systemctl restart nginx
"""


def topology(**parameters: str) -> Topology:
    """Return two balancers, and two machines behind them; there is no switchboard."""
    values = PARAMETERS | parameters
    return make_topology(CONTAINERS, private=PRIVATE, public=PUBLIC, parameters=values)


def make_plan(**parameters: str) -> Plan:
    """Return the plan for the balancers."""
    return plan(topology(**parameters), load_runbooks("ring2all"), roles=["load-balancer"])


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    """Return what issues the certificates of all machines."""
    return Issuer(topology())


@pytest.fixture(scope="module")
def lab(issuer: Issuer) -> Iterator[Lab]:
    """Two bare hosts, and two that serve."""
    with Lab("vw", PRIVATE, PUBLIC, layers=()) as lab:
        lab.up(len(CONTAINERS))
        for host, name in zip(lab.hosts()[2:], list(CONTAINERS)[2:], strict=True):
            pair = issuer.pair(name)
            lab.ssh(
                host, f"hostname {name}; cat > /etc/ssl/site.crt <<'END'\n{pair.certificate}END"
            )
            lab.ssh(host, f"cat > /etc/ssl/site.key <<'END'\n{pair.key}END\n{STAND_IN}")
        yield lab


@pytest.fixture(scope="module")
def executor(
    lab: Lab, issuer: Issuer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Executor]:
    """An executor with a connection to each host."""
    addresses = dict(zip(CONTAINERS, (host.private for host in lab.hosts()), strict=True))
    executor = Executor(addresses, lab.key_path, tmp_path_factory.mktemp("s"), issuer)
    yield executor
    executor.close()


@pytest.fixture(scope="module")
def installed(executor: Executor) -> list[Outcome]:
    """The outcomes of the first run."""
    started = time.monotonic()
    outcomes = executor.carry_out(make_plan())
    print(f"first run: {time.monotonic() - started:.0f} s")
    return outcomes


@pytest.fixture(scope="module")
def trusted(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The authority's certificate as a file."""
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    path.write_text(issuer.authority.certificate)
    return path


def unlike(outcomes: list[Outcome], *expected: str) -> list[str]:
    """Return the steps with another outcome, with what they said."""
    return [
        f"{o.step.container} {o.step.key} {o.outcome}: {o.output}"
        for o in outcomes
        if o.outcome not in expected
    ]


def ask(path: str, trusted: Path, *options: str, to: str = VIP) -> str:
    """Return status and body of an answer through the balancers; "000" when there is none."""
    done = subprocess.run(
        (
            *("curl", "-s", "-m", "8", "--cacert", trusted, "-w", "\n%{http_code}"),
            *("--resolve", f"{NAME}:443:{to}", *options, f"https://{NAME}{path}"),
        ),
        capture_output=True,
        text=True,
        check=False,
    )
    body, _, status = done.stdout.rpartition("\n")
    return f"{status} {body.strip()}".strip()


def wait_until(condition: Callable[[], bool], timeout_s: float = 30) -> float:
    """Ask again and again until it is so; return how many seconds that took."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() < started + timeout_s, "it never came about"
        time.sleep(0.1)
    return time.monotonic() - started


def holder(lab: Lab, address: str = VIP) -> Host | None:
    """Return the balancer that holds the shared address; None when not exactly one does."""
    found = []
    for host in lab.hosts()[:2]:
        try:
            if f" {address}/" in lab.ssh(host, "ip -o -4 addr show", timeout_s=5):
                found.append(host)
        except LabError:
            continue
    return found[0] if len(found) == 1 else None


def test_a_first_run_makes_balancers_that_answer_at_one_address(
    lab: Lab, installed: list[Outcome], trusted: Path
) -> None:
    assert unlike(installed, "ok", "changed", "skipped") == []
    assert len(installed) == len(make_plan().steps)
    wait_until(lambda: holder(lab) is not None)
    assert ask("/admin/index.html", trusted) == "200 admin"
    assert ask("/portal/index.html", trusted) == "200 portal"
    assert ask("/api/health", trusted) in ("200 web-node-01", "200 api-node-02")
    assert ask("/switchboard/", trusted) == "503 There is no switchboard server yet."
    assert ask("/administrator", trusted).startswith("404")
    assert ask("/haproxy-statistics", trusted).startswith("401")


@pytest.mark.usefixtures("installed")
def test_a_second_run_changes_nothing(executor: Executor) -> None:
    assert unlike(executor.carry_out(make_plan()), "ok", "skipped") == []


@pytest.mark.usefixtures("installed")
def test_statistics_are_shown_to_the_private_network_alone(trusted: Path) -> None:
    password = ("-u", "admin:S3cr-t_haproxy-stats")

    assert ask("/haproxy-statistics", trusted, *password).startswith("200")
    from_outside = ("--interface", f"{PUBLIC}.1")
    assert ask("/haproxy-statistics", trusted, *password, *from_outside, to=f"{PUBLIC}.11") == (
        "403 <html><body><h1>403 Forbidden</h1>\nRequest forbidden by administrative rules."
        "\n</body></html>"
    )


@pytest.mark.usefixtures("installed")
def test_a_server_that_fails_its_check_is_taken_out(lab: Lab, trusted: Path) -> None:
    api = lab.hosts()[3]

    now = holder(lab)
    assert now is not None
    lab.ssh(api, "systemctl stop nginx")
    seconds = wait_until(lambda: "api api-node-02 0 DOWN" in lab.ssh(now, "voipadmin-drain --show"))
    assert _answers_of_api(trusted) == {"200 web-node-01"}
    lab.ssh(api, "systemctl start nginx")
    back = wait_until(lambda: len(_answers_of_api(trusted)) == 2)

    print(f"taken out after {seconds:.1f} s, in again after {back:.1f} s")


@pytest.mark.usefixtures("installed")
def test_draining_a_server_lets_its_requests_end(lab: Lab, trusted: Path) -> None:
    command = "voipadmin-drain api-node-02 20"
    curl = ("curl", "-s", "-o", "/dev/null", "-w", "%{http_code} %{size_download}")
    url = (f"https://{NAME}/api/slow", "--resolve", f"{NAME}:443:{VIP}", "--cacert", trusted)
    slow = [subprocess.Popen((*curl, *url), stdout=subprocess.PIPE, text=True) for _ in range(4)]
    now = holder(lab)
    assert now is not None
    wait_until(
        lambda: "4" in lab.ssh(now, "voipadmin-drain --show | awk '{sum+=$3} END {print sum}'")
    )

    said = lab.ssh(now, command)

    assert "api-node-02 is drained." in said
    assert {request.communicate(timeout=20)[0] for request in slow} == {"200 204800"}
    assert _answers_of_api(trusted) == {"200 web-node-01"}
    lab.ssh(now, "systemctl reload haproxy")
    assert _answers_of_api(trusted) == {"200 web-node-01"}
    lab.ssh(now, "voipadmin-drain --ready api-node-02")
    wait_until(lambda: len(_answers_of_api(trusted)) == 2)


@pytest.mark.usefixtures("installed")
def test_the_shared_address_moves_when_its_holder_dies(lab: Lab, trusted: Path) -> None:
    first = holder(lab)
    assert first is not None

    lab.power_off(first)
    seconds = wait_until(lambda: ask("/admin/index.html", trusted, "-m", "1") == "200 admin")
    print(f"the shared address answered again after {seconds:.1f} s")
    second = holder(lab)
    lab.power_on(first)

    assert second not in (first, None)
    assert seconds < 10
    wait_until(lambda: "active" in lab.ssh(first, "systemctl is-active keepalived || true"))
    assert holder(lab) == second


@pytest.mark.usefixtures("installed")
def test_the_shared_address_leaves_a_balancer_that_serves_nothing(lab: Lab, trusted: Path) -> None:
    first = holder(lab)
    assert first is not None

    lab.ssh(first, "systemctl stop haproxy")
    seconds = wait_until(lambda: ask("/admin/index.html", trusted, "-m", "1") == "200 admin")
    lab.ssh(first, "systemctl start haproxy")

    print(f"the shared address left a dead HAProxy after {seconds:.1f} s")
    assert holder(lab) != first


@pytest.mark.thorough
@pytest.mark.usefixtures("installed")
def test_the_shared_address_may_lie_in_the_public_network(
    lab: Lab, executor: Executor, trusted: Path
) -> None:
    outside = f"{PUBLIC}.99"

    outcomes = executor.carry_out(make_plan(virtual_ip=outside))

    assert unlike(outcomes, "ok", "changed", "skipped") == []
    assert ask("/admin/index.html", trusted, to=outside) == "200 admin"
    assert holder(lab) is None
    first = holder(lab, outside)
    assert first is not None
    lab.power_off(first)
    wait_until(lambda: ask("/admin/index.html", trusted, "-m", "1", to=outside) == "200 admin")
    lab.power_on(first)
    executor.carry_out(make_plan())
    wait_until(lambda: holder(lab) is not None)


@pytest.mark.thorough
@pytest.mark.usefixtures("installed")
def test_balancers_get_certificates_of_a_public_authority(
    lab: Lab, executor: Executor, trusted: Path
) -> None:
    lab.ssh(lab.hosts()[3], AUTHORITY)
    wait_until(lambda: "000" in lab.ssh(lab.hosts()[3], "ss -Hlnt sport = :14000"))

    outcomes = executor.carry_out(make_plan(**ACME))

    assert unlike(outcomes, "ok", "changed", "skipped") == []
    assert unlike(executor.carry_out(make_plan(**ACME)), "ok", "skipped") == []
    for address in (VIP, f"{PRIVATE}.11", f"{PRIVATE}.12"):
        assert "Pebble Intermediate" in _issuer(address)
    lab.ssh(lab.hosts()[0], RENEW)
    executor.carry_out(make_plan())
    assert "lab" in _issuer(VIP)
    assert ask("/admin/index.html", trusted) == "200 admin"


def _issuer(address: str) -> str:
    """Return who issued the certificate that a balancer serves."""
    hello = f"openssl s_client -connect {address}:443 -servername {NAME} </dev/null 2>/dev/null"
    done = subprocess.run(
        f"{hello} | openssl x509 -noout -issuer", shell=True, capture_output=True, text=True
    )
    return done.stdout


def _answers_of_api(trusted: Path) -> set[str]:
    """Return what eight requests to the API are answered."""
    return {ask("/api/health", trusted) for _ in range(8)}
