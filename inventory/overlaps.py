"""Networks of others that share addresses with a cluster's, and whether that matters; pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from inventory.rules.base import Severity
from inventory.topology import IPNetwork, NetworkView, Topology


@dataclass(frozen=True)
class Neighbour:
    """A network that the cluster does not use: where it is, and whose it is."""

    name: str
    kind: str
    cidr: IPNetwork
    location: str | None = None
    clusters: tuple[str, ...] = ()


@dataclass(frozen=True)
class Overlap:
    """A network of the cluster that shares addresses with somebody else's."""

    network: NetworkView
    other: Neighbour
    severity: Severity
    message: str


def overlaps(
    topology: Topology, neighbours: Iterable[Neighbour], places: Mapping[str, str | None]
) -> tuple[Overlap, ...]:
    """Return what overlaps, what matters first; `places` are the own networks' locations, by name.

    The same private range at two places is normal; a public one exists once.
    """
    found = list(_overlaps(topology, neighbours, places))
    order = list(Severity)
    return tuple(sorted(found, key=lambda o: (order.index(o.severity), o.network.name)))


def _overlaps(
    topology: Topology, neighbours: Iterable[Neighbour], places: Mapping[str, str | None]
) -> Iterator[Overlap]:
    """Yield each pair that shares addresses."""
    for other in neighbours:
        for name, network in topology.networks.items():
            if network.cidr.version == other.cidr.version and network.cidr.overlaps(other.cidr):
                yield Overlap(network, other, *_verdict(network, other, places.get(name)))


def _verdict(network: NetworkView, other: Neighbour, place: str | None) -> tuple[Severity, str]:
    """Say whether two networks that share addresses can meet."""
    if "public" in (network.kind, other.kind):
        return Severity.WARNING, "Public addresses exist once: one of the two is described wrongly."
    if place and place == other.location:
        return Severity.WARNING, f"Both are in {place}: keep them apart there, or renumber one."
    if place and other.location:
        return Severity.INFO, "Harmless: the same private range at two places is normal."
    return Severity.INFO, "Normal for private ranges, as long as nothing routes between the two."
