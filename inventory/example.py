"""The example cluster: the thirteen nodes of Ring2All's Distributed Deployment Overview (004).

Names, private addresses and sizes are the guide's own; public addresses, which it does not give,
come from the range reserved for documentation (RFC 5737). Never monitored, never provisioned.
"""

from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from django.contrib.auth.models import User
from django.db import transaction

from inventory import services
from inventory.models import Cluster, Network, Platform
from inventory.operations import AddContainer, AddNode, AttachNetwork, RoleChoice, perform
from inventory.snapshot import network_view
from inventory.states import NetworkKind
from inventory.topology import AddressView, ContainerView, DiskView

SLUG = "ring2all-example"
PRIVATE, PUBLIC = "example-private", "example-public"
NETWORKS = (
    (PRIVATE, NetworkKind.PRIVATE, "192.168.10.0/24"),
    (PUBLIC, NetworkKind.PUBLIC, "203.0.113.0/24"),
)


@dataclass(frozen=True)
class Row:
    """A row of the guide's table; memory and disk in GiB (1 TB is written as 1000)."""

    name: str
    role: str
    host: int
    vcpus: int
    memory_gib: int
    disk_gib: int
    is_public: bool = False


ROWS = (
    Row("pg-node-01", "database", 31, 4, 16, 500),
    Row("pg-node-02", "database", 32, 4, 16, 500),
    Row("pg-node-03", "database", 33, 4, 16, 500),
    Row("fs-node-01", "file-server", 34, 2, 4, 1000),
    Row("fs-node-02", "file-server", 35, 2, 4, 1000),
    Row("fs-node-03", "file-server", 36, 2, 4, 1000),
    Row("admin-node-01", "admin", 10, 4, 8, 50, is_public=True),
    Row("portal-node-01", "portal", 20, 2, 2, 20, is_public=True),
    Row("switch-node-01", "switchboard", 30, 2, 2, 20, is_public=True),
    Row("api-node-01", "api", 40, 4, 8, 50, is_public=True),
    Row("tele-node-01", "telephony", 51, 16, 32, 100, is_public=True),
    Row("tele-node-02", "telephony", 52, 16, 32, 100, is_public=True),
    Row("tele-node-03", "telephony", 53, 16, 32, 100, is_public=True),
)


@transaction.atomic
def load(*, actor: User | None) -> tuple[Cluster, bool]:
    """Make the example unless it is there; return it and whether it is new.

    Raises Platform.DoesNotExist before `sync_platforms` has run.
    """
    # The lock on the platform's row makes two who press the button at once wait for each other.
    platform = Platform.objects.select_for_update().get(key="ring2all")
    if cluster := Cluster.objects.filter(is_example=True).first():
        return cluster, False
    return _make(platform, actor), True


def _make(platform: Platform, actor: User | None) -> Cluster:
    """Describe the guide's cluster."""
    cluster = services.create_cluster(
        actor=actor,
        slug=SLUG,
        name="Example: Ring2All distributed",
        platform=platform,
        release=platform.releases.filter(retired_at=None).latest("pk"),
        is_example=True,
    )
    for name, kind, cidr in NETWORKS:
        network = Network.objects.filter(name=name).first() or services.save_network(
            Network(name=name, kind=kind, cidr=ip_network(cidr), is_example=True), actor=actor
        )
        perform(AttachNetwork(network_view(network)), cluster=cluster, actor=actor)
    for row in ROWS:
        perform(AddContainer(_container(row)), cluster=cluster, actor=actor)
        node = AddNode(row.name, row.name, (RoleChoice(row.role),))
        perform(node, cluster=cluster, actor=actor)
    return cluster


def _container(row: Row) -> ContainerView:
    """Describe a row's machine."""
    addresses = [AddressView(PRIVATE, ip_address(f"192.168.10.{row.host}"), f"{row.name}.internal")]
    if row.is_public:
        name = f"{row.name}.example.com"
        addresses.append(AddressView(PUBLIC, ip_address(f"203.0.113.{row.host}"), name))
    return ContainerView(
        name=row.name,
        os_id="debian",
        os_version="13",
        vcpus=row.vcpus,
        memory_mib=row.memory_gib * 1024,
        addresses=tuple(addresses),
        disks=_disks(row),
    )


def _disks(row: Row) -> tuple[DiskView, ...]:
    """Describe a row's disks: data has a disk of its own (R155)."""
    if row.role in ("database", "file-server"):
        purpose = "database" if row.role == "database" else "storage"
        return (
            DiskView("/dev/sda", 20, "ssd", "system"),
            DiskView("/dev/sdb", row.disk_gib, "ssd", purpose),
        )
    return (DiskView("/dev/sda", row.disk_gib, "ssd", "system"),)
