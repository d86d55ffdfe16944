"""Reads a cluster from the database into a `Topology`, in a constant number of queries."""

import gc
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address
from socket import inet_aton

from django.db.models import F, Q
from django.utils import timezone
from netfields.functions import Host

from inventory.models import (
    Address,
    AvailabilityGroup,
    Balancer,
    Cluster,
    Container,
    Disk,
    Fact,
    Network,
    Node,
    Placement,
    RoleAssignment,
    Waiver,
)
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
    return load_topologies([cluster], now=now)[cluster.pk]


def load_topologies(
    clusters: Iterable[Cluster], *, now: datetime | None = None
) -> dict[int, Topology]:
    """Take the pictures of clusters, by key; as many queries for a hundred as for one."""
    rows = {cluster.pk: cluster for cluster in clusters}
    at = now or timezone.now()
    platforms = _platforms(rows.values(), at)
    with _nothing_is_garbage():
        parts = _Parts.load(rows)
    return {
        pk: Topology(
            cluster=cluster_view(cluster),
            platform=platforms[cluster.revision_id],
            release=platforms[cluster.revision_id].release(cluster.release.key),
            now=at,
            networks=parts.networks[pk],
            containers=parts.containers[pk],
            nodes=parts.nodes[pk],
            groups=tuple(parts.groups[pk]),
            balancers=parts.balancers[pk],
            facts=tuple(parts.facts[pk]),
            waivers=tuple(parts.waivers[pk]),
            taken=parts.taken[pk],
        )
        for pk, cluster in rows.items()
    }


def load_pool(*, now: datetime | None = None) -> Topology:
    """Take the picture of the free pool: every network, and the containers of no cluster."""
    return Topology(
        cluster=ClusterView(pk=None, slug="", name="Free pool"),
        platform=NO_PLATFORM,
        release=NO_RELEASE,
        now=now or timezone.now(),
        networks={n.name: network_view(n) for n in Network.objects.all()},
        containers=_containers(Q(cluster=None))[None],
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
        revision=cluster.revision.number,
        is_example=cluster.is_example,
        parameters=cluster.parameters,
        credential=cluster.credential.name if cluster.credential else None,
        bastion=cluster.bastion.name if cluster.bastion else None,
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
        bastion=container.bastion.name if container.bastion else None,
        skips_bastion=container.skips_bastion,
    )


