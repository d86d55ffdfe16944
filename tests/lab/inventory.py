"""Describes a lab's hosts for a portal, and puts them into the one that runs here."""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.lab.hosts import Host, Lab
from tests.lab.machine import LabError

PROJECT = Path(__file__).parents[2]
# Declared, not measured: hosts share one computer, and with its size no rule about hardware would
# let a node be placed. It is what Ring2All asks of a database server.
DECLARED: dict[str, Any] = {
    "vcpus": 4,
    "memory_mib": 16384,
    "disk": {"device": "rootfs", "size_gib": 500, "kind": "ssd"},
}


def describe(lab: Lab) -> dict[str, Any]:
    """What a portal needs to know to take the hosts in."""
    return {
        "lab": lab.name,
        "user": "root",
        "key_path": str(lab.key_path),
        "private_cidr": f"{lab.private}.0/24",
        "public_cidr": f"{lab.public}.0/24",
        "hosts": [describe_host(lab, host) for host in lab.hosts()],
    }


def describe_host(lab: Lab, host: Host) -> dict[str, Any]:
    """One host, of the declared size."""
    return asdict(host) | {
        "host_key": lab.host_key(host),
        "fingerprint": lab.host_fingerprint(host),
        "os_id": "debian",
        "os_version": "13",
        "arch": lab.ssh(host, "uname -m").strip(),
        **DECLARED,
    }


def try_portal(lab: Lab, count: int) -> str:
    """Bring hosts up, put them into the portal's free pool; returns what to do next."""
    lab.up(count)
    described = describe(lab)
    file = lab.folder / "inventory.json"
    file.write_text(json.dumps(described, indent=2) + "\n")
    listing = "\n".join(
        f"  {host['name']}  {host['private']}  {host['public']}  {host['fingerprint']}"
        for host in described["hosts"]
    )
    _register(file)
    bind = os.environ.get("VOIPADMIN_BIND", "127.0.0.1")
    port = os.environ.get("VOIPADMIN_PORT", "8000")
    return (
        f"{listing}\nThey are in the free pool: http://{bind}:{port}/containers/\n"
        f"Log in to one: ssh -i {lab.key_path} root@{lab.private}.11\n"
        "Take all of it down: make lab-down"
    )


def _register(file: Path) -> None:
    """Tell the portal about the hosts; LabError when it does not run."""
    command = [sys.executable, "manage.py", "register_lab", "--json", str(file)]
    done = subprocess.run(
        command, cwd=PROJECT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line[:1].strip()]
        end = said[-1] if said else "it said nothing"
        raise LabError(
            f"The hosts are up (described in {file}), but the portal did not take them in: {end}\n"
            "Start it with `make up` in another terminal, then run `make lab` again."
        )
