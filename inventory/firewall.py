"""A machine's firewall from the platform's port matrix and who is who in the cluster: pure.

R142-R150 with their reasoned supplement (S8); clients are let in (K19), internal ports are not
reachable from the public network (R151).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_network

from inventory.platforms.schema import Port
from inventory.topology import IPAddress, NodeView, Topology

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
    for port in topology.platform.ports:
        if not _concerns(topology, port, container) or _is_login(port):
            continue
        sources = _sources(topology, port, ssh_sources)
        if sources is None or sources:
            reason = f"{port.requirement or 'S8'}: {port.purpose}"
            rules.append(FirewallRule(port.protocol, port.ports, sources, reason))
    return tuple(rules)


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


def _login(topology: Topology, container: str, ssh_sources: Sequence[str]) -> FirewallRule:
    """Return the rule that lets portal and bastion in."""
    port = str(topology.containers[container].ssh_port)
    sources = tuple(sorted(ssh_sources)) or None
    return FirewallRule("tcp", port, sources, "S8: login of portal and bastion", counts_logins=True)


def _is_login(port: Port) -> bool:
    """Tell whether a port of the matrix is the login that every machine gets anyway."""
    return port.protocol == "tcp" and port.ports == "22" and set(port.from_) <= LOGIN_SELECTORS


def _nodes(topology: Topology, selectors: tuple[str, ...]) -> Iterator[NodeView]:
    """Yield the nodes that selectors of a port mean."""
    roles = {role.key for role in topology.platform.selected_roles(selectors)}
    for _, node in sorted(topology.nodes.items()):
        if any(assignment.role in roles for assignment in node.assignments):
            yield node


def _concerns(topology: Topology, port: Port, container: str) -> bool:
    """Tell whether a port of the matrix leads to this machine."""
    if "all" in port.to:
        return True
    return any(node.container == container for node in _nodes(topology, port.to))


def _sources(topology: Topology, port: Port, ssh_sources: Sequence[str]) -> tuple[str, ...] | None:
    """Return the addresses that a port is open to; None is anybody."""
    if "external" in port.from_ or (not ssh_sources and LOGIN_SELECTORS & set(port.from_)):
        return None
    machines = {node.container for node in _nodes(topology, port.from_)}
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
