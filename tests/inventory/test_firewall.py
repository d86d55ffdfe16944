"""The firewall: who may connect to what, from the port matrix and its supplement."""

import shutil
import subprocess

import pytest

from inventory.firewall import FirewallRule, firewall_rules, render_nftables
from tests.provisioning.topologies import make_topology

CLUSTER = {
    "pg-node-01": ("database",),
    "pg-node-02": ("database",),
    "pg-node-03": ("database",),
    "fs-node-01": ("file-server",),
    "admin-node-01": ("admin",),
    "tele-node-01": ("telephony",),
    "spare-01": (),
}
PG = ("10.205.0.11", "10.205.0.12", "10.205.0.13")
ADMIN, TELE = "10.205.0.15", "10.205.0.16"


def rules_for(container: str, ssh_sources: tuple[str, ...] = ()) -> tuple[FirewallRule, ...]:
    """Return the rules of a container of a whole cluster."""
    return firewall_rules(make_topology(CLUSTER), container, ssh_sources=ssh_sources)


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
    assert allowed("pg-node-01", port) == {*PG, ADMIN, TELE}


@pytest.mark.parametrize("port", [2379, 2380])
def test_only_members_reach_etcd(port: int) -> None:
    assert allowed("pg-node-01", port) == set(PG)


def test_what_is_for_databases_is_closed_elsewhere() -> None:
    assert allowed("tele-node-01", 5432) == set()
    assert allowed("tele-node-01", 2380) == set()


def test_phones_reach_telephony_from_everywhere() -> None:
    assert allowed("tele-node-01", 5060, "udp") is None
    assert allowed("tele-node-01", 16384, "udp") is None
    assert allowed("pg-node-01", 5060, "udp") == set()


def test_portal_and_bastion_log_in_everywhere_even_where_no_role_is() -> None:
    assert allowed("spare-01", 22) == {"192.0.2.1"}
    assert allowed("pg-node-01", 22) == {"192.0.2.1"}


def test_the_login_stays_open_when_nobody_said_where_it_comes_from() -> None:
    login = rules_for("pg-node-01")[0]

    assert (login.protocol, login.ports, login.sources) == ("tcp", "22", None)


def test_a_new_telephony_server_is_let_in_to_the_databases_only() -> None:
    """R128, S9: nothing changes on other telephony servers."""
    before = make_topology(CLUSTER)
    after = make_topology({**CLUSTER, "tele-node-02": ("telephony",)})
    changed = {
        name for name in CLUSTER if firewall_rules(before, name) != firewall_rules(after, name)
    }

    assert changed == {"pg-node-01", "pg-node-02", "pg-node-03", "fs-node-01"}


def test_only_our_own_table_is_replaced() -> None:
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


@pytest.mark.skipif(not shutil.which("nft"), reason="nft is not installed")
@pytest.mark.lab
@pytest.mark.parametrize("container", CLUSTER)
def test_nft_takes_the_rules_of_every_machine(container: str) -> None:
    text = render_nftables(rules_for(container, ("192.0.2.1", "2001:db8::1")))

    done = subprocess.run(
        ["unshare", "--net", "nft", "-c", "-f", "-"], input=text, text=True, check=False
    )

    assert done.returncode == 0
