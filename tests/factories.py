"""Makes what tests need: rows through the same operations as everybody, and pure topologies."""

from datetime import UTC, datetime
from functools import cache
from ipaddress import ip_address, ip_network
from itertools import count
from pathlib import Path
from typing import Any

from django.contrib.auth.models import Permission, User

from inventory import services
from inventory.grants import give_level
from inventory.models import Cluster, Container, Credential, Network, Node, Platform
from inventory.operations import AddContainer, AddNode, AttachNetwork, RoleChoice, perform
from inventory.platform_sync import sync_platforms
from inventory.platforms.loading import load_platform
from inventory.platforms.schema import Platform as PlatformData
from inventory.snapshot import network_view
from inventory.topology import (
    AddressView,
    AssignmentView,
    ClusterView,
    ContainerView,
    DiskView,
    NetworkView,
    NodeView,
    Topology,
)

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
PLATFORM_DIR = Path(__file__).parent.parent / "inventory/platforms"

_numbers = count(1)


@cache
def platform_data(key: str = "ring2all") -> PlatformData:
    """Read one of the platforms that come with the product."""
    return load_platform(PLATFORM_DIR / f"{key}.yaml")


def make_platforms() -> None:
    """Put both platforms into the database."""
    sync_platforms(platforms=[platform_data("ring2all"), platform_data("voipnow")])


def make_user(
    username: str = "", *, permissions: tuple[str, ...] = (), superuser: bool = False
) -> User:
    """Make a user with permissions such as `inventory.view_cluster`."""
    user = User.objects.create_user(username or f"user{next(_numbers)}", password="secret-phrase")
    user.is_superuser = user.is_staff = superuser
    user.save()
    for name in permissions:
        app, _, codename = name.partition(".")
        user.user_permissions.add(
            Permission.objects.get(content_type__app_label=app, codename=codename)
        )
    return user


def make_network(name: str = "", *, kind: str = "private", cidr: str = "10.203.0.0/24") -> Network:
    """Make a network."""
    network = Network(name=name or f"net{next(_numbers)}", kind=kind, cidr=ip_network(cidr))
    return services.save_network(network, actor=None)


def make_cluster(
    slug: str = "",
    *,
    platform: str = "ring2all",
    release: str = "",
    private: str | None = "10.203.0.0/24",
    public: str | None = "10.204.0.0/24",
    **fields: Any,
) -> Cluster:
    """Make a cluster with a private and a public network, named SLUG-private and SLUG-public."""
    if not Platform.objects.filter(key=platform).exists():
        make_platforms()
    slug = slug or f"cluster{next(_numbers)}"
    row = Platform.objects.get(key=platform)
    current = next(r.key for r in platform_data(platform).releases if r.current)
    cluster = services.create_cluster(
        actor=None,
        slug=slug,
        name=fields.pop("name", slug.title()),
        platform=row,
        release=row.releases.get(key=release or current),
        **fields,
    )
    for kind, cidr in (("private", private), ("public", public)):
        if cidr:
            network = make_network(f"{slug}-{kind}", kind=kind, cidr=cidr)
            perform(AttachNetwork(network_view(network)), cluster=cluster, actor=None)
    return cluster


def make_container(cluster: Cluster | None, name: str = "", **fields: Any) -> Container:
    """Make a container that suits a Ring2All database node; see `container_data`."""
    if cluster:
        fields.setdefault("networks", (f"{cluster.slug}-private", f"{cluster.slug}-public"))
    view = container_data(name or f"host{next(_numbers)}", **fields)
    row = perform(AddContainer(view), cluster=cluster, actor=None).row
    assert isinstance(row, Container)
    return row


def make_node(container: Container, name: str = "", *roles: str, group: str | None = None) -> Node:
    """Make a node with roles (database by default) on a container."""
    assert container.cluster
    choices = tuple(RoleChoice(role, group) for role in roles or ("database",))
    operation = AddNode(name or f"node{next(_numbers)}", container.name, choices)
    row = perform(operation, cluster=container.cluster, actor=None).row
    assert isinstance(row, Node)
    return row


def make_database_cluster(slug: str = "", *, nodes: int = 3, **fields: Any) -> Cluster:
    """Make a Ring2All cluster with database nodes pg-node-01.. at 10.203.0.31.."""
    cluster = make_cluster(slug, **fields)
    for number in range(1, nodes + 1):
        name = f"pg-node-{number:02}"
        make_node(make_container(cluster, name, private=f"10.203.0.{30 + number}"), name)
    return cluster


def make_credential(secret: str, **fields: Any) -> Credential:
    """Make a login with a private key."""
    row = Credential(name=fields.pop("name", f"login{next(_numbers)}"), secret=secret, **fields)
    services.save_row(row, actor=None)
    return row


def container_data(
    name: str = "pg-node-01",
    *,
    private: str | None = "",
    public: str | None = None,
    networks: tuple[str, str] = ("private", "public"),
    disk_gib: int = 500,
    disk_kind: str = "ssd",
    **fields: Any,
) -> ContainerView:
    """Describe a Debian 13 container of 4 vCPU, 16 GiB, 500 GiB SSD; private "" counts up."""
    if private == "":
        private = f"10.203.0.{next(_numbers) % 200 + 50}"
    addresses = [
        AddressView(network, ip_address(ip))
        for network, ip in zip(networks, (private, public), strict=True)
        if ip
    ]
    defaults: dict[str, Any] = {
        "os_id": "debian",
        "os_version": "13",
        "vcpus": 4,
        "memory_mib": 16384,
        "addresses": tuple(addresses),
        "disks": (DiskView("/dev/sda", disk_gib, disk_kind),) if disk_gib else (),
    }
    return ContainerView(name=name, **(defaults | fields))


def make_topology(
    *nodes: tuple[str, str],
    platform: str = "ring2all",
    release: str = "",
    containers: tuple[ContainerView, ...] = (),
    **cluster: Any,
) -> Topology:
    """Picture a cluster, without a database, of nodes given as (name, role key).

    Each node runs on a container of its own name, addressed in both networks, unless `containers`
    has one of this name.
    """
    data = platform_data(platform)
    current = release or next(r.key for r in data.releases if r.current)
    system = data.release(current).operating_systems[0]
    machines = {
        name: container_data(
            name,
            private=f"10.203.{number // 200}.{number % 200 + 10}",
            public=f"10.204.{number // 200}.{number % 200 + 10}",
            os_id=system.id,
            os_version=system.version,
            vcpus=16,
            memory_mib=32768,
            disk_gib=2000,
            credential="login",
            host_key="ssh-ed25519 AAAA",
        )
        for number, (name, _) in enumerate(nodes)
    } | {container.name: container for container in containers}
    return Topology(
        cluster=ClusterView(pk=1, slug="test", name="Test", **cluster),
        platform=data,
        release=data.release(current),
        now=NOW,
        networks={
            "private": NetworkView(1, "private", "private", ip_network("10.203.0.0/16")),
            "public": NetworkView(2, "public", "public", ip_network("10.204.0.0/16")),
        },
        containers=machines,
        nodes={name: NodeView(name, name, (AssignmentView(role),)) for name, role in nodes},
    )


def make_grant(user: User, level: str, cluster: Cluster | None = None) -> User:
    """Let a user do something in a cluster, or in all of them; returns the user."""
    give_level(user=user, level=level, cluster=cluster, actor=None)
    vars(user).pop("_cluster_levels", None)  # What was asked before is out of date.
    return user
