"""The inventory pages: what they show, and to whom."""

from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from inventory import example
from inventory.history import record_event
from inventory.models import Cluster, Container, Node
from inventory.operations import MoveNode, RemoveNode, perform
from tests.factories import (
    make_cluster,
    make_container,
    make_database_cluster,
    make_network,
    make_node,
    make_platforms,
    make_user,
)

pytestmark = pytest.mark.django_db


def text(client: Client, address: str, *, status: int = 200) -> str:
    """Return a page's HTML."""
    response = client.get(address)
    assert response.status_code == status
    return response.content.decode()


def test_a_stranger_sees_the_sign_in_page_only(client: Client) -> None:
    response = client.get("/clusters/")

    assert response.status_code == 302
    assert response.headers["Location"] == "/login/?next=/clusters/"


def test_a_wrong_password_is_refused_in_words(client: Client) -> None:
    make_user("olga")

    response = client.post("/login/", {"login": "olga", "password": "wrong", "next": ""})

    assert "The username and/or password you specified are not correct" in response.content.decode()


def test_the_sign_in_leads_to_where_one_wanted_to_go(client: Client) -> None:
    make_user("olga", permissions=("inventory.view_network",))

    response = client.post(
        "/login/?next=/networks/",
        {"login": "olga", "password": "secret-phrase", "next": "/networks/"},
    )

    assert response.headers["Location"] == "/networks/"


def test_with_no_data_the_first_page_says_what_to_do_next(signed_in: Client) -> None:
    make_platforms()

    page = text(signed_in, "/clusters/")

    assert "Nothing is described yet" in page
    assert reverse("inventory:cluster-create") in page
    assert "Load example cluster" in page


def test_without_platforms_the_first_page_says_how_to_load_them(signed_in: Client) -> None:
    page = text(signed_in, "/clusters/")

    assert "sync_platforms" in page
    assert "Load example cluster" not in page


def test_the_example_is_loaded_once_and_marked_as_one(signed_in: Client) -> None:
    make_platforms()

    for _ in range(2):
        signed_in.post(reverse("inventory:example-create"))

    cluster = Cluster.objects.get()
    assert cluster.is_example
    assert cluster.nodes.count() == 13
    assert not Container.objects.filter(is_example=False).exists()
    assert not Container.objects.monitored().exists()
    page = text(signed_in, cluster.get_absolute_url())
    assert "Example, never monitored" in page
    assert "hx-get" not in page


def test_the_example_keeps_every_rule_that_blocks_a_save() -> None:
    make_platforms()
    call_command("load_example")
    call_command("load_example")

    assert Cluster.objects.get().slug == example.SLUG


def test_the_cluster_page_shows_layers_roles_nodes_and_what_the_vendor_says(
    signed_in: Client,
) -> None:
    cluster = make_database_cluster("alpha")

    page = text(signed_in, cluster.get_absolute_url())

    assert "Infrastructure Servers" in page
    assert "pg-node-02" in page
    assert "10.203.0.32" in page
    assert "min 3, max not specified" in page
    assert "When a node is lost" in page
    assert reverse("monitoring:cluster-health", args=["alpha"]) in page
    assert reverse("provisioning:plan", args=["alpha"]) in page


def test_a_finding_shows_rule_sentence_source_document_and_what_it_blocks(
    signed_in: Client,
) -> None:
    cluster = make_database_cluster("alpha", nodes=2)

    page = text(signed_in, cluster.get_absolute_url())

    assert "R132" in page
    assert "Database Node 3 · pg-node-03 · 192.168.10.33" in page
    assert "Distributed Deployment Overview" in page
    assert "Blocks a run" in page


def test_a_fix_does_what_its_button_says(signed_in: Client) -> None:
    cluster = make_database_cluster("alpha", nodes=2)
    make_container(cluster, "pg-node-03", private="10.203.0.33")
    fix = {"key": "odd-members", "subject": "role:database", "role": "database"}

    signed_in.post(reverse("inventory:finding-fix", args=["alpha"]), fix)

    assert cluster.nodes.filter(name="pg-node-03").exists()
    assert cluster.changes.first().reason.startswith("Fix of R")  # type: ignore[union-attr]


def test_a_fix_of_what_is_gone_changes_nothing(signed_in: Client) -> None:
    cluster = make_database_cluster("alpha")

    response = signed_in.post(
        reverse("inventory:finding-fix", args=["alpha"]), {"key": "odd-members"}, follow=True
    )

    assert "This finding is gone" in response.content.decode()
    assert cluster.nodes.count() == 3


