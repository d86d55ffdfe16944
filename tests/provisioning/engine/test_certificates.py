"""Certificates are issued when a run needs them, sent in files, and their keys seen nowhere."""

from datetime import timedelta

import pytest
from django.core.serializers import serialize
from django.utils import timezone

from inventory import pki
from inventory.certificates import upload_certificate
from inventory.models import Certificate, Cluster
from provisioning.engine.pace import Pace
from provisioning.engine.vault import UNKNOWN, secret_values
from provisioning.models import Attempt, Line, Run, Step
from provisioning.states import RunStatus
from tests.provisioning.engine.runs import driven, make_run, make_step, printed

KEY = "tls.key.{}"
CERTIFICATE = "tls.certificate.{}"
LEAK = 'cat "$STEP_DIR/files/key" "$STEP_DIR/files/certificate"'


@pytest.fixture
def machine(cluster: Cluster) -> str:
    """Return the name of a machine of the cluster."""
    container = cluster.containers.first()
    assert container is not None
    return container.name


def values(cluster: Cluster, *keys: str, is_dry: bool = False) -> dict[str, str]:
    return secret_values(cluster, keys, is_dry=is_dry)


def test_a_certificate_is_issued_once_and_for_the_machine(cluster: Cluster, machine: str) -> None:
    keys = (KEY.format(machine), CERTIFICATE.format(machine), "tls.authority")

    first = values(cluster, *keys)

    issued = pki.read_chain(first[keys[1]])[0]
    assert pki.is_issued_by(issued, pki.read_chain(first["tls.authority"])[0])
    assert machine in pki.names_of(issued)
    assert values(cluster, *keys) == first
    assert not cluster.secrets.exists()


def test_a_certificate_that_expires_soon_is_issued_anew(cluster: Cluster, machine: str) -> None:
    key = CERTIFICATE.format(machine)
    authority = values(cluster, "tls.authority")["tls.authority"]
    row = Certificate.objects.authority_of(cluster)
    assert row is not None
    old = pki.issue(pki.Pair(authority, row.key), [machine], timezone.now() - timedelta(days=380))
    Certificate.objects.create(
        cluster=cluster,
        kind="host",
        name=machine,
        certificate=old.certificate,
        key=old.key,
        expires_at=pki.expires_at(old.certificate),
    )

    assert values(cluster, key, is_dry=True)[key] == UNKNOWN
    new = values(cluster, key)[key]

    assert pki.expires_at(new) > timezone.now() + timedelta(days=390)
    assert Certificate.objects.hosts_of(cluster).get().certificate == new


def test_a_dry_run_issues_nothing(cluster: Cluster, machine: str) -> None:
    keys = (KEY.format(machine), "tls.authority")

    assert values(cluster, *keys, is_dry=True) == dict.fromkeys(keys, UNKNOWN)
    assert not Certificate.objects.exists()


def test_the_public_side_gets_what_was_uploaded(cluster: Cluster, machine: str) -> None:
    keys = (f"tls.public-certificate.{machine}", f"tls.public-key.{machine}")
    own = values(cluster, *keys)
    assert own[keys[0]] == own[CERTIFICATE.format(machine)]
    bought = pki.issue(pki.make_authority("Bought", timezone.now()), ["pbx"], timezone.now())

    upload_certificate(cluster=cluster, certificate=bought.certificate, key=bought.key, actor=None)

    found = values(cluster, *keys)
    assert [found[key] for key in keys] == [bought.certificate, bought.key]


def test_a_key_is_masked_and_a_certificate_is_shown(
    cluster: Cluster, machine: str, pace: Pace
) -> None:
    files = {
        "key": f"⟦secret:tls.key.{machine}⟧",
        "certificate": f"⟦secret:tls.certificate.{machine}⟧",
    }
    run = make_run(cluster, [make_step("one", apply=LEAK, files=files)])

    driven(run, pace)

    row = Certificate.objects.hosts_of(cluster).get()
    said = printed(run.steps.get())
    assert run.status == RunStatus.SUCCEEDED
    assert set(row.certificate.splitlines()) <= set(said)
    rows = [*Run.objects.all(), *Step.objects.all(), *Attempt.objects.all(), *Line.objects.all()]
    stored = serialize("json", rows)
    assert not [line for line in row.key.splitlines()[1:-1] if line in stored]


def test_a_machine_that_left_fails_the_step_with_words(cluster: Cluster, pace: Pace) -> None:
    files = {"key": "⟦secret:tls.key.gone⟧"}
    run = make_run(cluster, [make_step("one", apply="true", files=files)])

    driven(run, pace)

    assert run.status == RunStatus.FAILED
    assert "There is no tls.key.gone" in run.steps.get().message
