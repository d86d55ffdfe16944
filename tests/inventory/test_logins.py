"""Whose login a run uses, through which bastions; what of it is written, and what nobody sees."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from inventory.logins import save_bastion, save_credential
from inventory.models import Bastion, Change, Cluster, Container, Credential
from inventory.ssh import AuthenticationFailed, HostKeyUnknown, credentials_of, target_for
from tests.factories import make_cluster, make_container, make_credential, make_user
from tests.sshd import keygen

pytestmark = pytest.mark.django_db
PINNED: dict[str, Any] = {
    "host_key": "ssh-ed25519 AAAAC3Nz",
    "host_key_confirmed_at": timezone.now(),
}


@pytest.fixture
def cluster() -> Cluster:
    """Make a cluster."""
    return make_cluster("alpha")


@pytest.fixture
def container(cluster: Cluster) -> Container:
    """Make a machine whose host key is pinned."""
    row = make_container(cluster, "pg-1", private="10.203.0.31")
    Container.objects.filter(pk=row.pk).update(**PINNED)
    return fresh(row)


def fresh(container: Container) -> Container:
    """Read a machine anew, with what a login needs."""
    found: Container = Container.objects.with_login().get(pk=container.pk)
    return found


def make_bastion(name: str, **fields: Any) -> Bastion:
    """Make a bastion whose host key is pinned."""
    fields.setdefault("credential", make_credential(f"{name}-secret", kind="password"))
    row = Bastion(name=name, host="198.51.100.7", **PINNED, **fields)
    return save_bastion(row, actor=None)


def new_key(folder: Path, passphrase: str = "") -> str:
    """Make a private key."""
    keygen(folder / "key", "ed25519", passphrase=passphrase)
    return (folder / "key").read_text()


def test_the_requesters_login_comes_first_then_the_containers_then_the_clusters(
    cluster: Cluster, container: Container
) -> None:
    she, he = make_user("she"), make_user("he")
    Cluster.objects.filter(pk=cluster.pk).update(credential=make_credential("c", name="cluster"))
    assert target_for(fresh(container), user=she).login == "cluster"

    Container.objects.filter(pk=container.pk).update(credential=make_credential("m", name="own"))
    assert target_for(fresh(container), user=she).login == "own"

    make_credential("a", name="her-any", user=she)
    make_credential("b", name="her-other", user=she, cluster=make_cluster("beta"))
    assert target_for(fresh(container), user=she).login == "her-any"
    make_credential("d", name="her-alpha", user=she, cluster=cluster)
    assert target_for(fresh(container), user=she).login == "her-alpha"

    assert target_for(fresh(container), user=he).login == "own"
    assert target_for(fresh(container)).login == "own"


def test_what_is_masked_are_all_logins_that_may_be_used(
    cluster: Cluster, container: Container
) -> None:
    she = make_user("she")
    make_credential("hers", user=she)
    make_credential("not-hers", user=make_user("he"))
    gate = make_bastion("gate", via=make_bastion("outer"))
    Cluster.objects.filter(pk=cluster.pk).update(credential=make_credential("of-all"), bastion=gate)

    found = {login.secret for login in credentials_of([fresh(container)], user=she)}

    assert found == {"hers", "of-all", "gate-secret", "outer-secret"}


def test_another_users_login_is_for_no_machine(container: Container) -> None:
    hers = make_credential("hers", user=make_user("she"))
    Container.objects.filter(pk=container.pk).update(credential=hers)

    with pytest.raises(AuthenticationFailed, match="is a user's own: choose a shared one"):
        target_for(fresh(container))


def test_the_clusters_bastion_leads_to_all_machines_but_those_that_say_otherwise(
    cluster: Cluster, container: Container
) -> None:
    Container.objects.filter(pk=container.pk).update(credential=make_credential("x"))
    gate = make_bastion("gate", via=make_bastion("outer"))
    Cluster.objects.filter(pk=cluster.pk).update(bastion=gate)

    target = target_for(fresh(container))
    assert target.bastion
    assert target.bastion.name == "bastion gate"
    assert target.bastion.bastion
    assert target.bastion.bastion.name == "bastion outer"

    Container.objects.filter(pk=container.pk).update(bastion=make_bastion("other"))
    other = target_for(fresh(container)).bastion
    assert other
    assert (other.name, other.bastion) == ("bastion other", None)

    Container.objects.filter(pk=container.pk).update(bastion=None, skips_bastion=True)
    assert target_for(fresh(container)).bastion is None


def test_a_bastion_whose_key_nobody_confirmed_leads_nowhere(
    cluster: Cluster, container: Container
) -> None:
    Container.objects.filter(pk=container.pk).update(credential=make_credential("x"))
    gate = make_bastion("gate")
    Bastion.objects.update(host_key="", host_key_confirmed_at=None)
    Cluster.objects.filter(pk=cluster.pk).update(bastion=gate)

    with pytest.raises(HostKeyUnknown, match="host key of bastion gate is not confirmed"):
        target_for(fresh(container))


def test_bastions_stand_three_in_a_row_and_never_in_a_circle() -> None:
    one = make_bastion("one")
    two = make_bastion("two", via=one)
    three = make_bastion("three", via=two)

    with pytest.raises(ValidationError, match="At most 3 bastions stand in a row"):
        make_bastion("four", via=three)
    one.via = three
    with pytest.raises(ValidationError, match="lead in a circle"):
        save_bastion(one, actor=None)
    zero = make_bastion("zero")
    one.via = zero
    with pytest.raises(ValidationError, match="At most 3 bastions stand in a row"):
        save_bastion(one, actor=None)


def test_a_stored_key_shows_its_fingerprint_and_its_passphrase_opens_it(tmp_path: Path) -> None:
    key = new_key(tmp_path, "sesame")
    wrong = Credential(name="wrong", secret=key, passphrase="open")

    stored = save_credential(
        Credential(name="right", secret=key, passphrase="sesame", sudo_password="root-word"),
        actor=None,
    )

    assert stored.fingerprint.startswith("ED25519 SHA256:")
    with pytest.raises(ValidationError, match="is not opened by this passphrase"):
        save_credential(wrong, actor=None)
    logged = str([change.after for change in Change.objects.all()])
    assert stored.fingerprint in logged
    for secret in ("sesame", "root-word", *key.splitlines()[1:-1]):
        assert secret not in logged
    container = make_container(make_cluster("gamma"), "pg-1")
    Container.objects.filter(pk=container.pk).update(credential=stored, **PINNED)
    target = repr(target_for(fresh(container)))
    assert "sesame" not in target
    assert "root-word" not in target


def test_own_logins_are_made_seen_and_removed_by_their_user_alone(
    client: Client, tmp_path: Path
) -> None:
    she = make_user("she")
    client.force_login(she)
    form = {
        "name": "hers",
        "username": "she",
        "kind": "key",
        "private_key": new_key(tmp_path, "sesame"),
        "passphrase": "sesame",
        "password": "",
        "sudo": "on",
        "sudo_password": "root-word",
    }

    made = client.post(reverse("inventory:login-create") + "?own=1", form)

    row = Credential.objects.get()
    assert made.status_code == 302
    assert (row.user, row.sudo_password) == (she, "root-word")
    edit = reverse("inventory:login-edit", args=[row.pk])
    page = client.get(edit).content.decode()
    assert row.fingerprint in page
    assert "root-word" not in page
    kept = form | {"private_key": "", "passphrase": "", "sudo_password": "", "name": "still-hers"}
    assert client.post(edit, kept).status_code == 302
    row.refresh_from_db()
    assert (row.name, row.passphrase, row.sudo_password) == ("still-hers", "sesame", "root-word")

    second = client.post(reverse("inventory:login-create") + "?own=1", form)
    assert "There is an own login for any cluster already" in second.content.decode()

    boss = make_user("boss", superuser=True)
    client.force_login(boss)
    assert "still-hers" not in client.get(reverse("inventory:login-list")).content.decode()
    assert client.get(edit).status_code == 404
    remove = reverse("inventory:login-remove", args=[row.pk])
    assert client.post(remove).status_code == 404
    api = APIClient()
    api.force_authenticate(boss)
    assert api.get("/api/v1/credentials/").json()["results"] == []
    assert api.get(f"/api/v1/credentials/{row.pk}/").status_code == 404
    assert client.get(f"/admin/inventory/credential/{row.pk}/change/").status_code == 302

    client.force_login(she)
    assert client.post(remove).status_code == 302
    assert not Credential.objects.exists()


def test_shared_logins_need_the_permission(client: Client) -> None:
    row = make_credential("word", kind="password")
    client.force_login(make_user(permissions=("inventory.view_credential",)))

    assert row.name in client.get(reverse("inventory:login-list")).content.decode()
    assert client.get(reverse("inventory:login-create")).status_code == 403
    assert client.get(reverse("inventory:login-edit", args=[row.pk])).status_code == 403
    assert client.post(reverse("inventory:login-remove", args=[row.pk])).status_code == 403


def test_a_bastion_is_described_on_its_page_and_needed_ones_stay(signed_in: Client) -> None:
    login = make_credential("word", kind="password")
    form = {"name": "gate", "host": "198.51.100.7", "port": "22", "credential": login.pk}

    made = signed_in.post(reverse("inventory:bastion-create"), form)

    gate = Bastion.objects.get()
    assert made.headers["Location"] == reverse("inventory:bastion-host-key", args=[gate.pk])
    assert signed_in.get(made.headers["Location"]).status_code == 200
    assert "gate" in signed_in.get(reverse("inventory:login-list")).content.decode()
    edit = reverse("inventory:bastion-edit", args=[gate.pk])
    wrong = signed_in.post(edit, form | {"host": "no host!"})
    assert "An IP address or a host name" in wrong.content.decode()
    cluster = make_cluster("alpha", bastion=gate)
    signed_in.post(reverse("inventory:bastion-remove", args=[gate.pk]))
    assert Bastion.objects.exists()
    Cluster.objects.filter(pk=cluster.pk).update(bastion=None)
    signed_in.post(reverse("inventory:bastion-remove", args=[gate.pk]))
    assert not Bastion.objects.exists()


def test_the_api_has_bastions_and_takes_them_for_clusters_and_containers(
    cluster: Cluster, container: Container, tmp_path: Path
) -> None:
    api = APIClient()
    api.force_authenticate(make_user(superuser=True))
    body = {"name": "root", "secret": new_key(tmp_path, "sesame"), "passphrase": "sesame"}
    login = api.post("/api/v1/credentials/", body, format="json").json()
    gate = {"name": "gate", "host": "198.51.100.7", "credential": "root"}

    made = api.post("/api/v1/bastions/", gate, format="json")
    chosen = api.patch(
        "/api/v1/clusters/alpha/", {"bastion": "gate", "credential": "root"}, format="json"
    )
    direct = api.patch(
        f"/api/v1/containers/{container.pk}/", {"skips_bastion": True}, format="json"
    )

    assert login["fingerprint"].startswith("ED25519 SHA256:")
    assert not {"secret", "passphrase", "sudo_password"} & login.keys()
    assert made.status_code == 201
    assert (chosen.json()["bastion"], chosen.json()["credential"]) == ("gate", "root")
    assert direct.json()["skips_bastion"]
    assert target_for(fresh(container)).bastion is None
    path = f"/api/v1/bastions/{made.json()['id']}/"
    circle = api.patch(path, {"via": "gate"}, format="json")
    assert circle.status_code == 400
    other = api.post(
        "/api/v1/credentials/",
        {"name": "x", "kind": "password", "secret": "y", "user": make_user("she").username},
        format="json",
    )
    assert other.json()["errors"] == {"user": ["A login can be your own or everybody's."]}
