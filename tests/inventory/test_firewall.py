"""The firewall: who may connect to what, from the port matrix and its supplement."""

import shutil
import subprocess
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest

from inventory.exposure import Exposure, too_open
from inventory.firewall import (
    FirewallRule,
    firewall_rules,
    known_ssh_sources,
    render_nftables,
    render_ufw,
)
from inventory.rules import Severity, findings
from inventory.topology import BalancerView, Topology
from tests.factories import container_data, make_topology
from tests.inventory.rules.pictures import outcome

CLUSTER = {
    "pg-node-01": "database",
    "pg-node-02": "database",
    "pg-node-03": "database",
    "fs-node-01": "file-server",
    "admin-node-01": "admin",
    "tele-node-01": "telephony",
    "lb-node-01": "load-balancer",
}
MACHINES = (*CLUSTER, "spare-01")
PG = ("10.203.0.10", "10.203.0.11", "10.203.0.12")
ADMIN, TELE = "10.203.0.14", "10.203.0.15"
OFFICE: dict[str, Any] = {"ssh_sources": "192.0.2.1"}


def cluster(more: dict[str, str] | None = None, **parameters: Any) -> Topology:
    """Picture a whole cluster and a machine that runs nothing."""
    nodes = tuple((CLUSTER | (more or {})).items())
    spare = container_data("spare-01", private="10.203.0.200")
    return make_topology(*nodes, containers=(spare,), parameters=parameters)


def rules_for(container: str, ssh_sources: tuple[str, ...] = ()) -> tuple[FirewallRule, ...]:
    """Return the rules of a container of a whole cluster."""
    return firewall_rules(cluster(), container, ssh_sources=ssh_sources)


def allowed(container: str, port: int, protocol: str = "tcp") -> set[str] | None:
    """Return the addresses that may connect to a port; None is anybody."""
    found: set[str] = set()
    for rule in rules_for(container, ("192.0.2.1",)):
        bounds = [int(number) for number in (rule.ports or "0").split("-")]
        if rule.protocol == protocol and bounds[0] <= port <= bounds[-1]:
            if rule.sources is None:
                return None
            found |= set(rule.sources)
    return found


@pytest.mark.parametrize("port", [5432, 8008])
def test_applications_and_telephony_reach_the_database_and_patroni(port: int) -> None:
    """R142, R143, K19: clients are let in, not database nodes alone."""
    assert allowed("pg-node-01", port) == {*PG, ADMIN, TELE}


@pytest.mark.parametrize("port", [2379, 2380])
def test_only_members_reach_etcd(port: int) -> None:
    """R144."""
    assert allowed("pg-node-01", port) == set(PG)


@pytest.mark.parametrize("port", [24007, 24008, 49152, 49251])
def test_members_and_clients_reach_the_file_servers(port: int) -> None:
    """R145, R146, K19."""
    assert allowed("fs-node-01", port) == {"10.203.0.13", ADMIN, TELE}


def test_no_brick_is_reached_beyond_the_range() -> None:
    """R146."""
    assert allowed("fs-node-01", 49252) == set()


def test_what_is_for_databases_is_closed_elsewhere() -> None:
    """R151: internal ports are held to the machines that need them."""
    assert allowed("tele-node-01", 5432) == set()
    assert allowed("tele-node-01", 2380) == set()


@pytest.mark.parametrize(("port", "protocol"), [(5060, "udp"), (5060, "tcp"), (5061, "tcp")])
def test_phones_reach_telephony_from_everywhere(port: int, protocol: str) -> None:
    """R148, R149, R150."""
    assert allowed("tele-node-01", port, protocol) is None
    assert allowed("tele-node-01", 16384, "udp") is None
    assert allowed("pg-node-01", port, protocol) == set()


@pytest.mark.parametrize("port", [80, 443])
def test_browsers_reach_the_web_interfaces_from_everywhere(port: int) -> None:
    """R147."""
    assert allowed("admin-node-01", port) is None
    assert allowed("lb-node-01", port) is None
    assert allowed("tele-node-01", port) == set()


def test_balancers_hear_each_other() -> None:
    """S8: the second takes the address over when it no longer hears the first."""
    topology = cluster({"lb-node-02": "load-balancer"})

    heard = [rule for rule in firewall_rules(topology, "lb-node-02") if rule.protocol == "vrrp"]

    assert [rule.sources for rule in heard] == [("10.203.0.16", "10.203.0.17")]


def test_portal_and_bastion_log_in_everywhere_even_where_no_role_is() -> None:
    assert allowed("spare-01", 22) == {"192.0.2.1"}
    assert allowed("pg-node-01", 22) == {"192.0.2.1"}


