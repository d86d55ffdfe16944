"""A machine's firewall from the platform's port matrix and who is who in the cluster: pure.

R142-R150 with their reasoned supplement (S8); clients are let in (K19), internal ports are not
reachable from the public network (R151). `exposure.py` says what is too open, or closed, and why.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_network

from inventory.platforms.schema import Port
from inventory.topology import IPAddress, NodeView, Topology

__all__ = [
    "SYNTAXES",
    "FirewallRule",
    "clients",
    "firewall_rules",
    "firewall_text",
    "known_ssh_sources",
    "parse_sources",
    "port_sources",
    "ports_of",
    "render_nftables",
    "render_ufw",
]

TABLE = "voipadmin"
# The counter that proves a login made after the rules were loaded; see `runbooks/*/firewall`.
LOGINS = "ssh_logins"
# These come from outside the cluster: their addresses are the SSH sources.
LOGIN_SELECTORS = frozenset({"portal", "bastion"})


@dataclass(frozen=True, slots=True)
class FirewallRule:
    """Who may connect to which port of a machine, and why; no sources means anybody."""

    protocol: str
    ports: str | None
    sources: tuple[str, ...] | None
    reason: str
    counts_logins: bool = False


def firewall_rules(
    topology: Topology, container: str, *, ssh_sources: Sequence[str] = ()
) -> tuple[FirewallRule, ...]:
    """Return what a machine accepts; first the login, which is never left out.

    `ssh_sources` are addresses or ranges of portal and bastions; none given means anybody.
    """
    rules = [_login(topology, container, ssh_sources)]
    for port in ports_of(topology, container):
        sources = port_sources(topology, port, ssh_sources)
        if sources is None or sources:
            reason = f"{port.requirement or 'S8'}: {port.purpose}"
            rules.append(FirewallRule(port.protocol, port.ports, sources, reason))
    return tuple(rules)


def ports_of(topology: Topology, container: str) -> Iterator[Port]:
    """Yield the ports of the matrix that lead to a machine, apart from its login."""
    roles = {a.role for node in topology.nodes_on(container) for a in node.assignments}
    for port in topology.platform.ports:
        meant = (role.key for role in topology.platform.selected_roles(port.to))
        if not _is_login(port) and ("all" in port.to or not roles.isdisjoint(meant)):
            yield port


def clients(topology: Topology, port: Port) -> tuple[NodeView, ...]:
    """Return the nodes that a port is there for, by name, each once."""
    roles = topology.platform.selected_roles(port.from_)
    found = {node.name: node for role in roles for node in topology.nodes_with(role.key)}
    return tuple(node for _, node in sorted(found.items()))


def parse_sources(text: str) -> tuple[str, ...]:
    """Read addresses and ranges between blanks or commas; raises ValueError for anything else."""
    words = text.replace(",", " ").split()
    return tuple(str(ip_network(word, strict=False)) for word in words)


def known_ssh_sources(topology: Topology) -> tuple[str, ...]:
    """Return where logins come from, by the cluster's parameter; raises ValueError."""
    return parse_sources(str(topology.parameter("ssh_sources") or ""))


def render_nftables(rules: Iterable[FirewallRule]) -> str:
    """Return a script for nft that replaces our own table in one transaction, and no other."""
    lines = "\n".join(f"        {line}" for rule in rules for line in _lines(rule))
    return f"""# Made from the platform's port matrix; only this table is ours.
table inet {TABLE}
delete table inet {TABLE}
table inet {TABLE} {{
    counter {LOGINS} {{ }}
    chain input {{
        type filter hook input priority filter; policy drop;
        iif lo accept
        ct state established,related accept
        ct state invalid drop
        meta l4proto {{ icmp, ipv6-icmp }} accept comment "ping, path MTU, neighbours"
        udp sport 67 udp dport 68 accept comment "DHCP leases"
        udp sport 547 udp dport 546 accept comment "DHCPv6 leases"
{lines}
        counter comment "dropped"
    }}
}}
"""


