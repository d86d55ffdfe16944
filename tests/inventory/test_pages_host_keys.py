"""The host key page: fetched, compared, trusted; a changed one is refused loudly."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core import signing
from django.test import Client
from django.urls import reverse

from inventory.forms.host_keys import SALT, sign
from inventory.models import Container
from inventory.ssh import HostKey
from tests import sshd
from tests.factories import make_cluster, make_container
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


def page_of(container: Container) -> str:
    """Return the address of the container's host key page."""
    return reverse("inventory:container-host-key", args=[container.pk])


def test_a_fetched_key_is_shown_and_trusted_only_when_confirmed(
    signed_in: Client, container: Container, server: Sshd
) -> None:
    response = signed_in.post(page_of(container), {"action": "fetch"})
    container.refresh_from_db()

    assert HostKey.parse(server.host_key).fingerprint in response.content.decode()
    assert container.host_key == ""

    presented = response.context["form"]["presented"].value()
    signed_in.post(
        page_of(container), {"action": "confirm", "presented": presented, "confirm": "on"}
    )

    container.refresh_from_db()
    assert HostKey.parse(container.host_key) == HostKey.parse(server.host_key)
    assert container.host_key_confirmed_at is not None


def test_nobody_trusts_a_key_without_ticking_that_it_was_compared(
    signed_in: Client, container: Container, server: Sshd
) -> None:
    response = signed_in.post(
        page_of(container),
        {"action": "confirm", "presented": sign(container.pk, server.host_key)},
    )

    container.refresh_from_db()
    assert "Compare the fingerprint first" in response.content.decode()
    assert container.host_key == ""


def test_a_changed_key_is_refused_loudly_and_needs_the_name(
    signed_in: Client, container: Container, server: Sshd
) -> None:
    container.host_key = server.host_key
    trusted = container.host_key
    signed_in.post(
        page_of(container),
        {"action": "confirm", "presented": sign(container.pk, trusted), "confirm": "on"},
    )
    server.stop()
    server.make_host_key()
    server.start()

    response = signed_in.post(page_of(container), {"action": "fetch"})
    fresh = response.context["form"]["presented"].value()
    unnamed = signed_in.post(
        page_of(container), {"action": "confirm", "presented": fresh, "confirm": "on"}
    )

    assert response.status_code == 409
    assert "This is not the machine that was trusted" in response.content.decode()
    assert unnamed.status_code == 400
    container.refresh_from_db()
    assert HostKey.parse(container.host_key) == HostKey.parse(trusted)

    signed_in.post(
        page_of(container),
        {"action": "confirm", "presented": fresh, "confirm": "on", "name": "pg-node-01"},
    )

    container.refresh_from_db()
    assert HostKey.parse(container.host_key) == HostKey.parse(server.host_key)


def test_a_key_that_this_page_did_not_show_is_not_trusted(
    signed_in: Client, container: Container
) -> None:
    for forged in ("ssh-ed25519 AAAA", signing.dumps([container.pk + 1, "x y"], salt=SALT)):
        response = signed_in.post(
            page_of(container), {"action": "confirm", "presented": forged, "confirm": "on"}
        )
        assert "fetch it again" in response.content.decode()

    container.refresh_from_db()
    assert container.host_key == ""


def test_a_machine_that_does_not_answer_is_said_so(
    signed_in: Client, container: Container, server: Sshd
) -> None:
    server.stop()

    response = signed_in.post(page_of(container), {"action": "fetch"})

    assert response.status_code == 502
    assert "alert-danger" in response.content.decode()
