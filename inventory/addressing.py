"""What addresses are free, and which stand in for those that machines lack; pure."""

from collections.abc import Iterator

from inventory.platforms.schema import Role
from inventory.topology import BalancerView, IPAddress, IPNetwork, NetworkView, Topology


def is_host(network: NetworkView, ip: IPAddress) -> bool:
    """Tell whether a machine may have an address: inside, and neither reserved nor the gateway."""
    return ip in network.cidr and ip not in reserved(network.cidr) and ip != network.gateway


def reserved(cidr: IPNetwork) -> tuple[IPAddress, ...]:
    """Return the addresses that name the network itself and broadcast to it."""
    if cidr.prefixlen >= cidr.max_prefixlen - 1:
        return ()
    if cidr.version == 6:
        return (cidr.network_address,)  # the routers' anycast address
    return cidr.network_address, cidr.broadcast_address


def free_addresses(topology: Topology, network: str) -> Iterator[IPAddress]:
    """Yield the addresses of a network that a machine could get, lowest first; none is made up.

    What other clusters have in the network is not free either.
    """
    view = topology.networks[network]
    for ip in view.cidr.hosts():
        is_taken = topology.users_of(network, ip) or (network, ip) in topology.taken
        if not is_taken and is_host(view, ip):
            yield ip


def public_balancers(topology: Topology, role: Role) -> list[BalancerView]:
    """Return the balancers with a public address in front of a role (K5)."""
    return [
        balancer
        for balancer in topology.balancers.values()
        if balancer.role == role.key
        and balancer.network in topology.networks
        and topology.networks[balancer.network].kind == "public"
    ]
