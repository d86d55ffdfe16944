"""Rules about the addresses that a role requires of its machine."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from inventory.addressing import free_addresses, public_balancers
from inventory.changes import ChangeContainer, Operation
from inventory.platforms.facts import Need, Source
from inventory.platforms.schema import Role
from inventory.rules.base import (
    Blocks,
    Finding,
    Rule,
    Severity,
    container_rule,
    node_rule,
)
from inventory.rules.candidates import move_to_idle
from inventory.topology import AddressView, ContainerView, NodeView, Topology


@node_rule(
    "R47",
    title="A role's container has the private address the role requires",
    words="Node {node} ({role_name}) needs a private address, but container {container} has none: "
    "give {container} an address in a private network of the cluster.",
    source=Source(
        document="002",
        text="The private network is also required for administrative tasks by all roles.",
    ),
    by_role=(*(f"R{number}" for number in range(37, 46)), "R152"),
    covers=("K1",),
)
def private_address_required(topology: Topology, this: Rule, node: NodeView) -> Iterator[Finding]:
    """Refuse a role that requires the private network on a container without it (K1)."""
    for container, role in placed_roles(topology, node):
        needs = role.networks.private is Need.REQUIRED
        if needs and not topology.address(container.name, "private"):
            source = _for_all_roles(topology)
            yield about_networks(this, node, container, role, source=source)


@private_address_required.fix
def _assign_private(topology: Topology, finding: Finding) -> Operation | None:
    """Give the machine the next free address of a private network."""
    node = topology.nodes[finding.subject_name]
    container = topology.container_of(node)
    return _with_next_address(topology, container, "private") if container else None


@private_address_required.fix
def _use_another_machine(topology: Topology, finding: Finding) -> Operation | None:
    """Let the node run on an idle machine that has what it needs."""
    node = topology.nodes[finding.subject_name]
    return move_to_idle(topology, topology.role(finding.role), node)


@node_rule(
    "R40",
    title="A role's container has the public address the role requires",
    words="Node {node} ({role_name}) needs a public address, but container {container} has none: "
    "give {container} an address in a public network of the cluster{otherwise}.",
    source=Source(document="002", text="SIPRequiredRequiredPrivate IP required"),
    by_role=("R40", "R42", "R43", "R147", "R148", "R149", "R150"),
    covers=("R41", "K5"),
)
def public_address_required(topology: Topology, this: Rule, node: NodeView) -> Iterator[Finding]:
    """Refuse a role that requires the public network on a container without it, K5 excepted."""
    for container, role in placed_roles(topology, node):
        needs = role.networks.public is Need.REQUIRED
        if not needs or topology.address(container.name, "public"):
            continue
        if not role.networks.public_behind_balancer:
            yield about_networks(this, node, container, role)
        elif not public_balancers(topology, role):
            otherwise = f", or put a balancer with a public address in front of {role.name}"
            yield about_networks(this, node, container, role, otherwise=otherwise)


public_address_required.fix(_use_another_machine)


@container_rule(
    "K1",
    title="A machine with public addresses only carries no role",
    words="Container {container} has public addresses only: it may be recorded, but every role "
    "needs the private network.",
    source=Source(
        document="000",
        text="Given at least a network address (only private, only public, or both types)",
    ),
    also=(
        Source(
            document="002",
            text="The private network is also required for administrative tasks by all roles.",
        ),
    ),
    covers=("R5",),
    severity=Severity.INFO,
    blocks=Blocks.NOTHING,
)
def public_only(topology: Topology, this: Rule, container: ContainerView) -> Iterator[Finding]:
    """Tell that a free machine cannot take a role as it is."""
    if not container.addresses or topology.nodes_on(container.name):
        return
    if not topology.address(container.name, "private"):
        yield this.finding(f"container:{container.name}", container=container.name)


def _with_next_address(
    topology: Topology, container: ContainerView, kind: str
) -> ChangeContainer | None:
    """Return the change that gives a machine a free address, where most other machines have one."""
    used = Counter(a.network for c in topology.containers.values() for a in c.addresses)
    for name in sorted(topology.networks, key=lambda name: (-used[name], name)):
        if topology.networks[name].kind != kind:
            continue
        if ip := next(free_addresses(topology, name), None):
            addresses = (*container.addresses, AddressView(name, ip))
            return ChangeContainer(container.name, replace(container, addresses=addresses))
    return None


def _for_all_roles(topology: Topology) -> Source | None:
    """Return what the platform's documents say of the private network for all roles."""
    facts = topology.platform.networks
    sources = facts.sources if facts else ()
    return next((source for source in sources if "rivate network" in source.text), None)


def about_networks(
    this: Rule,
    node: NodeView,
    container: ContainerView,
    role: Role,
    *,
    source: Source | None = None,
    otherwise: str = "",
) -> Finding:
    """Make a finding about the networks of a node's role."""
    return this.finding(
        f"node:{node.name}",
        facts=role.networks,
        source=source,
        role=role.key,
        role_name=role.name,
        node=node.name,
        container=container.name,
        notes=role.networks.notes,
        otherwise=otherwise,
    )


def placed_roles(topology: Topology, node: NodeView) -> Iterator[tuple[ContainerView, Role]]:
    """Yield every role of a node with the machine it runs on."""
    if container := topology.container_of(node):
        for assignment in node.assignments:
            yield container, topology.role(assignment.role)
