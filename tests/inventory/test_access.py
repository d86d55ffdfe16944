"""Levels of access: what each allows, where, and that the one door asks."""

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from inventory.access import POOL, may_somewhere, visible
from inventory.access_levels import EVERYWHERE, IN_A_CLUSTER, AccessLevel
from inventory.grants import give_level, take_level
from inventory.host_keys import pin_host_key
from inventory.models import Change, Cluster, Container, Grant, Network, Node
from inventory.operations import ChangeCluster, RemoveNode, perform
from inventory.services import save_row
from tests.factories import (
    make_cluster,
    make_container,
    make_credential,
    make_database_cluster,
    make_grant,
    make_network,
    make_user,
)

pytestmark = pytest.mark.django_db
API = "/api/v1/"


@pytest.fixture
def alpha(db: None) -> Cluster:
    """Make a cluster."""
    return make_database_cluster("alpha")


@pytest.fixture
def beta(alpha: Cluster) -> Cluster:
    """Make another one."""
    return make_database_cluster("beta", private="10.205.0.0/24", public=None, nodes=0)


def test_every_level_looks_and_the_administrator_may_all_that_others_may() -> None:
    viewer = IN_A_CLUSTER[AccessLevel.VIEWER]

    assert all(viewer <= allowed for allowed in IN_A_CLUSTER.values())
    assert IN_A_CLUSTER[AccessLevel.ADMINISTRATOR] == frozenset().union(*IN_A_CLUSTER.values())
    assert all(IN_A_CLUSTER[level] <= EVERYWHERE[level] for level in AccessLevel)


def test_every_permission_of_a_level_exists() -> None:
    from django.contrib.auth.models import Permission

    known = {
        f"{row.content_type.app_label}.{row.codename}"
        for row in Permission.objects.select_related("content_type")
    }

    assert set(EVERYWHERE[AccessLevel.ADMINISTRATOR]) - known == set()


def test_a_level_holds_in_its_cluster_only(alpha: Cluster, beta: Cluster) -> None:
    olga = make_grant(make_user("olga"), "operator", alpha)

    assert olga.has_perm("inventory.change_cluster", alpha)
    assert not olga.has_perm("inventory.change_cluster", beta)
    assert not olga.has_perm("inventory.change_cluster")
    assert olga.has_perm("inventory.change_node", alpha.nodes.first())
    assert not olga.has_perm("inventory.override_lock", alpha)
    assert not olga.has_perm("inventory.add_cluster", alpha)


def test_levels_add_up_in_person_and_through_groups(alpha: Cluster) -> None:
    olga, group = make_user("olga"), Group.objects.create(name="night shift")
    olga.groups.add(group)
    give_level(group=group, level="approver", cluster=alpha, actor=None)
    make_grant(olga, "operator", alpha)

    assert olga.has_perms(("inventory.accept_warning", "inventory.change_node"), alpha)


def test_a_level_for_all_clusters_holds_for_those_to_come(alpha: Cluster) -> None:
    olga = make_grant(make_user("olga"), "administrator")

    assert olga.has_perm("inventory.add_cluster")
    assert olga.has_perm(
        "inventory.override_lock", make_cluster("gamma", private=None, public=None)
    )


def test_who_may_no_longer_sign_in_may_nothing(alpha: Cluster) -> None:
    olga = make_grant(make_user("olga"), "administrator", alpha)
    olga.is_active = False

    assert not olga.has_perm("inventory.view_cluster", alpha)
    assert not visible(Cluster.objects.all(), olga)


def test_one_sees_ones_clusters_and_the_pool(alpha: Cluster, beta: Cluster) -> None:
    free = make_container(None, "free-01", private=None)
    theirs = make_container(beta, "beta-01", private="10.205.0.9", public=None)
    olga = make_grant(make_user("olga"), "viewer", alpha)

    seen = visible(Container.objects.all(), olga)

    assert list(visible(Cluster.objects.all(), olga)) == [alpha]
    assert free in seen
    assert theirs not in seen
    assert {node.cluster for node in visible(Node.objects.all(), olga)} == {alpha}