def test_the_login_stays_open_when_nobody_said_where_it_comes_from() -> None:
    login = rules_for("pg-node-01")[0]

    assert (login.protocol, login.ports, login.sources) == ("tcp", "22", None)


def test_a_new_telephony_server_is_let_in_to_the_databases_only() -> None:
    """R128, S9: nothing changes on other telephony servers."""
    before = cluster()
    after = cluster({"tele-node-02": "telephony"})
    changed = {
        name for name in MACHINES if firewall_rules(before, name) != firewall_rules(after, name)
    }

    assert changed == {"pg-node-01", "pg-node-02", "pg-node-03", "fs-node-01"}


@pytest.mark.parametrize("text", ["portal", "10.0.0.1, 10.0.0.300", "10.0.0.0/33"])
def test_what_is_no_list_of_addresses_opens_nothing(text: str) -> None:
    topology = cluster(ssh_sources=text)

    with pytest.raises(ValueError, match="does not appear to be"):
        known_ssh_sources(topology)

    (fault,) = too_open(topology, "pg-node-01")
    assert fault.severity is Severity.ERROR
    assert "ssh_sources is no list of addresses" in fault.message


def about(topology: Topology, container: str, requirement: str) -> list[Exposure]:
    """Return what is said of a machine under one requirement."""
    found = too_open(topology, container)
    return [exposure for exposure in found if exposure.requirement == requirement]


def without_public(topology: Topology, container: str) -> Topology:
    """Take a machine's public address."""
    view = topology.containers[container]
    kept = tuple(address for address in view.addresses if address.network != "public")
    return topology.with_container(replace(view, addresses=kept))


