"""A lab with file servers and clients: plans for it, and a client that goes on writing."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from inventory.topology import DiskView
from provisioning.planning import plan
from provisioning.runbook.load import load_runbooks
from provisioning.steps import Plan, Stage
from tests.lab.hosts import Host, Lab
from tests.provisioning.topologies import make_topology

RECORDINGS = "/var/lib/freeswitch/recordings"
CLIENT = """\
schema: 1
platform: ring2all
role: {role}
title: A client and nothing else
components:
  - include: common/names.yaml
  - include: common/firewall.yaml
    depends_on: [names]
  - include: common/time.yaml
    depends_on: [firewall]
  - include: common/recordings.yaml
    depends_on: [time]
    parameters: {{recordings_access: {access}}}
"""
ACCESS = {"telephony": "rw", "admin": "ro"}
# One line at a time, each on the disks before the next; how many, and the longest time between two.
WRITER = """
import os, time
lines = longest = 0
last = time.monotonic()
with open("{path}", "a") as file:
    while not os.path.exists("/run/enough"):
        file.write("a line that a client was told is safe\\n")
        file.flush()
        os.fsync(file.fileno())
        now = time.monotonic()
        lines, longest, last = lines + 1, max(longest, now - last), now
        time.sleep(0.02)
print(lines, longest)
"""


def write_clients(folder: Path) -> Path:
    """Write runbooks of clients that only mount the recordings; return the operator's folder."""
    (folder / "ring2all").mkdir()
    for role, access in ACCESS.items():
        (folder / f"ring2all/{role}.yaml").write_text(CLIENT.format(role=role, access=access))
    return folder


def planned(
    hosts: Mapping[str, str],
    networks: tuple[str, str],
    folder: Path,
    *,
    disks: Mapping[str, str] | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> Plan:
    """Return the plan of hosts and their roles; `disks` names devices for storage."""
    private, public = networks
    roles = {name: (role,) for name, role in hosts.items()}
    topology = make_topology(roles, private=private, public=public, parameters=parameters)
    for name, device in (disks or {}).items():
        disk = DiskView(device, 1, "ssd", "storage")
        with_disk = replace(topology.containers[name], disks=(disk,))
        topology = topology.with_container(with_disk, was=name)
    return plan(topology, load_runbooks("ring2all", directories=[folder]))


def only(plan: Plan, container: str, *prefixes: str) -> Plan:
    """Return only those steps of a container whose keys begin so."""
    steps = [s for s in plan.steps if s.container == container and s.key.startswith(prefixes)]
    return replace(plan, stages=(Stage("some", "Some", tuple(steps)),))


@dataclass
class Written:
    """What a writer was told is safe, and the longest time between two lines of it."""

    lines: int = 0
    longest_s: float = field(default=0.0)


@contextmanager
def writing(lab: Lab, host: Host, name: str) -> Iterator[Written]:
    """Write to a file of the recordings meanwhile; the figures are there at the end."""
    written = Written()
    lab.ssh(host, "rm -f /run/enough")
    script = WRITER.format(path=f"{RECORDINGS}/{name}")
    with ThreadPoolExecutor(1) as pool:
        told = pool.submit(lab.ssh, host, f"python3 - <<'END'\n{script}\nEND", 300)
        try:
            yield written
        finally:
            lab.ssh(host, "touch /run/enough")
        lines, longest = told.result().split()
    written.lines, written.longest_s = int(lines), float(longest)