def test_the_pool_is_changed_by_operators_of_any_cluster(alpha: Cluster) -> None:
    free = make_container(None, "free-01", private=None)
    operator = make_grant(make_user("olga"), "operator", alpha)
    viewer = make_grant(make_user("viktor"), "viewer", alpha)

    assert operator.has_perm("inventory.change_container", free)
    assert operator.has_perm("inventory.add_container", POOL)
    assert not viewer.has_perm("inventory.change_container", free)
    assert not may_somewhere(make_user("nobody"), "inventory.view_container")


def test_a_shared_network_is_changed_by_who_may_in_every_cluster_that_uses_it(
    alpha: Cluster, beta: Cluster
) -> None:
    network = Network.objects.get(name="alpha-private")
    beta.networks.add(network)
    olga = make_grant(make_user("olga"), "operator", alpha)

    assert olga.has_perm("inventory.view_network", network)
    assert not olga.has_perm("inventory.change_network", network)
    assert make_grant(olga, "operator", beta).has_perm("inventory.change_network", network)
    assert olga.has_perm("inventory.change_network", make_network(cidr="10.209.0.0/24"))


@pytest.mark.parametrize("level", ["viewer", "approver"])
def test_the_one_door_refuses_who_may_not(alpha: Cluster, level: str) -> None:
    viktor = make_grant(make_user("viktor"), level, alpha)

    with pytest.raises(PermissionDenied):
        perform(RemoveNode("pg-node-01"), cluster=alpha, actor=viktor)
    with pytest.raises(PermissionDenied):
        perform(ChangeCluster({"name": "Mine"}), cluster=alpha, actor=viktor)

    assert alpha.nodes.filter(removed_at=None).count() == 3


def test_a_row_is_not_moved_to_a_cluster_of_ones_own(alpha: Cluster, beta: Cluster) -> None:
    login = make_credential("a secret", kind="password", cluster=beta)
    olga = make_grant(make_user("olga"), "administrator", alpha)
    login.cluster = alpha

    with pytest.raises(PermissionDenied):
        save_row(login, actor=olga, cluster=alpha)


def test_another_host_key_is_trusted_by_administrators(alpha: Cluster) -> None:
    container = alpha.containers.earliest("pk")
    olga = make_grant(make_user("olga"), "operator", alpha)
    pin_host_key(row=container, host_key="ssh-ed25519 AAAA", actor=olga)

    for key in ("ssh-ed25519 BBBB", ""):
        with pytest.raises(PermissionDenied):
            pin_host_key(row=container, host_key=key, actor=olga, reason="new")

    make_grant(olga, "administrator", alpha)
    pin_host_key(row=container, host_key="ssh-ed25519 BBBB", actor=olga, reason="new")


def test_giving_and_taking_a_level_is_logged(alpha: Cluster) -> None:
    anna = make_grant(make_user("anna"), "administrator", alpha)

    grant = give_level(level="viewer", cluster=alpha, user=make_user("olga"), actor=anna)
    take_level(grant=grant, actor=anna)

    taken, given = Change.objects.filter(cluster=alpha, subject="grant:olga")
    assert (given.operation, taken.operation) == ("GiveLevel", "TakeLevel")
    assert given.actor == anna
    assert given.after == {"holder": "olga", "level": "viewer", "cluster": "alpha"}


def test_nobody_gives_what_is_not_his_to_give(alpha: Cluster, beta: Cluster) -> None:
    anna = make_grant(make_user("anna"), "administrator", alpha)
    olga = make_grant(make_user("olga"), "operator", alpha)

    for actor, cluster in ((anna, beta), (anna, None), (olga, alpha)):
        with pytest.raises(PermissionDenied):
            give_level(level="viewer", cluster=cluster, user=olga, actor=actor)


def test_a_level_is_given_once_and_to_somebody(alpha: Cluster) -> None:
    olga = make_grant(make_user("olga"), "viewer", alpha)

    for holder in ({"user": olga}, {}):
        with pytest.raises(ValidationError):
            give_level(level="viewer", cluster=alpha, actor=None, **holder)  # type: ignore[arg-type]