@pytest.mark.parametrize(
    ("sources", "said"),
    [
        ("", "anybody"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("10.0.0.0/15", "10.0.0.0/15"),
        ("10.0.0.0/16", None),
        ("192.0.2.1 2001:db8::/47", "2001:db8::/47"),
        ("192.0.2.1 2001:db8::/48", None),
    ],
)
def test_a_login_that_is_open_to_too_many_is_named(sources: str, said: str | None) -> None:
    """R151, S8."""
    found = about(cluster(ssh_sources=sources), "pg-node-01", "S8")

    if said is None:
        assert found == []
    else:
        assert [exposure.ports for exposure in found] == ["tcp 22"]
        assert f"open to {said}, and 10.204.0.10 is public" in found[0].message
        assert found[0].severity is Severity.ERROR


def test_an_open_login_is_less_bad_where_only_the_private_network_reaches() -> None:
    (exposure,) = about(cluster(), "spare-01", "S8")

    assert exposure.severity is Severity.WARNING
    assert "in the private network" in exposure.message


@pytest.mark.parametrize(
    ("sources", "is_public", "expected"),
    [
        ("", True, "warn"),
        ("", False, "note"),
        ("192.0.2.1", True, "nothing"),
        ("the portal", False, "hold"),
    ],
)
def test_a_cluster_is_told_who_may_log_in(sources: str, is_public: bool, expected: str) -> None:
    """R151, S8."""
    topology = cluster(ssh_sources=sources)
    if not is_public:
        for name in topology.containers:
            topology = without_public(topology, name)

    found = [finding for finding in findings(topology) if finding.key == "login-sources"]

    assert outcome(found) == expected


def test_what_is_held_to_the_machines_that_need_it_is_not_too_open() -> None:
    """R151."""
    topology = cluster(**OFFICE)

    assert {name: too_open(topology, name) for name in MACHINES} == dict.fromkeys(MACHINES, ())


def test_a_client_without_private_address_is_named_where_it_is_shut_out() -> None:
    """K19."""
    topology = cluster(**OFFICE)
    view = topology.containers["tele-node-01"]
    lost = topology.with_container(replace(view, addresses=view.addresses[1:]))

    found = about(lost, "pg-node-01", "K19")

    assert [exposure.ports for exposure in found] == ["tcp 5432", "tcp 8008"]
    assert "PostgreSQL stays closed to tele-node-01" in found[0].message


def test_external_ports_without_a_public_address_are_named() -> None:
    """R151: external ports must be reachable."""
    topology = without_public(cluster(**OFFICE), "admin-node-01")

    (exposure,) = too_open(topology, "admin-node-01")

    assert (exposure.severity, exposure.ports) == (Severity.WARNING, "tcp 80, tcp 443")
    assert "no customer reaches them" in exposure.message


def test_behind_a_public_balancer_that_is_as_it_should_be() -> None:
    topology = without_public(cluster(**OFFICE), "admin-node-01")
    front = BalancerView("front", "admin", "public", ip_address("10.204.0.99"))

    (exposure,) = too_open(replace(topology, balancers={"front": front}), "admin-node-01")

    assert exposure.severity is Severity.INFO
    assert "through the balancer" in exposure.message


def test_only_our_own_table_is_replaced() -> None:
    """K19: the upstream script flushes the whole ruleset."""
    text = render_nftables(rules_for("pg-node-01"))

    assert "flush" not in text
    assert text.count("delete table") == 1
    assert "policy drop" in text
    assert text.index("ct state established,related accept") < text.index("dport")


def test_addresses_of_both_versions_get_a_rule_each() -> None:
    rule = FirewallRule("tcp", "22", ("192.0.2.0/24", "2001:db8::/32"), 'the "portal"')

    text = render_nftables([rule])

    assert "ip saddr { 192.0.2.0/24 } tcp dport 22 accept comment \"the 'portal'\"" in text
    assert "ip6 saddr { 2001:db8::/32 } tcp dport 22 accept" in text


def test_ufw_gets_a_command_for_each_source() -> None:
    rules = [
        FirewallRule("tcp", "22", ("192.0.2.0/24", "2001:db8::/32"), "the portal's login"),
        FirewallRule("udp", "16384-32768", None, "R150: RTP media"),
        FirewallRule("vrrp", None, ("10.0.0.1",), "S8: shared address"),
    ]

    commands = [line for line in render_ufw(rules).splitlines() if line.startswith("ufw allow p")]

    assert commands == [
        "ufw allow proto tcp from 192.0.2.0/24 to any port 22 comment 'the portals login'",
        "ufw allow proto tcp from 2001:db8::/32 to any port 22 comment 'the portals login'",
        "ufw allow proto udp from any to any port 16384:32768 comment 'R150: RTP media'",
        "ufw allow proto vrrp from 10.0.0.1 to any comment 'S8: shared address'",
    ]


def test_ufw_lets_the_login_in_before_it_starts_and_resets_nothing() -> None:
    text = render_ufw(rules_for("pg-node-01", ("192.0.2.1",)))
    commands = [line for line in text.splitlines() if not line.startswith("#")]
    login = "ufw allow proto tcp from 192.0.2.1 to any port 22 comment 'S8: login of portal"

    assert commands[:3] == ["set -eu", "ufw default deny incoming", "ufw default allow outgoing"]
    assert commands[3] == f"{login} and bastion'"
    assert commands[-1] == "ufw --force enable"


@pytest.mark.skipif(not shutil.which("nft"), reason="nft is not installed")
@pytest.mark.lab
@pytest.mark.parametrize("container", MACHINES)
def test_nft_takes_the_rules_of_every_machine(container: str) -> None:
    text = render_nftables(rules_for(container, ("192.0.2.1", "2001:db8::1")))

    done = subprocess.run(
        ["unshare", "--net", "nft", "-c", "-f", "-"], input=text, text=True, check=False
    )

    assert done.returncode == 0


# ufw runs for real, in a network of its own and with a copy of its settings, and then once more.
APART = """
set -eu
mount -t tmpfs none /mnt
cp -a /etc/ufw /mnt/ufw
cp -a /etc/default /mnt/default
mount --bind /mnt/ufw /etc/ufw
mount --bind /mnt/default /etc/default
cat > /mnt/script
sh /mnt/script
sh /mnt/script
ufw status
"""


@pytest.mark.skipif(not shutil.which("ufw"), reason="ufw is not installed")
@pytest.mark.lab
@pytest.mark.parametrize(
    ("container", "lines"),
    [
        ("pg-node-01", ["5432/tcp ALLOW 10.203.0.15", "2380/tcp ALLOW 10.203.0.12"]),
        ("fs-node-01", ["49152:49251/tcp ALLOW 10.203.0.15"]),
        ("tele-node-01", ["16384:32768/udp ALLOW Anywhere", "5061/tcp ALLOW Anywhere"]),
        ("lb-node-02", ["Anywhere ALLOW 10.203.0.16/vrrp", "443/tcp ALLOW Anywhere"]),
    ],
)
def test_ufw_takes_the_rules_of_a_machine(container: str, lines: list[str]) -> None:
    """S8: nothing on this machine changes."""
    topology = cluster({"lb-node-02": "load-balancer"})
    sources = ("192.0.2.1", "2001:db8::1")

    done = subprocess.run(
        ["unshare", "--net", "--mount", "sh", "-c", APART],
        input=render_ufw(firewall_rules(topology, container, ssh_sources=sources)),
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    status = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert "Status: active" in status
    for begin in (*lines, "22/tcp ALLOW 192.0.2.1", "22/tcp ALLOW 2001:db8::1"):
        assert any(line.startswith(begin) for line in status), begin
