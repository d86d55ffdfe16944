"""Pictures of clusters to plan for, made from the real platform file."""

from collections.abc import Mapping
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from typing import Any

from inventory.platforms.loading import BUILTIN, load_platform
from inventory.topology import (
    AddressView,
    AssignmentView,
    ClusterView,
    ContainerView,
    NetworkView,
    NodeView,
    Topology,
)

RING2ALL = load_platform(BUILTIN / "ring2all.yaml")
PRIVATE = "10.205.0"
PUBLIC = "10.206.0"


def make_topology(
    roles: Mapping[str, tuple[str, ...]] | None = None,
    *,
    private: str = PRIVATE,
    public: str = PUBLIC,
    parameters: Mapping[str, Any] | None = None,
) -> Topology:
    """Return a Ring2All cluster of containers and their roles; the first has the address .11."""
    chosen = roles or {f"pg-node-0{i}": ("database",) for i in (1, 2, 3)}
    containers = {}
    nodes = {}
    for i, (name, keys) in enumerate(chosen.items(), 1):
        containers[name] = ContainerView(
            name=name,
            os_id="debian",
            os_version="13",
            vcpus=4,
            memory_mib=16384,
            addresses=(
                AddressView("private", ip_address(f"{private}.{10 + i}")),
                AddressView("public", ip_address(f"{public}.{10 + i}")),
            ),
        )
        if keys:
            nodes[name] = NodeView(name, name, tuple(AssignmentView(key) for key in keys))
    return Topology(
        cluster=ClusterView(pk=1, slug="demo", name="Demo", parameters=parameters or {}),
        platform=RING2ALL,
        release=RING2ALL.releases[0],
        now=datetime(2026, 1, 1, tzinfo=UTC),
        networks={
            "private": NetworkView(1, "private", "private", ip_network(f"{private}.0/24")),
            "public": NetworkView(2, "public", "public", ip_network(f"{public}.0/24")),
        },
        containers=containers,
        nodes=nodes,
    )
