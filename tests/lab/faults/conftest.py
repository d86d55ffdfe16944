"""Three hosts that all fault tests share, and one more without systemd."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.utils import timezone

from inventory.models import Cluster, Container
from tests.factories import make_cluster, make_container, make_credential, make_node
from tests.lab.hosts import Lab
from tests.lab.machine import missing


@pytest.fixture(scope="package")
def lab() -> Iterator[Lab]:
    """Bring up three bare hosts."""
    if why := missing():
        pytest.skip(why)
    with Lab("vf", "10.219.0", "10.220.0", layers=()) as lab:
        lab.up(3)
        yield lab


@pytest.fixture(scope="package")
def plain_lab() -> Iterator[Lab]:
    """Bring up a host whose first process is no systemd."""
    if why := missing():
        pytest.skip(why)
    with Lab("vg", "10.221.0", "10.222.0", layers=(), init="sshd") as lab:
        lab.up(1)
        yield lab


@pytest.fixture
def cluster(db: None, lab: Lab) -> Cluster:
    """Describe the three hosts, clean."""
    return describe(lab)


@pytest.fixture
def plain_cluster(db: None, plain_lab: Lab) -> Cluster:
    """Describe the host without systemd, clean."""
    return describe(plain_lab)


def describe(lab: Lab) -> Cluster:
    """Make a cluster of a lab's hosts: nodes pg-N on containers host-N."""
    cluster = make_cluster(lab.name, private=f"{lab.private}.0/24", public=None)
    login = make_credential(lab.key_path.read_text())
    for host in lab.hosts():
        lab.ssh(host, "rm -rf /root/applied /var/lib/voipadmin")
        container = make_container(
            cluster,
            f"host-{host.index}",
            private=host.private,
            networks=(f"{lab.name}-private", f"{lab.name}-public"),
        )
        Container.objects.filter(pk=container.pk).update(
            credential=login, host_key=lab.host_key(host), host_key_confirmed_at=timezone.now()
        )
        make_node(container, f"pg-{host.index}")
    return cluster
