"""Rules about what is reached from the public network, and how."""

from collections.abc import Iterator

from inventory.addressing import public_balancers
from inventory.changes import Operation
from inventory.platforms.facts import Need, Source
from inventory.platforms.schema import Port, Role
from inventory.rules.base import Blocks, Finding, Rule, Severity, node_rule, role_rule
from inventory.rules.candidates import move_subject
from inventory.rules.role_networks import about_networks, placed_roles
from inventory.topology import ContainerView, NodeView, Topology

SHOWN = 5
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
    covers=("R15", "S3"),
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


@public_address_discouraged.fix
def _use_a_private_machine(topology: Topology, finding: Finding) -> Operation | None:
    """Move the node to an idle machine that the public network does not reach."""

    def is_private(container: ContainerView) -> bool:
        return topology.address(container.name, "public") is None

    return move_subject(topology, finding, wanted=is_private)


@node_rule(
    "R44",
    title="A public address that a role does not need is told",
    words="Node {node} ({role_name}) has a public address on container {container}. {notes}",
    source=Source(
        document="002",
        text="The public IP is necessary only if it's impossible to access the infrastructure "
        "controller management interface through private network.",
    ),
    severity=Severity.INFO,
    blocks=Blocks.NOTHING,
)
def public_address_optional(topology: Topology, this: Rule, node: NodeView) -> Iterator[Finding]:
    """Tell when an address is needed at all, for roles whose customers do not come to them."""
    for container, role in placed_roles(topology, node):
        if role.networks.public is not Need.OPTIONAL or _public_ports(topology, role):
            continue
        if topology.address(container.name, "public"):
            yield about_networks(this, node, container, role)


@role_rule(
    "R17",
    title="Carrier-grade NAT in front of a public role is told",
    words="{count} {role_name} nodes are reached through carrier-grade NAT ({examples}): what "
    "customers see are not the addresses of the machines. Software that names its address to "
    "others, as SIP and media do, has to be told the one outside.",
    source=NAT,
    severity=Severity.INFO,
    blocks=Blocks.NOTHING,
)
def behind_nat(topology: Topology, this: Rule, role: Role) -> Iterator[Finding]:
    """Tell which public roles stand behind NAT; address and flag are separate fields."""
    if role.networks.public is not Need.REQUIRED and not _public_ports(topology, role):
        return
    names = [m.name for m in _machines(topology, role) if m.behind_nat]
    if names:
        yield this.finding(
            f"role:{role.key}",
            facts=role.networks,
            source=NAT,
            role=role.key,
            weight=len(names),
            count=len(names),
            role_name=role.name,
            examples=", ".join(names[:SHOWN]) + (", …" if len(names) > SHOWN else ""),
        )


@role_rule(
    "R151",
    title="What customers use can be reached",
    words="No {role_name} node can be reached from the public network, where {ports} belong: give "
    "one a public address, put a balancer that has one in front, or note that NAT leads there.",
    source=Source(document="004", text="External Network"),
    by_role=("R147", "R148", "R149", "R150"),
    severity=Severity.WARNING,
    blocks=Blocks.NOTHING,
)
def reachable(topology: Topology, this: Rule, role: Role) -> Iterator[Finding]:
    """Warn about a role with external ports that nothing public leads to."""
    ports = _public_ports(topology, role)
    if not ports or role.networks.public is Need.REQUIRED:  # public_address_required speaks
        return
    if topology.nodes_with(role.key) and not _is_reached(topology, role):
        yield this.finding(
            f"role:{role.key}",
            facts=role.networks,
            role=role.key,
            role_name=role.name,
            ports=", ".join(dict.fromkeys(f"{port.protocol} {port.ports}" for port in ports)),
        )


def _is_reached(topology: Topology, role: Role) -> bool:
    """Tell whether something leads from the public network to a role."""
    if public_balancers(topology, role):
        return True
    for machine in _machines(topology, role):
        if machine.behind_nat or topology.address(machine.name, "public"):
            return True
    fronts = (other for other in topology.platform.roles if role.key in other.balances)
    return any(_is_reached(topology, front) for front in fronts)


def _public_ports(topology: Topology, role: Role) -> list[Port]:
    """Return the ports of a role that anybody outside connects to."""
    return [
        port for port in topology.platform.ports if port.network == "public" and role.key in port.to
    ]


def _machines(topology: Topology, role: Role) -> Iterator[ContainerView]:
    """Yield the machines of a role's nodes."""
    for node in topology.nodes_with(role.key):
        if container := topology.container_of(node):
            yield container
