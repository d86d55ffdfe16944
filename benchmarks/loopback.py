"""Many hosts that are the addresses of one real SSH server on loopback; needs root."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.utils import timezone

from inventory.changes import AttachNetwork
from inventory.models import Address, Cluster, Container, Credential, Network, Platform
from inventory.operations import perform
from inventory.services import create_cluster, save_network
from inventory.snapshot import network_view
from tests.sshd import AS_ROOT, Sshd, missing, serving

# One server can listen on sixteen addresses at most: it listens on all, for keys from here alone.
CONFIG = f"""\
ListenAddress 0.0.0.0:{{port}}
{AS_ROOT}\
MaxStartups 2000
MaxSessions 100
Subsystem sftp internal-sftp
"""
# An empty home: what somebody's .bashrc does at each login shall not be measured.
IN_EMPTY_HOME = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs tmpfs ~ && exec "$@"', "sh")


def host(number: int) -> str:
    """Return the address of a host."""
    return f"127.9.{number // 250}.{number % 250 + 1}"


@contextmanager
def hosts(folder: Path) -> Iterator[Sshd]:
    """Run the server for a while."""
    if why := missing():
        raise SystemExit(f"This benchmark {why}.")
    folder.mkdir()
    with serving(folder, config=CONFIG, prefix=IN_EMPTY_HOME) as server:
        keys = folder / "authorized_keys"
        keys.write_text(f'from="127.0.0.0/8" {keys.read_text()}')
        yield server


def known_hosts(server: Sshd, count: int) -> Path:
    """Write the hosts' keys as OpenSSH reads them."""
    path = server.folder / "known_hosts"
    path.write_text("".join(f"[{host(n)}]:{server.port} {server.host_key}\n" for n in range(count)))
    return path


def make_cluster(server: Sshd, slug: str, count: int) -> Cluster:
    """Write a cluster of so many containers named host-0, host-1 and so on."""
    platform = Platform.objects.get(key="ring2all")
    release = platform.releases.filter(retired_at=None).latest("pk")
    cluster = create_cluster(actor=None, slug=slug, name=slug, platform=platform, release=release)
    network = save_network(
        Network(name=f"{slug}-private", kind="private", cidr="127.0.0.0/8"), actor=None
    )
    network.refresh_from_db()
    perform(AttachNetwork(network_view(network)), cluster=cluster, actor=None)
    login = Credential.objects.create(name=slug, secret=server.key)
    rows = Container.objects.bulk_create(
        Container(
            cluster=cluster,
            name=f"host-{number}",
            os_id="debian",
            os_version="13",
            vcpus=4,
            memory_mib=8192,
            credential=login,
            ssh_port=server.port,
            host_key=server.host_key,
            host_key_confirmed_at=timezone.now(),
        )
        for number in range(count)
    )
    Address.objects.bulk_create(
        Address(container=row, network=network, ip=host(number)) for number, row in enumerate(rows)
    )
    return cluster