def test_the_page_lets_somebody_in_and_out_again(client: Client, alpha: Cluster) -> None:
    client.force_login(make_grant(make_user("anna"), "administrator", alpha))
    olga = make_user("olga")
    page = reverse("inventory:grant-list", args=["alpha"])

    client.post(page, {"user": olga.pk, "level": "operator"})
    shown = client.get(page).content.decode()
    grant = Grant.objects.get(user=olga)
    client.post(reverse("inventory:grant-take", args=["alpha", grant.pk]))

    assert "olga" in shown
    assert "Operator" in shown
    assert not Grant.objects.filter(user=olga).exists()


def test_the_api_gives_lists_and_takes(alpha: Cluster, beta: Cluster) -> None:
    api = APIClient()
    api.force_authenticate(make_grant(make_user("anna"), "administrator", alpha))
    make_grant(make_user("olga"), "viewer", beta)
    body = {"user": "olga", "level": "approver"}

    made = api.post(f"{API}grants/", body | {"cluster": "alpha"}, format="json")
    elsewhere = api.post(f"{API}grants/", body | {"cluster": "beta"}, format="json")
    everywhere = api.post(f"{API}grants/", body, format="json")
    listed = api.get(f"{API}grants/").json()["results"]
    taken = api.delete(f"{API}grants/{made.json()['id']}/")

    assert made.status_code == 201, made.content
    assert elsewhere.status_code == 400  # A cluster that one does not see is not there.
    assert everywhere.status_code == 403
    assert {row["cluster"] for row in listed} == {"alpha"}
    assert taken.status_code == 204


def test_lists_show_ones_own_clusters_and_name_no_other(
    client: Client, alpha: Cluster, beta: Cluster
) -> None:
    client.force_login(make_grant(make_user("olga"), "operator", alpha))
    shared = Network.objects.get(name="alpha-private")
    beta.networks.add(shared)

    for name in ("cluster-list", "container-list", "network-list", "rule-list"):
        page = client.get(reverse(f"inventory:{name}"))

        assert page.status_code == 200
        assert "Beta" not in page.content.decode()


def test_buttons_are_for_who_may_press_them(client: Client, alpha: Cluster) -> None:
    client.force_login(make_grant(make_user("viktor"), "viewer", alpha))
    edit = reverse("inventory:cluster-edit", args=["alpha"])

    seen_by_viewer = client.get(alpha.get_absolute_url()).content.decode()
    client.force_login(make_grant(make_user("olga"), "operator", alpha))
    seen_by_operator = client.get(alpha.get_absolute_url()).content.decode()

    assert edit not in seen_by_viewer
    assert edit in seen_by_operator
    assert reverse("inventory:grant-list", args=["alpha"]) not in seen_by_operator


def test_the_admin_shows_and_offers_ones_own_clusters(
    client: Client, alpha: Cluster, beta: Cluster
) -> None:
    make_container(beta, "beta-01", private="10.205.0.9", public=None)
    olga = make_grant(make_user("olga"), "operator", alpha)
    olga.is_staff = True
    olga.save()
    client.force_login(olga)

    listed = client.get("/admin/inventory/container/").content.decode()
    form = client.get("/admin/inventory/container/add/").content.decode()
    theirs = client.get(f"/admin/inventory/cluster/{beta.pk}/change/")

    assert "pg-node-01" in listed
    assert "beta" not in listed.lower()
    assert "beta" not in form.lower()
    assert theirs.status_code == 302  # "does not exist. Perhaps it was deleted?"
    assert client.get("/admin/auth/user/").status_code == 403


def test_a_login_for_all_clusters_is_not_for_an_operator_of_one(
    client: Client, alpha: Cluster
) -> None:
    make_credential("a secret", name="everywhere", kind="password")
    make_credential("a secret", name="alphas", kind="password", cluster=alpha)
    client.force_login(make_grant(make_user("olga"), "operator", alpha))

    page = client.get(reverse("inventory:container-create") + "?cluster=alpha").content.decode()

    assert "alphas" in page
    assert "everywhere" not in page
