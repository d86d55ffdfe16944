"""The nodes of every role, as templates of a runbook see them."""

from collections.abc import Iterator, Mapping
from typing import Any

from inventory.topology import ContainerView, NodeView, Topology
from provisioning.runbook.rendering import RenderError


class Roles(Mapping[str, list[dict[str, Any]]]):
    """The nodes of every role as templates see them, made once somebody asks for a role's.

    So a node without an address is in the way of those only who need to know it.
    """

    def __init__(self, topology: Topology) -> None:
        self._topology = topology
        self._made: dict[str, list[dict[str, Any]]] = {}

    def __getitem__(self, role: str) -> list[dict[str, Any]]:
        """Return a role's nodes; raises KeyError when the platform has no such role."""
        if role not in self._made:
            self._topology.role(role)
            placed = placed_nodes(self._topology, role)
            self._made[role] = [_node(self._topology, *p, n) for n, p in enumerate(placed, 1)]
        return self._made[role]

    def __iter__(self) -> Iterator[str]:
        """Go through the platform's roles."""
        return (role.key for role in self._topology.platform.roles)

    def __len__(self) -> int:
        """Return how many roles the platform has."""
        return len(self._topology.platform.roles)


def placed_nodes(topology: Topology, role: str) -> list[tuple[NodeView, ContainerView]]:
    """Return the nodes of a role that have a container, with it, by name."""
    return [
        (node, machine)
        for node in topology.nodes_with(role)
        if (machine := topology.container_of(node))
    ]


def address_text(topology: Topology, container: str, kind: str) -> str | None:
    """Return an address as text."""
    address = topology.address(container, kind)
    return str(address.ip) if address else None


def _node(
    topology: Topology, node: NodeView, machine: ContainerView, number: int
) -> dict[str, Any]:
    """Return a node as templates see it; every role needs a private address (R47)."""
    private_ip = address_text(topology, machine.name, "private")
    if private_ip is None:
        raise RenderError(f"{machine.name}, where {node.name} runs, has no private address")
    return {
        "name": node.name,
        "number": number,
        "container": machine.name,
        "private_ip": private_ip,
        "public_ip": address_text(topology, machine.name, "public"),
    }
