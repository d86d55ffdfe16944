"""Host keys over the REST API: asked for, compared, pinned; another key is never pinned unseen."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from rest_framework.test import APIClient

from inventory.host_keys import pin_host_key
from inventory.models import Change, Container
from inventory.ssh import HostKey
from tests import sshd
from tests.factories import make_cluster, make_container, make_user
from tests.sshd import Sshd

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(bool(sshd.missing()), reason=sshd.missing() or "sshd is there"),
]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Sshd]:
    """Serve SSH on loopback."""
    with sshd.serving(tmp_path) as running:
        yield running


@pytest.fixture
def container(server: Sshd) -> Container:
    """Describe the machine that the server stands for."""
    cluster = make_cluster("alpha", private="127.0.0.0/8")
    return make_container(cluster, "pg-node-01", private="127.0.0.1", ssh_port=server.port)


@pytest.fixture
def api() -> APIClient:
    """Return a client that may do everything."""
    client = APIClient()
    client.force_authenticate(make_user(superuser=True))
    return client


def path_of(container: Container) -> str:
    """Return the address of the container's host key."""
    return f"/api/v1/containers/{container.pk}/host-key/"


def test_a_key_is_pinned_when_its_fingerprint_is_confirmed(
    api: APIClient, container: Container, server: Sshd
) -> None:
    fingerprint = HostKey.parse(server.host_key).fingerprint

    asked = api.get(path_of(container))
    container.refresh_from_db()
    before = container.host_key
    pinned = api.post(path_of(container), {"fingerprint": fingerprint}, format="json")

    assert asked.json()["fingerprint"] == fingerprint
    assert not asked.json()["is_pinned"]
    assert before == ""
    assert pinned.status_code == 200
    assert pinned.json()["is_pinned"]
    shown = api.get(f"/api/v1/containers/{container.pk}/").json()
    assert shown["host_key_fingerprint"] == fingerprint
    assert Change.objects.filter(operation="PinHostKey").count() == 1


def test_a_key_with_another_fingerprint_is_not_pinned(api: APIClient, container: Container) -> None:
    answer = api.post(path_of(container), {"fingerprint": "SHA256:abc"}, format="json")

    container.refresh_from_db()
    assert answer.status_code == 409
    assert "not SHA256:abc" in answer.json()["detail"]
    assert container.host_key == ""


def test_a_host_key_is_forgotten(api: APIClient, container: Container, server: Sshd) -> None:
    fingerprint = HostKey.parse(server.host_key).fingerprint
    api.post(path_of(container), {"fingerprint": fingerprint}, format="json")

    unreasoned = api.delete(path_of(container))
    answer = api.delete(path_of(container), headers={"X-Change-Reason": "scrapped"})

    container.refresh_from_db()
    assert (unreasoned.status_code, answer.status_code) == (400, 204)
    assert (container.host_key, container.host_key_confirmed_at) == ("", None)


def test_a_silent_host_is_a_problem_of_its_own(
    api: APIClient, container: Container, server: Sshd
) -> None:
    server.stop()

    answer = api.get(path_of(container))

    assert answer.status_code == 502
    assert "pg-node-01" in answer.json()["detail"] or "127.0.0.1" in answer.json()["detail"]


def test_another_key_is_pinned_with_a_reason_by_who_may(
    api: APIClient, container: Container, server: Sshd
) -> None:
    pin_host_key(row=container, host_key="ssh-ed25519 AAAAC3Nz", actor=None)
    clerk = APIClient()
    may = ("inventory.view_container", "inventory.change_container")
    clerk.force_authenticate(make_user(permissions=may))
    body = {"fingerprint": HostKey.parse(server.host_key).fingerprint}

    forbidden = clerk.post(path_of(container), body | {"reason": "because"}, format="json")
    unreasoned = api.post(path_of(container), body, format="json")
    pinned = api.post(path_of(container), body | {"reason": "reinstalled"}, format="json")

    assert forbidden.status_code == 403
    assert unreasoned.status_code == 400
    assert "reason" in unreasoned.json()["errors"]
    assert pinned.status_code == 200
    change = Change.objects.filter(operation="PinHostKey").first()
    assert change is not None
    assert change.reason == "reinstalled"
    assert change.before == {
        "host_key": "ssh-ed25519 AAAAC3Nz",
        "fingerprint": HostKey.parse("ssh-ed25519 AAAAC3Nz").fingerprint,
    }
