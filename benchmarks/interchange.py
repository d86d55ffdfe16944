"""How long an import of a thousand containers and a thousand nodes takes.

    python benchmarks/interchange.py [--quick]

Uses a throwaway PostgreSQL. Ends with one line of JSON; exit code 1 when a target is missed.
"""

import argparse
import json
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

COUNT, QUICK_COUNT = 1000, 200
# Milliseconds for each container or node that is written, with its rules, history and lock.
TARGETS = {"import_ms_per_container": 40, "import_ms_per_node": 40}


def containers(count: int) -> str:
    """Write a table of machines with two disks and two addresses each."""
    rows = ["name,os_id,os_version,vcpus,memory_mib,disks,addresses"]
    rows += [
        f"m{n:04},debian,13,16,32768,/dev/sda:20:ssd; /dev/sdb:500:ssd:database,"
        f"bench-private=10.100.{n // 200}.{n % 200 + 1} m{n:04}.int; "
        f"bench-public=10.101.{n // 200}.{n % 200 + 1}"
        for n in range(count)
    ]
    return "\n".join(rows)


def nodes(count: int) -> str:
    """Write a table of telephony nodes, one for each machine."""
    rows = [f"n{n:04},m{n:04},telephony" for n in range(count)]
    return "\n".join(["name,container,roles", *rows])


def timed(label: str, work: Callable[[], object]) -> float:
    """Print and return how long something takes, s."""
    began = time.perf_counter()
    work()
    took_s = time.perf_counter() - began
    print(f"{label:32} {took_s:6.2f} s")
    return took_s


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


def main() -> int:
    """Import, dry and for good, export, and compare the export with what is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_COUNT} instead of {COUNT}")
    count = QUICK_COUNT if parser.parse_args().quick else COUNT
    call_command("migrate", verbosity=0, skip_checks=True)
    call_command("sync_platforms", verbosity=0)
    row = cluster()
    figures: dict[str, float] = {"count": count}
    for what, text in (("container", containers(count)), ("node", nodes(count))):
        dry = taken(row, text, f"{what}s", "csv", dry_run=True)
        figures[f"look_at_{what}s_s"] = round(timed(f"look at {count} {what}s", dry), 2)
        wet = taken(row, text, f"{what}s", "csv", dry_run=False)
        took_s = timed(f"import {count} {what}s", wet)
        figures[f"import_ms_per_{what}"] = round(took_s / count * 1000, 1)
    whole = export_file(row, what="cluster", form="yaml")
    export = timed("export the cluster", lambda: export_file(row, what="cluster", form="yaml"))
    again = timed("compare the export", taken(row, whole, "cluster", "yaml", dry_run=True))
    figures |= {"export_s": round(export, 2), "compare_s": round(again, 2)}
    met = all(figures[name] <= target for name, target in TARGETS.items())
    print(json.dumps({"figures": figures, "targets": TARGETS, "met": met}))
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
