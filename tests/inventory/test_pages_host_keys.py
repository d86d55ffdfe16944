"""The host key page: fetched, compared, trusted; a changed one is refused loudly."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core import signing
from django.test import Client
from django.urls import reverse

from inventory.forms.host_keys import SALT, sign
from inventory.host_keys import pin_host_key
from inventory.models import Change, Container
from inventory.rules import findings
from inventory.snapshot import load_topology
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
        {"action": "confirm", "presented": sign(f"container:{container.pk}", server.host_key)},
    )

    container.refresh_from_db()
    assert "Compare the fingerprint first" in response.content.decode()
    assert container.host_key == ""


def test_a_changed_key_is_refused_loudly_and_needs_name_and_reason(
    signed_in: Client, container: Container, server: Sshd
) -> None:
    container.host_key = server.host_key
    trusted = container.host_key
    signed_in.post(
        page_of(container),
        {
            "action": "confirm",
            "presented": sign(f"container:{container.pk}", trusted),
            "confirm": "on",
        },
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

    confirmed = {"action": "confirm", "presented": fresh, "confirm": "on", "name": "pg-node-01"}
    unreasoned = signed_in.post(page_of(container), confirmed)
    assert unreasoned.status_code == 400

    signed_in.post(page_of(container), confirmed | {"reason": "reinstalled, ticket 4711"})

    container.refresh_from_db()
    assert HostKey.parse(container.host_key) == HostKey.parse(server.host_key)
    change = Change.objects.filter(operation="PinHostKey").first()
    assert change is not None
    assert change.before
    assert change.before["fingerprint"] == HostKey.parse(trusted).fingerprint
    assert change.after
    assert change.after["host_key"] == server.host_key
    assert change.reason == "reinstalled, ticket 4711"


def test_a_changed_key_is_found_on_all_pages_until_it_is_trusted(
    signed_in: Client, container: Container, server: Sshd
) -> None:
    pin_host_key(row=container, host_key=server.host_key, actor=None)
    server.stop()
    server.make_host_key()
    server.start()
    fingerprint = HostKey.parse(server.host_key).fingerprint

    signed_in.post(page_of(container), {"action": "fetch"})

    cluster = container.cluster
    assert cluster
    found = {f.key for f in findings(load_topology(cluster)) if f.refuses_run}
    assert "changed-host-key" in found
    shown = signed_in.get(container.get_absolute_url()).content.decode()
    assert "Host key changed" in shown
    assert fingerprint in shown
    pin_host_key(row=container, host_key=server.host_key, actor=None, reason="reinstalled")
    assert not [f for f in findings(load_topology(cluster)) if f.key == "changed-host-key"]


def test_who_may_only_confirm_does_not_put_a_key_in_place_of_another(
    client: Client, container: Container, server: Sshd
) -> None:
    pin_host_key(row=container, host_key="ssh-ed25519 AAAAC3Nz", actor=None)
    client.force_login(
        make_user(permissions=("inventory.change_container", "inventory.view_container"))
    )

    fetched = client.post(page_of(container), {"action": "fetch"})
    forced = client.post(
        page_of(container),
        {
            "action": "confirm",
            "presented": sign(f"container:{container.pk}", server.host_key),
            "confirm": "on",
            "name": container.name,
            "reason": "because",
        },
    )

    assert fetched.status_code == 409
    assert fetched.context["form"] is None
    assert "which you do not have" in fetched.content.decode()
    assert forced.status_code == 403
    container.refresh_from_db()
    assert container.host_key == "ssh-ed25519 AAAAC3Nz"


def test_a_key_that_this_page_did_not_show_is_not_trusted(
    signed_in: Client, container: Container
) -> None:
    for forged in (
        "ssh-ed25519 AAAA",
        signing.dumps([f"container:{container.pk + 1}", "x y"], salt=SALT),
    ):
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
