"""Three containers, which are three addresses of one real SSH server on loopback."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import timezone

from inventory.models import Cluster, Container
from provisioning.engine.pace import Pace
from tests.factories import make_cluster, make_container, make_credential, make_node
from tests.provisioning.engine.runs import PACE
from tests.sshd import Sshd, missing, serving


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    """Run a server."""
    if why := missing():
        pytest.skip(why)
    with serving(tmp_path) as server:
        yield server


@pytest.fixture
def pace(tmp_path: Path) -> Iterator[Pace]:
    """Return a quick pace that works below the test's folder; ends what steps left running."""
    base = tmp_path / "target"
    yield Pace(**PACE, base=str(base))
    for pid in base.glob("steps/*/pid"):
        subprocess.run(
            ["/bin/sh", "-c", f"kill -s KILL -- -{pid.read_text().split()[0]}"],
            stderr=subprocess.DEVNULL,
            check=False,
        )
    shutil.rmtree(base, ignore_errors=True)


@pytest.fixture
def cluster(db: None, sshd: Sshd) -> Cluster:
    """Make a cluster with nodes pg-1..3 on containers host-1..3."""
    cluster = make_cluster("loop", private="127.0.0.0/8", public=None)
    login = make_credential(sshd.key)
    for number in (1, 2, 3):
        container = make_container(
            cluster,
            f"host-{number}",
            private=f"127.0.0.{number}",
            networks=("loop-private", "loop-public"),
        )
        Container.objects.filter(pk=container.pk).update(
            credential=login,
            ssh_port=sshd.port,
            host_key=sshd.host_key,
            host_key_confirmed_at=timezone.now(),
        )
        make_node(container, f"pg-{number}")
    return cluster
