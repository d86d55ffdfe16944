"""How long the rules take: a check, all findings, a save, and a list of many clusters.

    python benchmarks/rules.py [--quick]

Builds VoipNow clusters of many sizes, pure ones and, in a throwaway PostgreSQL, real rows. Ends
with one line of JSON; exit code 1 when a target is missed.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from statistics import median
from typing import Any

# Run as a script, Python looks in this folder alone.
sys.path.insert(0, str(Path(__file__).parents[1]))
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

import benchmarks.throwaway  # noqa: F401 - Django, before its models
from inventory.changes import AddNode, RoleChoice
from inventory.models import (
    Address,
    AvailabilityGroup,
    Cluster,
    Container,
    Credential,
    Disk,
    Network,
    Node,
    Placement,
    Role,
    RoleAssignment,
)
from inventory.models import Platform as PlatformRow
from inventory.operations import perform
from inventory.platforms.loading import load_all
from inventory.platforms.schema import Platform
from inventory.rules import check, findings
from inventory.snapshot import load_topologies, load_topology
from inventory.topology import (
    AddressView,
    AssignmentView,
    ClusterView,
    ContainerView,
    DiskView,
    GroupView,
    NetworkView,
    NodeView,
    Topology,
)

SIZE = 10_000
SUMMARY = (100, 100)  # clusters, nodes in each
TARGETS = {
    "check_cpu_ms": 100,
    "save_ms": 500,
    "growth_of_findings": 2.5,
    "growth_of_check": 2.5,
    "queries_per_extra_node": 0,
    "queries_per_extra_cluster": 0,
}
NOW = datetime(2026, 1, 1, tzinfo=UTC)
PRIVATE = NetworkView(1, "private", "private", ip_network("10.0.0.0/8"))
PUBLIC = NetworkView(2, "public", "public", ip_network("100.0.0.0/8"))
# What a large cluster consists of besides what there is once or in groups.
MANY = ("sip", "pbx", "web", "worker")


def shape(nodes: int) -> list[tuple[str, str | None]]:
    """Return role and availability group of each node of a valid cluster."""
    groups = 32 if nodes >= 1000 else 2
    fixed: list[tuple[str, str | None]] = [("sql-master", None)]
    fixed += [("sql-slave", None)] * 2 + [("elasticsearch", None)] * 3
    fixed += [("infrastructure-controller", None)]
    fixed += [("distributed-database", f"ag-{i % groups:02}") for i in range(groups * 4)]
    return fixed + [(MANY[i % len(MANY)], None) for i in range(nodes - len(fixed))]


def is_public(role: str) -> bool:
    """Tell whether nodes of the role are reached from outside."""
    return role in ("sip", "pbx", "web")


def machine(number: int, role: str) -> ContainerView:
    """Return the machine of a node, with its addresses."""
    host = number + 10
    addresses = [AddressView("private", PRIVATE.cidr.network_address + host, f"n{number}.internal")]
    if is_public(role):
        public = PUBLIC.cidr.network_address + host
        addresses.append(AddressView("public", public, f"n{number}.example.org"))
    return ContainerView(
        name=f"c{number:06}",
        os_id="rhel",
        os_version="8.6",
        vcpus=8,
        memory_mib=32768,
        addresses=tuple(addresses),
        disks=(DiskView("/dev/sda", 500, "ssd"),),
        location=f"site-{number // 4 % 4}",
        hypervisor=f"hv-{number // 4 % 500:03}",
        virtualisation_ha="vSphere HA",
        credential="key",
        host_key="ssh-ed25519 AAAA",
    )


def pure(platform: Platform, nodes: int) -> Topology:
    """Return a cluster of so many nodes, and one machine more for the next."""
    roles = shape(nodes)
    containers = [machine(i, role) for i, (role, _) in enumerate([*roles, ("worker", None)])]
    return Topology(
        cluster=ClusterView(1, "large", "Large"),
        platform=platform,
        release=next(release for release in platform.releases if release.current),
        now=NOW,
        networks={"private": PRIVATE, "public": PUBLIC},
        containers={c.name: c for c in containers},
        nodes={
            f"n{i:06}": NodeView(f"n{i:06}", f"c{i:06}", (AssignmentView(role, group, "active"),))
            for i, (role, group) in enumerate(roles)
        },
        groups=tuple({GroupView(role, group) for role, group in roles if group}),
    )


def next_node(topology: Topology) -> AddNode:
    """Return the change that is measured: one more worker."""
    number = len(topology.nodes)
    return AddNode(f"n{number:06}", f"c{number:06}", (RoleChoice("worker"),))


def fresh(topology: Topology) -> Topology:
    """Return an equal topology that has found nothing out yet, as one just loaded."""
    return replace(topology)


def cpu_ms(work: Callable[[], object], *, repeats: int) -> float:
    """Return the median CPU time of some work, ms."""
    times = []
    for _ in range(repeats):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return median(times) * 1000


def wall_ms(work: Callable[[], object], *, repeats: int) -> float:
    """Return the median time that some work takes, ms."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return median(times) * 1000


