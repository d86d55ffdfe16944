"""A whole Ring2All platform described to a portal: networks, login, machines, nodes."""

from typing import Any

from tests.lab.api import API
from tests.lab.cache import standins
from tests.lab.hosts import Host, Lab

CLUSTER = "lab"
NODES = {
    "pg-node-01": "database",
    "pg-node-02": "database",
    "pg-node-03": "database",
    "fs-node-01": "file-server",
    "fs-node-02": "file-server",
    "fs-node-03": "file-server",
    "admin-node-01": "admin",
    "api-node-01": "api",
    "api-node-02": "api",
    "portal-node-01": "portal",
    "switch-node-01": "switchboard",
    "tele-node-01": "telephony",
    "tele-node-02": "telephony",
    "lb-node-01": "load-balancer",
    "lb-node-02": "load-balancer",
}


def standin_parameters() -> dict[str, Any]:
    """Return where packages come from: one key is an address, the other is the key itself."""
    return {
        "ring2all_repository_url": "file:///srv/standins/ring2all",
        "ring2all_repository_key": "file:///srv/standins/ring2all/key.asc",
        "nodejs_repository_url": "file:///srv/standins/nodejs",
        "nodejs_repository_key": (standins() / "nodejs/key.asc").read_text(),
    }


def describe(api: API, lab: Lab, hosts: dict[str, Host], parameters: dict[str, Any]) -> None:
    """Describe the cluster with a machine and a node for each of these hosts."""
    for kind, prefix in (("private", lab.private), ("public", lab.public)):
        api.post("networks/", name=f"lab-{kind}", kind=kind, cidr=f"{prefix}.0/24")
    key = lab.key_path.read_text()
    api.post("credentials/", name="lab", kind="key", username="root", secret=key)
    api.post(
        "clusters/",
        slug=CLUSTER,
        name="Lab",
        platform="ring2all",
        release="stable",
        networks=["lab-private", "lab-public"],
        credential="lab",
        parameters=standin_parameters() | parameters,
    )
    for name, host in hosts.items():
        describe_machine(api, lab, name, host)
        add_node(api, name, NODES[name])


def describe_machine(api: API, lab: Lab, name: str, host: Host) -> None:
    """Describe a machine of the size that the vendor wants, and trust its host key."""
    machine = api.post(
        "containers/",
        cluster=CLUSTER,
        name=name,
        os_id="debian",
        os_version="13",
        arch="x86_64",
        vcpus=4,
        memory_mib=16384,
        disks=[{"device": "/dev/sda", "size_gib": 1000, "kind": "ssd"}],
        addresses=[
            {"network": "lab-private", "ip": host.private},
            {"network": "lab-public", "ip": host.public},
        ],
    )
    api.post(f"containers/{machine['id']}/host-key/", fingerprint=lab.host_fingerprint(host))


def add_node(api: API, name: str, role: str) -> None:
    """Put a node with a role on the machine of its name."""
    api.post("nodes/", cluster=CLUSTER, name=name, container=name, roles=[{"role": role}])
