"""Rules about what is reached from the public network, and how."""

from collections.abc import Iterator

from inventory.platforms.facts import Need, Source
from inventory.platforms.schema import Role
from inventory.rules.base import Blocks, Finding, Rule, Severity, node_rule
from inventory.rules.role_networks import about_networks, placed_roles
from inventory.topology import NodeView, Topology

NAT = Source(
    document="000",
    text="The public network can be accessible using a carrier-grade NAT layer.",
)


@node_rule(
    "R46",
    title="Storage and workers are kept out of the public network",
    words="Node {node} ({role_name}) should not be reachable from the public network, but "
    "container {container} has a public address.",
    source=Source(
        document="002", text="We strongly discourage exposing SQL nodes in a public network."
    ),
    severity=Severity.WARNING,
    blocks=Blocks.NOTHING,
    by_role=("R46", "R151"),
    covers=("R15",),
)
def public_address_discouraged(topology: Topology, this: Rule, node: NodeView) -> Iterator[Finding]:
    """Warn about a public address where the vendor discourages it; not on a single node (S3)."""
    if topology.cluster.kind == "single_node":
        return
    for container, role in placed_roles(topology, node):
        discouraged = role.networks.public is Need.DISCOURAGED
        if discouraged and topology.address(container.name, "public"):
            sources = role.networks.sources
            vendor = next((s for s in sources if "discourag" in s.text), sources[-1])
            yield about_networks(this, node, container, role, source=vendor)


@node_rule(
    "R44",
    title="A public address that a role does not need is told",
    words="Node {node} ({role_name}) has a public address on container {container}. {notes}",
    source=Source(document="002", text="Public Network: Optional"),
    severity=Severity.INFO,
    blocks=Blocks.NOTHING,
)
def public_address_optional(topology: Topology, this: Rule, node: NodeView) -> Iterator[Finding]:
    """Tell when an address is needed at all, for roles whose customers do not come to them."""
    for container, role in placed_roles(topology, node):
        if role.networks.public is not Need.OPTIONAL or _is_external(topology, role):
            continue
        if topology.address(container.name, "public"):
            yield about_networks(this, node, container, role)


@node_rule(
    "R17",
    title="Carrier-grade NAT in front of a public role is told",
    words="Node {node} ({role_name}) is reached through carrier-grade NAT: the address of "
    "{container} is not the one that customers see.",
    source=NAT,
    severity=Severity.INFO,
    blocks=Blocks.NOTHING,
)
def behind_nat(topology: Topology, this: Rule, node: NodeView) -> Iterator[Finding]:
    """Tell which public roles stand behind NAT; address and flag are separate fields."""
    for container, role in placed_roles(topology, node):
        if container.behind_nat and role.networks.public is Need.REQUIRED:
            yield about_networks(this, node, container, role, source=NAT)


def _is_external(topology: Topology, role: Role) -> bool:
    """Tell whether anybody outside connects to the role."""
    return any(port.network == "public" and role.key in port.to for port in topology.platform.ports)