def check_ms(topology: Topology, *, repeats: int) -> float:
    """Return the CPU time of checking one more node, ms."""

    def work() -> object:
        before = fresh(topology)
        return check(before, next_node(before).apply(before))

    return cpu_ms(work, repeats=repeats)


def measure_pure(platform: Platform, *, quick: bool) -> dict[str, Any]:
    """Time the rules alone, from 1,000 to 100,000 nodes."""
    sizes = (1_000, 10_000, 30_000) if quick else (1_000, 10_000, 100_000)
    repeats = 3 if quick else 5
    checks, all_findings = {}, {}
    for size in sizes:
        topology = pure(platform, size)
        checks[size] = round(check_ms(topology, repeats=repeats), 1)
        all_findings[size] = round(cpu_ms(lambda: findings(fresh(topology)), repeats=repeats), 1)  # noqa: B023
        print(f"{size:7,} nodes: check {checks[size]} ms, findings {all_findings[size]} ms CPU")
    return {
        "check_cpu_ms": checks[SIZE],
        "check_cpu_ms_by_size": checks,
        "findings_cpu_ms_by_size": all_findings,
        "growth_of_check": _growth(checks),
        "growth_of_findings": _growth(all_findings),
    }


def _growth(times: dict[int, float]) -> float:
    """Return the time per node of the largest against the smallest: 1 is exactly linear.

    A hundred times as much memory costs a factor of about two, since caches hold less of it.
    """
    small, large = min(times), max(times)
    return round((times[large] / large) / (times[small] / small), 2)


def stored(platform: PlatformRow, slug: str, nodes: int) -> Cluster:
    """Write a cluster of so many nodes, rows in bulk."""
    release = platform.releases.get(key=next(r.key for r in _data(platform).releases if r.current))
    cluster = Cluster.objects.create(
        slug=slug,
        name=slug,
        platform=platform,
        release=release,
        revision=platform.revisions.latest("number"),
    )
    networks = {
        view.name: Network.objects.create(
            name=f"{slug}-{view.name}", kind=view.kind, cidr=view.cidr
        )
        for view in (PRIVATE, PUBLIC)
    }
    cluster.networks.set(networks.values())
    login, _ = Credential.objects.get_or_create(name="key", defaults={"secret": "none"})
    roles = shape(nodes)
    views = [machine(i, role) for i, (role, _) in enumerate([*roles, ("worker", None)])]
    containers = Container.objects.bulk_create(
        Container(
            cluster=cluster,
            name=view.name,
            os_id=view.os_id,
            os_version=view.os_version,
            vcpus=view.vcpus,
            memory_mib=view.memory_mib,
            virtualisation_ha=view.virtualisation_ha,
            credential=login,
            host_key=view.host_key,
            host_key_confirmed_at=NOW,
        )
        for view in views
    )
    pairs = list(zip(containers, views, strict=True))
    Address.objects.bulk_create(
        Address(container=row, network=networks[a.network], ip=a.ip, name=a.name)
        for row, view in pairs
        for a in view.addresses
    )
    Disk.objects.bulk_create(
        Disk(container=row, device=d.device, size_gib=d.size_gib, kind=d.kind)
        for row, view in pairs
        for d in view.disks
    )
    _store_nodes(cluster, roles, containers)
    return cluster


