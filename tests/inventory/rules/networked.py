"""Networks, addresses and balancers for pictures of clusters."""

from dataclasses import replace
from ipaddress import ip_address

from inventory.changes import (
    AttachNetwork,
    SetBalancer,
)
from inventory.topology import AddressView, BalancerView, NetworkView, Topology

WEB = "web-1"


def without(topology: Topology, node: str, kind: str) -> Topology:
    """Take the address of a kind from a node's machine."""
    view = topology.container_of(topology.nodes[node])
    assert view
    kept = tuple(a for a in view.addresses if topology.networks[a.network].kind != kind)
    return topology.with_container(replace(view, addresses=kept))


def having(topology: Topology, node: str, kind: str, ip: str, name: str = "") -> Topology:
    """Give a node's machine an address of a kind."""
    topology = without(topology, node, kind)
    view = topology.container_of(topology.nodes[node])
    assert view
    network = next(n.name for n in topology.networks.values() if n.kind == kind)
    addresses = (*view.addresses, AddressView(network, ip_address(ip), name))
    return topology.with_container(replace(view, addresses=addresses))


def network_of(topology: Topology, kind: str) -> NetworkView:
    """Return the network of a kind."""
    return next(network for network in topology.networks.values() if network.kind == kind)


def balancer(topology: Topology, *, kind: str = "public", **fields: object) -> BalancerView:
    """Return a balancer in front of the web nodes."""
    network = network_of(topology, kind)
    defaults: dict[str, object] = {"instances": 2, "dns_name": "www.example.org"}
    ip = network.cidr.network_address + 200
    return BalancerView("front", "web", network.name, ip, **(defaults | fields))  # type: ignore[arg-type]


def balanced(topology: Topology, **fields: object) -> Topology:
    """Put a balancer in front of the web nodes."""
    return SetBalancer(balancer(topology, **fields)).apply(topology)  # type: ignore[arg-type]


def swap(topology: Topology, network: NetworkView) -> Topology:
    """Replace a network by its changed self."""
    return AttachNetwork(network).apply(topology)
