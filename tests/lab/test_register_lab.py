"""A lab's hosts arrive in the free pool, ready to log in to; the second time they are updated."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from inventory.models import Container, Credential, Network

pytestmark = pytest.mark.django_db
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE9EMR5VbqLWDvuf1FVmMeeCbaDhFbPQqC0nTqJHpVjK"


@pytest.fixture
def lab(tmp_path: Path) -> dict[str, Any]:
    """A description as `python -m tests.lab inventory` prints it."""
    key = tmp_path / "key"
    key.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\n")
    host = {
        "name": "va-h01",
        "index": 1,
        "private": "10.203.0.11",
        "public": "10.204.0.11",
        "host_key": HOST_KEY,
        "fingerprint": "SHA256:x",
        "os_id": "debian",
        "os_version": "13",
        "arch": "x86_64",
        "vcpus": 2,
        "memory_mib": 4096,
        "disk": {"device": "rootfs", "size_gib": 20, "kind": "ssd"},
    }
    return {
        "lab": "va",
        "user": "root",
        "key_path": str(key),
        "private_cidr": "10.203.0.0/24",
        "public_cidr": "10.204.0.0/24",
        "hosts": [host],
    }


def register(lab: dict[str, Any], folder: Path) -> None:
    """Run the command on a description."""
    file = folder / "lab.json"
    file.write_text(json.dumps(lab))
    call_command("register_lab", "--json", str(file))


def test_hosts_are_in_the_pool_with_login_and_pinned_key(
    lab: dict[str, Any], tmp_path: Path
) -> None:
    register(lab, tmp_path)

    container = Container.objects.free().get()
    assert container.name == "va-h01"
    assert container.host_key == HOST_KEY
    assert container.credential == Credential.objects.get(name="lab-va")
    assert {str(address.ip) for address in container.addresses.all()} == {
        "10.203.0.11",
        "10.204.0.11",
    }


def test_a_lab_brought_up_anew_brings_its_new_keys(lab: dict[str, Any], tmp_path: Path) -> None:
    register(lab, tmp_path)
    Path(lab["key_path"]).write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nanother\n")
    new_key = HOST_KEY.replace("JHpVjK", "JHpVjL")
    lab["hosts"][0]["host_key"] = new_key

    register(lab, tmp_path)

    assert Container.objects.get().host_key == new_key
    assert "another" in Credential.objects.get().secret
    assert Network.objects.count() == 2


def test_a_host_outside_its_network_is_refused_and_nothing_is_kept(
    lab: dict[str, Any], tmp_path: Path
) -> None:
    lab["hosts"][0]["private"] = "192.0.2.1"

    with pytest.raises(CommandError, match=r"192\.0\.2\.1"):
        register(lab, tmp_path)

    assert not Container.objects.exists()
    assert not Network.objects.exists()


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file"):
        call_command("register_lab", "--json", str(tmp_path / "none.json"))
