"""Reads the networks around a cluster's, in a constant number of queries."""

from inventory.models import Cluster, Network
from inventory.overlaps import Neighbour, Overlap, overlaps
from inventory.topology import Topology


def overlapping(cluster: Cluster, topology: Topology) -> tuple[Overlap, ...]:
    """Return which networks of others share addresses with the cluster's, and what that means."""
    others = Network.objects.exclude(clusters=cluster).select_related("location")
    neighbours = [
        Neighbour(
            name=row.name,
            kind=row.kind,
            cidr=row.cidr,
            location=row.location.name if row.location else None,
            clusters=tuple(user.name for user in row.clusters.all()),
        )
        for row in others.prefetch_related("clusters")
    ]
    places = dict(cluster.networks.values_list("name", "location__name"))
    return overlaps(topology, neighbours, places)
