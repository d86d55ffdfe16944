"""Rules about the addresses that machines and balancers have."""

from collections.abc import Iterator
from dataclasses import replace

from inventory.addressing import free_addresses, is_host
from inventory.changes import ChangeContainer, Operation, SetBalancer
from inventory.platforms.facts import Source
from inventory.rules.base import Finding, Rule, cluster_rule, container_rule
from inventory.topology import AddressView, ContainerView, IPAddress, Topology

PLANNED = Source(document="002", text="Carefully plan the private network to allow expansion.")


@container_rule(
    "R5",
    title="Addresses of machines lie inside the cluster's networks",
    words="Address {address} of {owner} is not a host address of network {network} ({cidr}): "
    "choose one that is neither the network's own, nor broadcast, nor the gateway.",
    source=Source(
        document="000",
        text="Given at least a network address (only private, only public, or both types)",
    ),
    covers=("R50",),
)
def address_inside_network(
    topology: Topology, this: Rule, container: ContainerView
) -> Iterator[Finding]:
    """Refuse an address outside its network, a reserved one, and the gateway's."""
    for address in container.addresses:
        yield from _outside(topology, this, f"container:{container.name}", address)


@cluster_rule(
    "R5",
    title="Addresses of balancers lie inside the cluster's networks",
    words="Address {address} of {owner} is not a host address of network {network} ({cidr}): "
    "choose one that is neither the network's own, nor broadcast, nor the gateway.",
    source=Source(
        document="000",
        text="Given at least a network address (only private, only public, or both types)",
    ),
    covers=("R50",),
)
def balancer_inside_network(topology: Topology, this: Rule) -> Iterator[Finding]:
    """Refuse a virtual address outside its network, a reserved one, and the gateway's."""
    for balancer in topology.balancers.values():
        address = AddressView(balancer.network, balancer.ip)
        yield from _outside(topology, this, f"balancer:{balancer.name}", address)


USED_TWICE = "Address {address} in network {network} is used by {users}: give each its own."


@container_rule(
    "R50",
    title="A machine's address is used once in a network",
    words=USED_TWICE,
    source=PLANNED,
)
def address_unique(topology: Topology, this: Rule, container: ContainerView) -> Iterator[Finding]:
    """Refuse an address that another has, in this cluster or in one that shares the network."""
    for address in container.addresses:
        yield from _used_twice(topology, this, f"container:{container.name}", address)


@cluster_rule(
    "R50",
    title="A balancer's address is used once in a network",
    words=USED_TWICE,
    source=PLANNED,
)
def balancer_address_unique(topology: Topology, this: Rule) -> Iterator[Finding]:
    """Refuse a virtual address that another has, in this cluster or in one that shares the net."""
    for balancer in topology.balancers.values():
        address = AddressView(balancer.network, balancer.ip)
        yield from _used_twice(topology, this, f"balancer:{balancer.name}", address)


@address_inside_network.fix
@address_unique.fix
def _assign_another(topology: Topology, finding: Finding) -> Operation | None:
    """Give the machine the next free address of the same network."""
    container = topology.containers.get(finding.subject_name)
    network, ip = str(finding.params["network"]), finding.params["address"]
    free = _next_free(topology, network)
    if container is None or free is None:
        return None
    addresses = list(container.addresses)
    place = next(i for i, a in enumerate(addresses) if (a.network, a.ip) == (network, ip))
    addresses[place] = replace(addresses[place], ip=free)
    return ChangeContainer(container.name, replace(container, addresses=tuple(addresses)))


@balancer_inside_network.fix
@balancer_address_unique.fix
def _assign_another_to_balancer(topology: Topology, finding: Finding) -> Operation | None:
    """Give the balancer the next free address of the same network."""
    balancer = topology.balancers.get(finding.subject_name)
    free = _next_free(topology, str(finding.params["network"]))
    return SetBalancer(replace(balancer, ip=free)) if balancer and free else None


def _next_free(topology: Topology, network: str) -> IPAddress | None:
    """Return the lowest free address of a network, None without one or without the network."""
    if network not in topology.networks:
        return None
    return next(free_addresses(topology, network), None)


def _outside(
    topology: Topology, this: Rule, subject: str, address: AddressView
) -> Iterator[Finding]:
    """Refuse what is no address for a host of a network of this cluster."""
    network = topology.networks.get(address.network)
    if network is None or not is_host(network, address.ip):
        yield this.finding(
            subject,
            address=address.ip,
            owner=subject.partition(":")[2],
            network=address.network,
            cidr=network.cidr if network else "not a network of this cluster",
        )


def _used_twice(
    topology: Topology, this: Rule, subject: str, address: AddressView
) -> Iterator[Finding]:
    """Refuse what somebody else has; of a machine and a balancer the balancer's finding speaks."""
    users = list(topology.users_of(address.network, address.ip))
    if subject.startswith("container:"):
        users = [user for user in users if user.startswith("container:")]
    if owner := topology.taken.get((address.network, address.ip)):
        users.append(f"outside:{owner} outside this cluster")
    if len(users) > 1:
        names = " and ".join(sorted(user.partition(":")[2] for user in users))
        yield this.finding(
            subject, weight=len(users), address=address.ip, network=address.network, users=names
        )
