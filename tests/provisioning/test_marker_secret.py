"""Secrets planted everywhere are found nowhere after runs that succeed, fail, look only and crash.

A real run over a real sshd: a key with a passphrase and sudo with a password of its own on one
machine, a password behind a bastion on another, a cluster's secret in a file of a step.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from inventory.logins import save_bastion, save_credential
from inventory.models import Bastion, Cluster, Container, Credential, Secret
from provisioning.engine.masking import MASK
from provisioning.engine.pace import Pace
from provisioning.models import Line, Run
from provisioning.services import freeze
from provisioning.states import RunKind, RunStatus
from provisioning.steps import CompiledStep, Plan, Stage
from tests import sudoer
from tests.provisioning.engine.conftest import cluster, pace, sshd  # noqa: F401
from tests.provisioning.engine.runs import drive_elsewhere, environment, make_step
from tests.provisioning.markers import (
    Markers,
    search_api,
    search_pages,
    search_tables,
    watching_processes,
)
from tests.sshd import Sshd, keygen
from tests.sudoer import Sudoer

pytestmark = [
    pytest.mark.skipif(bool(sudoer.missing()), reason=sudoer.missing() or "all is there"),
    pytest.mark.django_db(transaction=True),
]
FILE = {"password": "⟦secret:pg.superuser⟧"}
SHOW = 'cat "$STEP_DIR/files/password"; cat "$STEP_DIR/files/password" >&2; sleep 1'
LOGINS = ("host-1", "host-2")


@pytest.fixture
def markers() -> Markers:
    """Make the secrets."""
    return Markers()


@pytest.fixture
def user(markers: Markers) -> Iterator[Sudoer]:
    """Have a user whose password sudo asks for."""
    with sudoer.living_here(markers.make("password")) as made:
        made.allow("{user} ALL=(ALL) ALL")
        yield made


@pytest.fixture
def planted(
    cluster: Cluster,  # noqa: F811
    sshd: Sshd,  # noqa: F811
    user: Sudoer,
    administrator: User,
    markers: Markers,
    tmp_path: Path,
) -> Cluster:
    """Give the cluster logins, a bastion and a secret that are all marked."""
    sshd.restart("AuthorizedKeysFile .ssh/authorized_keys", "PasswordAuthentication yes")
    passphrase = markers.make("passphrase")
    keygen(tmp_path / "marked", "ed25519", passphrase=passphrase)
    key = (tmp_path / "marked").read_text()
    markers.plant_key("private key", key)
    (user.home / ".ssh").mkdir()
    (user.home / ".ssh/authorized_keys").write_text((tmp_path / "marked.pub").read_text())
    base = {"username": user.name, "sudo": True}
    save_credential(
        Credential(
            name="own", user=administrator, cluster=cluster, secret=key,
            passphrase=passphrase, sudo_password=user.password, **base,
        ),
        actor=administrator,
    )  # fmt: skip
    shared = Credential(name="shared", kind="password", secret=user.password, **base)
    save_credential(shared, actor=administrator)
    gate = Bastion(name="gate", host="127.0.0.3", port=sshd.port, credential=shared)
    gate.host_key, gate.host_key_confirmed_at = sshd.host_key, timezone.now()
    save_bastion(gate, actor=administrator)
    Container.objects.filter(name="host-2").update(bastion=gate)
    Container.objects.update(credential=shared)
    Secret.objects.create(cluster=cluster, key="pg.superuser", value=markers.make("secret"))
    return cluster


def steps() -> list[CompiledStep]:
    """Return steps that print the secret, on the machine behind the bastion too."""
    shown = {"files": FILE, "probe": "exit 10", "preview": SHOW, "apply": SHOW}
    return [make_step("shows", host=host, **shown) for host in (1, 2)]


def carry_out(
    cluster: Cluster,  # noqa: F811
    administrator: User,
    pace: Pace,  # noqa: F811
    log: Path,
    made: list[CompiledStep],
    kind: RunKind = RunKind.APPLY,
) -> Run:
    """Drive a run of the administrator's in another process that logs all there is to log."""
    plan = Plan((Stage("one", "One", tuple(made)),), {})
    run = freeze(cluster=cluster, made=plan, actor=administrator, kind=kind)
    run.move(RunStatus.QUEUED, queued_at=timezone.now())
    with log.open("ab") as said:
        env = environment() | {"VOIPADMIN_LOG_LEVEL": "DEBUG"}
        drive_elsewhere(run, pace, stdout=said, stderr=said, env=env).wait(60)
    run.refresh_from_db()
    return run


def test_planted_secrets_show_nowhere(
    planted: Cluster,
    administrator: User,
    signed_in: Client,
    pace: Pace,  # noqa: F811
    markers: Markers,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    log = tmp_path / "log"
    # What a step finds on the machine may be any of them: all are masked.
    leaks = tmp_path / "leaks"
    leaks.write_text("\n".join(markers.values.values()))
    failing = make_step("fails", apply=f"cat {leaks}; cat {leaks} >&2; exit 1")
    # No such name reaches a machine: the engine itself trips over it, and says so with a traceback.
    crashing = make_step("crashes", files={"no name": FILE["password"]}, apply="true")

    with watching_processes(markers) as looks:
        good = carry_out(planted, administrator, pace, log, steps())
        dry = carry_out(planted, administrator, pace, log, steps(), RunKind.DRY)
        failed = carry_out(planted, administrator, pace, log, [failing])
        crashed = carry_out(planted, administrator, pace, log, [crashing])
    rows = search_tables(markers)
    exports = [reverse("provisioning:run-export", args=[run.pk]) for run in Run.objects.all()]
    logs = [reverse("provisioning:run-log", args=[run.pk]) for run in Run.objects.all()]
    pages = search_pages(signed_in, markers, ["/", "/admin/", *exports, *logs])
    answers = search_api(signed_in, markers)
    markers.search(log.read_bytes(), "log of the driver")
    markers.search(caplog.text.encode(), "log of the pages")

    assert [run.status for run in (good, dry, failed, crashed)] == [
        RunStatus.SUCCEEDED,
        RunStatus.SUCCEEDED,
        RunStatus.FAILED,
        RunStatus.FAILED,
    ]
    assert _logins(good) == {"host-1": "own", "host-2": "own"}
    assert Line.objects.filter(text=2 * MASK, attempt__step__run=good).count() == 2
    assert "Traceback" in log.read_text()
    assert (looks[0] > 5, rows > 100, len(pages) > 60, len(answers) > 50) == (True,) * 4
    assert markers.hits == set()


def _logins(run: Run) -> dict[str, str]:
    """Return which login each container was reached with."""
    return dict(run.steps.values_list("container_name", "attempts__login"))