def test_the_node_page_keeps_the_past_of_a_removed_node(signed_in: Client) -> None:
    cluster = make_database_cluster("alpha", nodes=2)
    make_container(cluster, "spare", private="10.203.0.99")
    perform(MoveNode("pg-node-01", "spare"), cluster=cluster, actor=None)
    perform(RemoveNode("pg-node-01"), cluster=cluster, actor=None)
    node = Node.objects.get(name="pg-node-01")

    page = text(signed_in, node.get_absolute_url())

    assert "Removed" in page
    assert "spare" in page
    assert "Ended" in page
    assert signed_in.get(reverse("inventory:node-edit", args=[node.pk])).status_code == 404


def test_the_node_page_loads_its_metrics_as_a_fragment(signed_in: Client) -> None:
    cluster = make_cluster("alpha")
    node = make_node(make_container(cluster, "pg-node-01"), "pg-node-01")
    record_event(kind="host-down", message="pg-node-01 does not answer", cluster=cluster, node=node)

    page = text(signed_in, node.get_absolute_url())

    assert f'hx-get="{reverse("monitoring:node-metrics", args=[node.pk])}"' in page
    assert "pg-node-01 does not answer" in page


def test_the_container_page_never_shows_a_secret(signed_in: Client) -> None:
    cluster = make_cluster("alpha")
    container = make_container(cluster, "pg-node-01")

    page = text(signed_in, container.get_absolute_url())

    assert "none yet" in page
    assert reverse("inventory:container-host-key", args=[container.pk]) in page


def test_the_free_pool_lists_containers_of_no_cluster(signed_in: Client) -> None:
    make_network("net", cidr="10.203.0.0/24")
    make_container(make_cluster("alpha"), "taken")
    make_container(None, "spare", networks=("net", "net"))

    page = text(signed_in, reverse("inventory:container-list") + "?pool=free")

    assert "spare" in page
    assert "taken" not in page


def test_every_table_has_a_caption_and_every_page_one_heading(signed_in: Client) -> None:
    cluster = make_database_cluster("alpha")

    page = text(signed_in, cluster.get_absolute_url())

    assert page.count("<table") == page.count("<caption")
    assert page.count("<h1") == 1


@pytest.mark.parametrize("address", ["/clusters/nope/", "/nodes/999/", "/containers/999/"])
def test_what_is_not_there_is_a_404_in_the_common_look(signed_in: Client, address: str) -> None:
    assert "To the clusters" in text(signed_in, address, status=404)


@pytest.mark.parametrize(
    "name", ["cluster-create", "container-create", "network-create", "cluster-edit", "node-create"]
)
def test_who_may_only_look_cannot_change(client: Client, name: str) -> None:
    make_cluster("alpha")
    client.force_login(make_user(permissions=("inventory.view_cluster",)))
    args = ["alpha"] if name in ("cluster-edit", "node-create") else []

    response = client.get(reverse(f"inventory:{name}", args=args))

    assert response.status_code == 403
    assert "lacks the permission" in response.content.decode()


def test_who_may_only_look_is_offered_no_button(client: Client) -> None:
    cluster = make_database_cluster("alpha")
    client.force_login(make_user(permissions=("inventory.view_cluster",)))

    page = text(client, cluster.get_absolute_url())

    assert reverse("inventory:node-create", args=["alpha"]) not in page
    assert reverse("inventory:cluster-edit", args=["alpha"]) not in page


def test_an_empty_cluster_says_what_comes_next(signed_in: Client) -> None:
    cluster = make_cluster("alpha", private=None, public=None)
    assert "describe a private and a public network" in text(signed_in, cluster.get_absolute_url())

    cluster = make_cluster("beta")
    assert "describe the first container" in text(signed_in, cluster.get_absolute_url())

    make_container(cluster, "pg-node-01")
    assert "put the first node on a container" in text(signed_in, cluster.get_absolute_url())


def test_a_new_container_starts_with_a_system_that_the_release_runs_on(signed_in: Client) -> None:
    make_cluster("alpha")

    page = text(signed_in, reverse("inventory:container-create") + "?cluster=alpha")

    assert 'value="debian"' in page
    assert "debian 13 (R18)" in page


def test_an_expired_form_says_so_in_words() -> None:
    response = Client(enforce_csrf_checks=True).post("/login/", {"login": "olga"})

    assert response.status_code == 403
    assert "The form has expired" in response.content.decode()


def test_the_cluster_page_takes_no_more_queries_for_more_nodes(
    signed_in: Client, django_assert_max_num_queries: Any
) -> None:
    cluster = make_database_cluster("alpha", nodes=9)

    with django_assert_max_num_queries(30):
        text(signed_in, cluster.get_absolute_url())