@contextmanager
def _nothing_is_garbage() -> Iterator[None]:
    """Let the garbage collector rest: it would walk every new row again and again, in vain.

    Pictures of ten thousand nodes take half the time so. Two threads may overlap here; the worst
    is that the collector works again before the second has finished.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@dataclass(frozen=True)
class _Parts:
    """What belongs to clusters, by their keys."""

    networks: Mapping[int, dict[str, NetworkView]]
    containers: Mapping[int | None, dict[str, ContainerView]]
    nodes: Mapping[int, dict[str, NodeView]]
    groups: Mapping[int, list[GroupView]]
    balancers: Mapping[int, dict[str, BalancerView]]
    facts: Mapping[int, list[FactView]]
    waivers: Mapping[int, list[WaiverView]]
    taken: Mapping[int, dict[tuple[str, IPAddress], str]]

    @classmethod
    def load(cls, clusters: Iterable[int]) -> "_Parts":
        """Read the parts of some clusters, a query or two for each kind."""
        keys = list(clusters)
        return cls(
            networks=_networks(keys),
            containers=_containers(Q(cluster__in=keys)),
            nodes=_nodes(keys),
            groups=_groups(keys),
            balancers=_balancers(keys),
            facts=_facts(keys),
            waivers=_waivers(keys),
            taken=_taken(keys),
        )


def _platforms(clusters: Iterable[Cluster], at: datetime) -> dict[int, Platform]:
    """Return the platforms that clusters are pinned to, by revision."""
    revisions = {cluster.revision_id: cluster.revision for cluster in clusters}
    return {pk: effective_platform(revision, at=at) for pk, revision in revisions.items()}


# Rows come as tuples: ten thousand nodes are sixty thousand rows, and a model for each would take
# longer than all the rules together.


def _networks(keys: list[int]) -> Mapping[int, dict[str, NetworkView]]:
    """Picture the networks that clusters use, by name."""
    found: defaultdict[int, dict[str, NetworkView]] = defaultdict(dict)
    uses = Cluster.networks.through.objects.filter(cluster__in=keys).order_by("network__name")
    columns = ("cluster_id", "network_id", "name", "kind", "cidr", "gateway")
    paths = [c if c.endswith("_id") else f"network__{c}" for c in columns]
    for cluster, pk, name, kind, cidr, gateway in uses.values_list(*paths):
        found[cluster][name] = NetworkView(pk, name, kind, cidr, gateway)
    return found


def _containers(which: Q) -> Mapping[int | None, dict[str, ContainerView]]:
    """Picture containers, by name; the key of the free pool is None."""
    addresses, disks = _addresses(which), _disks(which)
    found: defaultdict[int | None, dict[str, ContainerView]] = defaultdict(dict)
    rows = Container.objects.filter(which).order_by("name")
    for cluster, *values in rows.values_list("cluster_id", *_CONTAINER_COLUMNS):
        view = ContainerView(
            **dict(zip(_CONTAINER_FIELDS, values, strict=True)),
            addresses=tuple(addresses.get(values[0], ())),
            disks=tuple(disks.get(values[0], ())),
        )
        found[cluster][view.name] = view
    return found


_NAMED = ("location", "hypervisor", "credential", "bastion")
_CONTAINER_FIELDS = (
    "pk",
    "name",
    "os_id",
    "os_version",
    "arch",
    "vcpus",
    "memory_mib",
    "state",
    "virtualisation_ha",
    "behind_nat",
    "ssh_port",
    "ssh_network",
    "host_key",
    "skips_bastion",
    *_NAMED,
)
_CONTAINER_COLUMNS = tuple(f"{f}__name" if f in _NAMED else f for f in _CONTAINER_FIELDS)


def _addresses(which: Q) -> Mapping[int, list[AddressView]]:
    """Picture the addresses of containers, by container."""
    found: defaultdict[int, list[AddressView]] = defaultdict(list)
    rows = Address.objects.filter(container__in=Container.objects.filter(which))
    for container, network, ip, name in rows.order_by("network").values_list(
        "container_id", "network__name", Host("ip"), "name"
    ):
        found[container].append(AddressView(network, _ip(ip), name))
    return found


def _ip(text: str) -> IPAddress:
    """Read an address that the database wrote; four times as fast as `ip_address` is."""
    return IPv6Address(text) if ":" in text else IPv4Address(inet_aton(text))


def _disks(which: Q) -> Mapping[int, list[DiskView]]:
    """Picture the disks of containers, by container."""
    found: defaultdict[int, list[DiskView]] = defaultdict(list)
    rows = Disk.objects.filter(container__in=Container.objects.filter(which))
    for container, device, size_gib, kind, purpose in rows.order_by("device").values_list(
        "container_id", "device", "size_gib", "kind", "purpose"
    ):
        found[container].append(DiskView(device, size_gib, kind, purpose))
    return found


def _nodes(keys: list[int]) -> Mapping[int, dict[str, NodeView]]:
    """Picture present nodes with their current placement and assignments, by name."""
    places = dict(
        Placement.objects.filter(node__cluster__in=keys, valid_to=None).values_list(
            "node_id", "container__name"
        )
    )
    assignments = _assignments(keys)
    found: defaultdict[int, dict[str, NodeView]] = defaultdict(dict)
    rows = Node.objects.filter(cluster__in=keys, removed_at=None).order_by("name")
    for cluster, pk, name, auto_replace in rows.values_list(
        "cluster_id", "pk", "name", "auto_replace"
    ):
        found[cluster][name] = NodeView(
            name, places.get(pk), tuple(assignments.get(pk, ())), pk, auto_replace
        )
    return found


def _assignments(keys: list[int]) -> Mapping[int, list[AssignmentView]]:
    """Picture what nodes' roles are now, by node."""
    found: defaultdict[int, list[AssignmentView]] = defaultdict(list)
    rows = RoleAssignment.objects.filter(node__cluster__in=keys, valid_to=None)
    for node, role, group, state, pk in rows.order_by("pk").values_list(
        "node_id", "role__key", "availability_group__name", "state", "pk"
    ):
        found[node].append(AssignmentView(role, group, state, pk))
    return found


