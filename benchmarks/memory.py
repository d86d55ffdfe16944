"""What voipadmin needs when idle: the PSS of all its processes, database included.

    python benchmarks/memory.py [--quick]

Starts it on an empty folder, asks for some pages, waits, sums. Ends with one line of JSON; exit
code 1 when the sum is over the target.
"""

import argparse
import json
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

# Run as a script, Python looks in this folder alone.
sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.voipadmin.portal import Portal
from voipadmin.processes import children

TARGET_MIB = 400
PAGES = ("healthz", "login/", "", "clusters/")


def pss_mib(pid: int) -> float:
    """Return a process's proportional share of memory; 0 when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def kind(pid: int) -> str:
    """Name the part of voipadmin that a process belongs to."""
    words = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    known = {"gunicorn": "web", "manage.py work": "worker", "collect": "collector"}
    return next((name for word, name in known.items() if word in words), "other")


def measure(settle_s: float) -> dict[str, float]:
    """Start everything, let it settle, return the MiB of each part."""
    with tempfile.TemporaryDirectory(prefix="voipadmin-memory-") as folder:
        static_root = Path(folder) / "static"
        with Portal(Path(folder) / "data", static_root) as portal:
            supervisor = portal.up()
            for page in PAGES * 5:
                portal.status(page)
            time.sleep(settle_s)
            postmaster = portal.postgres.pid() or 0
            parts: dict[str, float] = defaultdict(float)
            parts["supervisor"] = pss_mib(supervisor.pid)
            parts["database"] = sum(map(pss_mib, {postmaster, *children(postmaster)}))
            for pid in portal.processes():
                parts[kind(pid)] += pss_mib(pid)
    return {name: round(mib, 1) for name, mib in parts.items()}


def main() -> int:
    """Print the parts and their sum."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="settle 5 s instead of 60")
    parts = measure(5 if parser.parse_args().quick else 60)
    total = round(sum(parts.values()), 1)
    for name, mib in sorted(parts.items()):
        print(f"{name:12} {mib:7.1f} MiB")
    met = total < TARGET_MIB
    figures = {"pss_mib": total, "parts_mib": parts}
    print(json.dumps({"figures": figures, "targets": {"pss_mib": TARGET_MIB}, "met": met}))
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
