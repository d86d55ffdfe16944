"""What an import is compared with: the cluster as it is, and the names that the portal knows."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils import timezone

from inventory.access import visible
from inventory.interchange.records import Document
from inventory.logins import login_fault
from inventory.models import Cluster, Credential, Hypervisor, Location, Network, Platform, Release
from inventory.platform_sync import effective_platform
from inventory.snapshot import NO_PLATFORM, NO_RELEASE, load_pool, load_topology
from inventory.topology import ClusterView, Topology


@dataclass(frozen=True)
class Scene:
    """The picture before, and what may be named.

    `logins` says why a login may not be chosen, "" when it may. `cluster` is None for the free
    pool, and for a cluster that the import would make; `platform` too where it is unknown.
    """

    cluster: Cluster | None
    before: Topology
    is_pool: bool
    locations: frozenset[str]
    hypervisors: Mapping[str, Hypervisor]
    networks: Mapping[str, Network]
    logins: Mapping[str, str]
    platform: Platform | None = None
    release: Release | None = None

    @property
    def is_birth(self) -> bool:
        """Tell whether the import makes the cluster."""
        return self.cluster is None and not self.is_pool


def look(document: Document, *, cluster: Cluster | None, is_pool: bool, user: User | None) -> Scene:
    """Take the picture that a file is compared with."""
    platform = cluster.platform if cluster else _platform(document)
    release = cluster.release if cluster else _release(document, platform)
    return Scene(
        cluster=cluster,
        before=_before(document, cluster, platform, release, is_pool=is_pool),
        is_pool=is_pool,
        locations=frozenset(Location.objects.values_list("name", flat=True)),
        hypervisors={h.name: h for h in Hypervisor.objects.select_related("location")},
        networks={n.name: n for n in _networks(user).select_related("location")},
        logins={
            row.name: (login_fault(row, cluster=cluster, user=user) or "") if user else ""
            for row in Credential.objects.all()
        },
        platform=platform,
        release=release,
    )


def _networks(user: User | None) -> QuerySet[Network]:
    """Return the networks that a file may name: of others, those that its sender sees."""
    return visible(Network.objects.all(), user) if user else Network.objects.all()


def _platform(document: Document) -> Platform | None:
    """Return the platform that a file names for a new cluster."""
    key = document.cluster.record.platform if document.cluster else ""
    return Platform.objects.filter(key=key, retired_at=None).first()


def _release(document: Document, platform: Platform | None) -> Release | None:
    """Return the release that a file names for a new cluster."""
    key = document.cluster.record.release if document.cluster else ""
    return platform.releases.filter(key=key).first() if platform else None


def _before(
    document: Document,
    cluster: Cluster | None,
    platform: Platform | None,
    release: Release | None,
    *,
    is_pool: bool,
) -> Topology:
    """Picture what is there; of a cluster to be made, only what its platform says."""
    if cluster:
        return load_topology(cluster)
    if is_pool:
        return load_pool()
    record = document.cluster.record if document.cluster else None
    view = ClusterView(pk=0, slug=record.slug if record else "", name=record.name if record else "")
    if platform is None:
        return Topology(view, NO_PLATFORM, NO_RELEASE, timezone.now())
    data = effective_platform(platform.revisions.latest())
    return Topology(
        view, data, data.release(release.key) if release else data.releases[0], timezone.now()
    )