def render_ufw(rules: Iterable[FirewallRule]) -> str:
    """Return a script of ufw commands, which add what is missing; it takes one source a command."""
    lines = "\n".join(line for rule in rules for line in _ufw_lines(rule))
    return f"""#!/bin/sh
# Made from the platform's port matrix. Rules that are there already stay as they are: to begin
# anew, and lose those of your own too, run first: ufw --force reset
# Addresses of version 6 need IPV6=yes in /etc/default/ufw; VRRP needs ufw 0.36.2 or later.
set -eu
ufw default deny incoming
ufw default allow outgoing
{lines}
ufw --force enable
"""


SYNTAXES: dict[str, Callable[[Iterable[FirewallRule]], str]] = {
    "nftables": render_nftables,
    "ufw": render_ufw,
}


def firewall_text(topology: Topology, container: str, syntax: str) -> str:
    """Return a machine's firewall in one of the syntaxes, for its cluster's SSH sources.

    Raises ValueError when nobody can read those: what should be closed is then not left open.
    """
    rules = firewall_rules(topology, container, ssh_sources=known_ssh_sources(topology))
    return SYNTAXES[syntax](rules)


def _login(topology: Topology, container: str, ssh_sources: Sequence[str]) -> FirewallRule:
    """Return the rule that lets portal and bastion in."""
    port = str(topology.containers[container].ssh_port)
    sources = tuple(sorted(ssh_sources)) or None
    return FirewallRule("tcp", port, sources, "S8: login of portal and bastion", counts_logins=True)


def _is_login(port: Port) -> bool:
    """Tell whether a port of the matrix is the login that every machine gets anyway."""
    return port.protocol == "tcp" and port.ports == "22" and set(port.from_) <= LOGIN_SELECTORS


def port_sources(
    topology: Topology, port: Port, ssh_sources: Sequence[str]
) -> tuple[str, ...] | None:
    """Return the addresses that a port is open to; None is anybody."""
    if "external" in port.from_ or (not ssh_sources and LOGIN_SELECTORS & set(port.from_)):
        return None
    machines = {node.container for node in clients(topology, port)}
    if "all" in port.from_:
        machines = set(topology.containers)
    found = [
        address.ip
        for name in machines
        if name and (address := topology.address(name, port.network))
    ]
    if "balancers" in port.from_:
        found += [balancer.ip for balancer in topology.balancers.values()]
    login = ssh_sources if LOGIN_SELECTORS & set(port.from_) else ()
    return (*_sorted(found), *sorted(login))


def _sorted(addresses: Iterable[IPAddress]) -> list[str]:
    """Return addresses once each, IPv4 first, in order."""
    return [str(ip) for ip in sorted(set(addresses), key=lambda ip: (ip.version, int(ip)))]


def _lines(rule: FirewallRule) -> Iterator[str]:
    """Yield a rule's lines: one per IP version that its sources have."""
    comment = f'comment "{_comment(rule.reason)}"'
    target = (
        "meta l4proto vrrp" if rule.protocol == "vrrp" else f"{rule.protocol} dport {rule.ports}"
    )
    for source in _source_matches(rule.sources):
        match = f"{source}{target}"
        if rule.counts_logins:
            # Only a genuine first packet counts: a connection older than the rules has none.
            syn = "tcp flags & (fin | syn | rst | ack) == syn"
            yield f"{match} {syn} counter name {LOGINS} accept {comment}"
        yield f"{match} accept {comment}"


def _ufw_lines(rule: FirewallRule) -> Iterator[str]:
    """Yield a rule's commands, one per source; ufw writes ranges of ports with a colon."""
    port = f" port {rule.ports.replace('-', ':')}" if rule.ports else ""
    comment = _comment(rule.reason).replace("'", "")
    for source in rule.sources or ("any",):
        yield f"ufw allow proto {rule.protocol} from {source} to any{port} comment '{comment}'"


def _source_matches(sources: tuple[str, ...] | None) -> list[str]:
    """Return the matches on source addresses, one per IP version."""
    if sources is None:
        return [""]
    matches = []
    for version, family in ((4, "ip"), (6, "ip6")):
        same = [s for s in sources if ip_network(s, strict=False).version == version]
        if same:
            matches.append(f"{family} saddr {{ {', '.join(same)} }} ")
    return matches


def _comment(text: str) -> str:
    """Return a text that nft takes as a comment (128 bytes, no quotes)."""
    return " ".join(text.replace('"', "'").split()).encode("ascii", "replace").decode()[:120]