def _store_nodes(
    cluster: Cluster, roles: list[tuple[str, str | None]], containers: list[Container]
) -> None:
    """Write nodes, placements and assignments in bulk."""
    rows = Node.objects.bulk_create(
        Node(cluster=cluster, name=f"n{i:06}") for i in range(len(roles))
    )
    Placement.objects.bulk_create(
        Placement(node=row, container=container, valid_from=NOW)
        for row, container in zip(rows, containers, strict=False)
    )
    known = {role.key: role for role in Role.objects.filter(platform=cluster.platform)}
    groups = {
        name: AvailabilityGroup.objects.create(cluster=cluster, role=known[role], name=name)
        for role, name in sorted({(role, name) for role, name in roles if name})
    }
    RoleAssignment.objects.bulk_create(
        RoleAssignment(
            node=row,
            role=known[role],
            availability_group=groups[group] if group else None,
            state="active",
            valid_from=NOW,
        )
        for row, (role, group) in zip(rows, roles, strict=True)
    )


def measure_stored(*, quick: bool) -> dict[str, Any]:
    """Time a save in a large cluster, and the summary of many."""
    call_command("migrate", verbosity=0)
    call_command("sync_platforms", verbosity=0)
    platform = PlatformRow.objects.get(key="voipnow")
    large, small = stored(platform, "large", SIZE), stored(platform, "small", 100)
    count, each = (20, 100) if quick else SUMMARY
    many = [stored(platform, f"c{i:03}", each) for i in range(count)]
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    rows = Cluster.objects.select_related("platform", "release", "revision__platform")
    saves = []
    for _ in range(3 if quick else 7):
        operation = next_node(load_topology(rows.get(pk=large.pk)))
        saves.append(wall_ms(lambda: perform(operation, cluster=large, actor=None), repeats=1))  # noqa: B023
        Container.objects.create(
            cluster=large,
            name=f"c{int(operation.name[1:]) + 1:06}",
            os_id="rhel",
            os_version="8.6",
            vcpus=8,
            memory_mib=32768,
        )
        _address_of_newest(large)
    listed = list(rows.filter(slug__startswith="c"))
    assert len(listed) == len(many)

    def summary() -> int:
        return sum(len(findings(t)) for t in load_topologies(listed).values())

    return {
        "save_ms": round(median(saves), 1),
        "load_ms": round(wall_ms(lambda: load_topology(rows.get(pk=large.pk)), repeats=3), 1),
        "summary_ms": round(wall_ms(summary, repeats=3), 1),
        "summary_clusters": count,
        "queries_per_extra_node": _queries([rows.get(pk=large.pk)])
        - _queries([rows.get(pk=small.pk)]),
        "queries_per_extra_cluster": _queries(listed) - _queries(listed[:1]),
        "queries": _queries([rows.get(pk=large.pk)]),
    }


def _address_of_newest(cluster: Cluster) -> None:
    """Give the newest machine an address, so that the next node may use it."""
    container = cluster.containers.latest("pk")
    network = cluster.networks.get(kind="private")
    host = int(container.name[1:]) + 10
    Address.objects.create(
        container=container,
        network=network,
        ip=PRIVATE.cidr.network_address + host,
        name=f"{container.name}.internal",
    )


def _queries(clusters: list[Cluster]) -> int:
    """Count the queries that picturing clusters takes."""
    with CaptureQueriesContext(connection) as captured:
        load_topologies(clusters)
    return len(captured)


def _data(row: PlatformRow) -> Platform:
    """Return the platform's data."""
    return next(platform for platform in load_all() if platform.key == row.key)


def main() -> int:
    """Print the figures and whether they reach their targets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller sizes, under a minute")
    quick = parser.parse_args().quick
    platform = next(platform for platform in load_all() if platform.key == "voipnow")
    figures = measure_pure(platform, quick=quick) | measure_stored(quick=quick)
    for name, value in figures.items():
        print(f"{name:28} {value}")
    met = all(figures[name] <= target for name, target in TARGETS.items())
    print(json.dumps({"figures": figures, "targets": TARGETS, "met": met}))
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
