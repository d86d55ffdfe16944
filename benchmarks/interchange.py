"""How long an import of a thousand containers and a thousand nodes takes.

    python benchmarks/interchange.py

Uses a throwaway PostgreSQL.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

# Run as a script, Python looks in this folder alone.
sys.path.insert(0, str(Path(__file__).parents[1]))
from django.core.management import call_command

import benchmarks.throwaway  # noqa: F401 - Django, before its models
from inventory.changes import AttachNetwork
from inventory.interchange.export import export_file
from inventory.interchange.importing import Upload, run_import
from inventory.models import Cluster, Network, Platform
from inventory.operations import perform
from inventory.services import create_cluster, save_network
from inventory.snapshot import network_view

COUNT = 1000


def containers() -> str:
    """Write a table of machines with two disks and two addresses each."""
    rows = ["name,os_id,os_version,vcpus,memory_mib,disks,addresses"]
    rows += [
        f"m{n:04},debian,13,16,32768,/dev/sda:20:ssd; /dev/sdb:500:ssd:database,"
        f"bench-private=10.100.{n // 200}.{n % 200 + 1} m{n:04}.int; "
        f"bench-public=10.101.{n // 200}.{n % 200 + 1}"
        for n in range(COUNT)
    ]
    return "\n".join(rows)


def nodes() -> str:
    """Write a table of telephony nodes, one for each machine."""
    rows = [f"n{n:04},m{n:04},telephony" for n in range(COUNT)]
    return "\n".join(["name,container,roles", *rows])


def timed(label: str, work: Callable[[], object]) -> None:
    """Print how long something takes."""
    began = time.perf_counter()
    work()
    print(f"{label:32} {time.perf_counter() - began:6.2f} s")


def cluster() -> Cluster:
    """Make a cluster with two networks."""
    platform = Platform.objects.get(key="ring2all")
    row = create_cluster(
        actor=None,
        slug="bench",
        name="Bench",
        platform=platform,
        release=platform.releases.filter(retired_at=None).latest("pk"),
    )
    for kind, cidr in (("private", "10.100.0.0/16"), ("public", "10.101.0.0/16")):
        network = save_network(Network(name=f"bench-{kind}", kind=kind, cidr=cidr), actor=None)
        network.refresh_from_db()
        perform(AttachNetwork(network_view(network)), cluster=row, actor=None)
    return row


def taken(row: Cluster, text: str, what: str, form: str, *, dry_run: bool) -> Callable[[], object]:
    """Return an import to be timed."""
    upload = Upload(text.encode(), what, form)
    return lambda: run_import(upload, cluster=row, actor=None, dry_run=dry_run)


def main() -> None:
    """Import, dry and for good, export, and compare the export with what is there."""
    call_command("migrate", verbosity=0, skip_checks=True)
    call_command("sync_platforms", verbosity=0)
    row = cluster()
    for what, text in (("containers", containers()), ("nodes", nodes())):
        timed(f"look at {COUNT} {what}", taken(row, text, what, "csv", dry_run=True))
        timed(f"import {COUNT} {what}", taken(row, text, what, "csv", dry_run=False))
    timed("export the cluster", lambda: export_file(row, what="cluster", form="yaml"))
    whole = export_file(row, what="cluster", form="yaml")
    timed("compare the export", taken(row, whole, "cluster", "yaml", dry_run=True))


if __name__ == "__main__":
    main()
