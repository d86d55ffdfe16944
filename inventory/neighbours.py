"""Reads the networks around a cluster's, in a constant number of queries."""

from django.db.models import Prefetch

from inventory.access import AnyUser, visible
from inventory.models import Cluster, Network
from inventory.overlaps import Neighbour, Overlap, overlaps
from inventory.topology import Topology


def overlapping(cluster: Cluster, topology: Topology, user: AnyUser) -> tuple[Overlap, ...]:
    """Return which networks of others share addresses with the cluster's, as far as one sees."""
    others = visible(Network.objects.exclude(clusters=cluster), user).select_related("location")
    named = visible(Cluster.objects.all(), user)
    neighbours = [
        Neighbour(
            name=row.name,
            kind=row.kind,
            cidr=row.cidr,
            location=row.location.name if row.location else None,
            clusters=tuple(user.name for user in row.clusters.all()),
        )
        for row in others.prefetch_related(Prefetch("clusters", named))
    ]
    places = dict(cluster.networks.values_list("name", "location__name"))
    return overlaps(topology, neighbours, places)
