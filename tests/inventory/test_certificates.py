"""Certificates through page and API: administrators upload, and no key ever comes back."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from inventory import pki
from inventory.certificates import make_authority, renew_certificates, upload_certificate
from inventory.models import Certificate, Change, Cluster
from inventory.operations import ChangeCluster, perform
from tests.factories import make_database_cluster, make_grant, make_user

pytestmark = pytest.mark.django_db
NOW = timezone.now()
BOUGHT = pki.make_authority("A certificate shop", NOW)
SITE = pki.issue(BOUGHT, ["pbx.example.com"], NOW)
UPLOAD = {"certificate": SITE.certificate + BOUGHT.certificate, "key": SITE.key}
API = "/api/v1/clusters/berlin/public-certificate/"


@pytest.fixture
def berlin(db: None) -> Cluster:
    """Make a cluster that users call pbx.example.com."""
    cluster = make_database_cluster("berlin")
    change = ChangeCluster({"parameters": {"public_hostname": "pbx.example.com"}})
    perform(change, cluster=cluster, actor=None)
    return cluster


@pytest.fixture
def people(berlin: Cluster) -> dict[str, Client]:
    """Sign in somebody of each level."""
    clients = {}
    for level in ("viewer", "operator", "administrator"):
        clients[level] = Client()
        clients[level].force_login(make_grant(make_user(level), level, berlin))
    return clients


def upload(client: Client, **fields: str) -> Any:
    return client.post(reverse("inventory:certificate-upload", args=["berlin"]), UPLOAD | fields)


def test_an_administrator_uploads_and_removes_a_certificate(
    people: dict[str, Client], berlin: Cluster
) -> None:
    assert upload(people["administrator"]).status_code == 302

    row = Certificate.objects.public_of(berlin)
    assert row is not None
    assert (row.names, row.key) == (["pbx.example.com"], SITE.key)
    assert row.expires_at - NOW > timedelta(days=390)
    change = Change.objects.get(operation="UploadCertificate")
    assert "PRIVATE KEY" not in str(change.after)
    people["administrator"].post(reverse("inventory:certificate-remove", args=["berlin"]))
    assert Certificate.objects.public_of(berlin) is None


@pytest.mark.parametrize("level", ["viewer", "operator"])
def test_who_does_not_administer_uploads_nothing(people: dict[str, Client], level: str) -> None:
    assert upload(people[level]).status_code == 403
    assert not Certificate.objects.exists()


def test_faults_stand_beside_their_fields_and_the_key_is_not_shown_again(
    people: dict[str, Client],
) -> None:
    other = pki.issue(BOUGHT, ["voice.example.com"], NOW)

    page = upload(people["administrator"], certificate=other.certificate)

    assert page.status_code == 400
    text = page.content.decode()
    assert "It is for voice.example.com and not for pbx.example.com." in text
    assert "This key does not belong to the first certificate." in text
    assert SITE.key.splitlines()[1] not in text


def test_a_viewer_sees_certificates_and_takes_the_authoritys(
    people: dict[str, Client], berlin: Cluster
) -> None:
    address = reverse("inventory:authority-file", args=["berlin"])
    assert people["viewer"].get(address).status_code == 404
    renew_certificates(berlin, ["pg-node-01", "nobody"])

    page = people["viewer"].get(reverse("inventory:certificate-list", args=["berlin"]))

    assert "pg-node-01" in page.content.decode()
    assert "Check and store" not in page.content.decode()
    authority = Certificate.objects.authority_of(berlin)
    assert authority is not None
    assert people["viewer"].get(address).content.decode() == authority.certificate


def test_the_api_takes_a_certificate_and_gives_no_key(berlin: Cluster, administrator: Any) -> None:
    api = APIClient()
    api.force_authenticate(administrator)
    make_authority(berlin)

    answer = api.put(API, UPLOAD, format="json")

    assert (answer.status_code, answer.json()["names"]) == (200, ["pbx.example.com"])
    listed = api.get("/api/v1/clusters/berlin/certificates/")
    assert [row["kind"] for row in listed.json()] == ["authority", "public"]
    assert "PRIVATE KEY" not in listed.content.decode() + answer.content.decode()
    assert api.delete(API).status_code == 204
    assert api.delete(API).status_code == 404


def test_the_api_tells_every_fault_by_field(berlin: Cluster, administrator: Any) -> None:
    api = APIClient()
    api.force_authenticate(administrator)

    answer = api.put(API, {"certificate": "hello", "key": "world"}, format="json")

    assert answer.status_code == 400
    assert set(answer.json()["errors"]) == {"certificate", "key"}


def test_an_operator_uploads_nothing_through_the_api(
    berlin: Cluster, people: dict[str, Client]
) -> None:
    assert people["operator"].put(API, UPLOAD, "application/json").status_code == 403


def test_a_machine_that_gets_another_name_gets_another_certificate(berlin: Cluster) -> None:
    assert renew_certificates(berlin, ["pg-node-01"]) == ["pg-node-01"]
    assert renew_certificates(berlin, ["pg-node-01"]) == []

    berlin.nodes.filter(name="pg-node-01").update(name="pg-node-09")

    assert renew_certificates(berlin, ["pg-node-01"]) == ["pg-node-01"]
    assert "pg-node-09" in Certificate.objects.hosts_of(berlin).get().names


def test_the_database_holds_no_plain_key(berlin: Cluster) -> None:
    from django.db import connection

    upload_certificate(cluster=berlin, actor=None, **UPLOAD)

    with connection.cursor() as cursor:
        cursor.execute("SELECT key FROM inventory_certificate")
        assert "PRIVATE" not in cursor.fetchone()[0]
