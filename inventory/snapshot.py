"""Reads a cluster from the database into a `Topology`, in a constant number of queries."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.utils import timezone

from inventory.models import Address, Balancer, Cluster, Container, Network, Node
from inventory.platform_sync import effective_platform
from inventory.platforms.schema import Platform, Release, Source
from inventory.topology import (
    AddressView,
    AssignmentView,
    BalancerView,
    ClusterView,
    ContainerView,
    DiskView,
    FactView,
    GroupView,
    IPAddress,
    NetworkView,
    NodeView,
    Topology,
    WaiverView,
)

# The free pool belongs to no platform: rules that ask one find no roles.
NO_RELEASE = Release.model_construct(
    key="none", name="none", operating_systems=(), source=Source(document="000", text="Container")
)
NO_PLATFORM = Platform.model_construct(
    schema_=1,
    key="none",
    name="no platform",
    vendor="none",
    documents=(),
    layers=(),
    roles=(),
    releases=(NO_RELEASE,),
)


def load_topology(cluster: Cluster, *, now: datetime | None = None) -> Topology:
    """Take the picture of a cluster as it is."""
    platform = effective_platform(cluster.revision)
    nodes = Node.objects.filter(cluster=cluster, removed_at=None)
    return Topology(
        cluster=cluster_view(cluster),
        platform=platform,
        release=platform.release(cluster.release.key),
        now=now or timezone.now(),
        networks={n.name: network_view(n) for n in cluster.networks.all()},
        containers=_containers(cluster.containers.all()),
        nodes=_nodes(nodes),
        groups=tuple(
            GroupView(role, name)
            for role, name in cluster.availability_groups.values_list("role__key", "name")
        ),
        balancers=_balancers(cluster),
        facts=_facts(cluster),
        waivers=_waivers(cluster),
        taken=_taken(cluster),
    )


def load_pool(*, now: datetime | None = None) -> Topology:
    """Take the picture of the free pool: every network, and the containers of no cluster."""
    return Topology(
        cluster=ClusterView(pk=None, slug="", name="Free pool"),
        platform=NO_PLATFORM,
        release=NO_RELEASE,
        now=now or timezone.now(),
        networks={n.name: network_view(n) for n in Network.objects.all()},
        containers=_containers(Container.objects.free()),
    )


def cluster_view(cluster: Cluster) -> ClusterView:
    """Picture the cluster's own row."""
    return ClusterView(
        pk=cluster.pk,
        slug=cluster.slug,
        name=cluster.name,
        kind=cluster.kind,
        state=cluster.state,
        infrastructure=cluster.infrastructure,
        time_zone=cluster.time_zone,
        country=cluster.country,
        availability_guarantee=cluster.availability_guarantee,
        is_example=cluster.is_example,
        parameters=cluster.parameters,
    )


def network_view(network: Network) -> NetworkView:
    """Picture a network."""
    return NetworkView(network.pk, network.name, network.kind, network.cidr, network.gateway)


def container_view(container: Container) -> ContainerView:
    """Picture a container with its addresses and disks."""
    return ContainerView(
        pk=container.pk,
        name=container.name,
        os_id=container.os_id,
        os_version=container.os_version,
        arch=container.arch,
        vcpus=container.vcpus,
        memory_mib=container.memory_mib,
        state=container.state,
        addresses=tuple(
            AddressView(address.network.name, address.ip, address.name)
            for address in container.addresses.all()
        ),
        disks=tuple(
            DiskView(disk.device, disk.size_gib, disk.kind, disk.purpose)
            for disk in container.disks.all()
        ),
        location=container.location.name if container.location else None,
        hypervisor=container.hypervisor.name if container.hypervisor else None,
        virtualisation_ha=container.virtualisation_ha,
        behind_nat=container.behind_nat,
        ssh_port=container.ssh_port,
        ssh_network=container.ssh_network,
        credential=container.credential.name if container.credential else None,
        host_key=container.host_key,
    )


def _containers(containers: Any) -> dict[str, ContainerView]:
    """Picture containers, by name."""
    rows = containers.select_related("location", "hypervisor", "credential").prefetch_related(
        "addresses__network", "disks"
    )
    return {row.name: container_view(row) for row in rows}


def _nodes(nodes: Any) -> dict[str, NodeView]:
    """Picture nodes with their current placement and assignments, by name."""
    views = {}
    for node in nodes.prefetch_related(
        "placements__container", "assignments__role", "assignments__availability_group"
    ):
        container = next(
            (p.container.name for p in node.placements.all() if p.valid_to is None), None
        )
        views[node.name] = NodeView(
            pk=node.pk,
            name=node.name,
            container=container,
            auto_replace=node.auto_replace,
            assignments=_assignments(node.assignments.all()),
        )
    return views


def _assignments(rows: Iterable[Any]) -> tuple[AssignmentView, ...]:
    """Picture what a node's roles are now."""
    return tuple(
        AssignmentView(
            role=row.role.key,
            group=row.availability_group.name if row.availability_group else None,
            state=row.state,
            pk=row.pk,
        )
        for row in rows
        if row.valid_to is None
    )


def _balancers(cluster: Cluster) -> dict[str, BalancerView]:
    """Picture the cluster's balancers, by name."""
    return {
        row.name: BalancerView(
            pk=row.pk,
            name=row.name,
            role=row.role.key,
            network=row.network.name,
            ip=row.ip,
            dns_name=row.dns_name,
            health_based=row.health_based,
            instances=row.instances,
        )
        for row in cluster.balancers.select_related("role", "network")
    }


def _facts(cluster: Cluster) -> tuple[FactView, ...]:
    """Picture what is known."""
    return tuple(
        FactView(
            subject=f"node:{row.node.name}"
            if row.node
            else f"container:{row.container.name}"
            if row.container
            else "cluster",
            key=row.key,
            value=row.value,
            at=row.at,
            origin=row.origin,
        )
        for row in cluster.facts.select_related("node", "container")
    )


def _waivers(cluster: Cluster) -> tuple[WaiverView, ...]:
    """Picture what somebody answers for; expiry is judged against the picture's time."""
    return tuple(
        WaiverView(
            pk=row.pk,
            key=row.rule,
            subject=row.subject,
            role=row.role,
            reason=row.reason,
            by=row.created_by_name,
            expires_at=row.expires_at,
            weight=row.weight,
        )
        for row in cluster.waivers.filter(revoked_at=None)
    )


def _taken(cluster: Cluster) -> dict[tuple[str, IPAddress], str]:
    """Return who of other clusters has which address in this cluster's networks."""
    shared = Address.objects.filter(network__clusters=cluster).exclude(container__cluster=cluster)
    balancers = Balancer.objects.filter(network__clusters=cluster).exclude(cluster=cluster)
    found = {
        (network, ip): f"container {name}"
        for network, ip, name in shared.values_list("network__name", "ip", "container__name")
    }
    return found | {
        (network, ip): f"balancer {name}"
        for network, ip, name in balancers.values_list("network__name", "ip", "name")
    }