def _groups(keys: list[int]) -> Mapping[int, list[GroupView]]:
    """Picture availability groups."""
    found: defaultdict[int, list[GroupView]] = defaultdict(list)
    rows = AvailabilityGroup.objects.filter(cluster__in=keys).order_by("role__key", "name")
    for cluster, role, name in rows.values_list("cluster_id", "role__key", "name"):
        found[cluster].append(GroupView(role, name))
    return found


def _balancers(keys: list[int]) -> Mapping[int, dict[str, BalancerView]]:
    """Picture balancers, by name."""
    found: defaultdict[int, dict[str, BalancerView]] = defaultdict(dict)
    rows = Balancer.objects.filter(cluster__in=keys).select_related("role", "network")
    for row in rows.order_by("name"):
        found[row.cluster_id][row.name] = BalancerView(
            pk=row.pk,
            name=row.name,
            role=row.role.key,
            network=row.network.name,
            ip=row.ip,
            dns_name=row.dns_name,
            health_based=row.health_based,
            instances=row.instances,
        )
    return found


def _facts(keys: list[int]) -> Mapping[int, list[FactView]]:
    """Picture what is known."""
    found: defaultdict[int, list[FactView]] = defaultdict(list)
    rows = Fact.objects.filter(cluster__in=keys).order_by("pk")
    columns = ("cluster_id", "node__name", "container__name", "key", "value", "at", "origin")
    for cluster, node, container, key, value, at, origin in rows.values_list(*columns):
        subject = f"node:{node}" if node else f"container:{container}" if container else "cluster"
        found[cluster].append(FactView(subject, key, value, at, origin))
    return found


def _waivers(keys: list[int]) -> Mapping[int, list[WaiverView]]:
    """Picture what somebody answers for; expiry is judged against the picture's time."""
    found: defaultdict[int, list[WaiverView]] = defaultdict(list)
    for row in Waiver.objects.filter(cluster__in=keys, revoked_at=None).order_by("pk"):
        found[row.cluster_id].append(waiver_view(row))
    return found


def waiver_view(row: Waiver) -> WaiverView:
    """Picture a waiver."""
    return WaiverView(
        pk=row.pk,
        key=row.rule,
        subject=row.subject,
        role=row.role,
        reason=row.reason,
        by=row.created_by_name,
        expires_at=row.expires_at,
        weight=row.weight,
    )


def _taken(keys: list[int]) -> Mapping[int, dict[tuple[str, IPAddress], str]]:
    """Return who of other clusters has which address in these clusters' networks."""
    found: defaultdict[int, dict[tuple[str, IPAddress], str]] = defaultdict(dict)
    for kind, rows, name, owner in (
        ("container", Address.objects, "container__name", "container__cluster"),
        ("balancer", Balancer.objects, "name", "cluster"),
    ):
        shared = rows.filter(network__clusters__in=keys).annotate(
            user=F("network__clusters"), owner=F(owner)
        )
        others = shared.filter(Q(owner=None) | ~Q(owner=F("user")))
        columns = ("user", "network__name", Host("ip"), name)
        for cluster, network, ip, label in others.values_list(*columns):
            found[cluster][network, _ip(ip)] = f"{kind} {label}"
    return found
