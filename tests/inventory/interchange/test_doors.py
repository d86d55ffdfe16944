"""The doors of import and export: pages, API and command line, each with its permissions."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from inventory.models import Change, Cluster, Container, Node
from tests.factories import (
    make_cluster,
    make_container,
    make_credential,
    make_database_cluster,
    make_platforms,
    make_user,
)
from tests.inventory.interchange.files import CONTAINERS, container_row, exports, table

pytestmark = pytest.mark.django_db
VIEW = ("inventory.view_cluster", "inventory.view_container", "inventory.view_node")
OUTSIDE = container_row("outside", 51).replace("10.203.0.51", "10.99.0.51")


def api_of(*permissions: str) -> APIClient:
    """Return a client of a user with these permissions beside looking."""
    client = APIClient()
    client.force_authenticate(make_user(permissions=(*VIEW, *permissions)))
    return client


def send(
    client: APIClient, text: str, query: str = "", *, kind: str = "text/csv", slug: str = "alpha/"
) -> Any:
    """Post a file."""
    return client.post(f"/api/v1/clusters/{slug}import/?{query}", text, content_type=kind)


def choose(text: str, name: str = "containers.csv", what: str = "containers") -> dict[str, Any]:
    """Return what the form sends when a file is chosen."""
    return {"file": SimpleUploadedFile(name, text.encode()), "what": what}


def hidden(page: Any) -> dict[str, str]:
    """Return what the button Import sends."""
    fields: dict[str, str] = page.context["hidden"]
    return fields


def test_a_page_shows_what_would_change_then_imports_it(signed_in: Client) -> None:
    cluster = make_cluster("alpha")
    address = reverse("inventory:cluster-import", args=["alpha"])

    shown = signed_in.post(address, choose(table(CONTAINERS, container_row("web-1", 40))))
    assert shown.status_code == 200
    assert "1 added, 0 changed, 0 removed, 0 unchanged" in shown.content.decode()
    assert not Container.objects.exists()

    done = signed_in.post(address, hidden(shown), follow=True)
    assert done.redirect_chain == [(cluster.get_absolute_url(), 302)]
    assert "Imported: 1 added" in done.content.decode()
    assert Container.objects.get().name == "web-1"
    assert Change.objects.latest("pk").actor_name == "administrator"


def test_a_page_lists_every_fault(signed_in: Client) -> None:
    make_cluster("alpha")

    page = signed_in.post(
        reverse("inventory:cluster-import", args=["alpha"]),
        choose(table(f"{CONTAINERS},colour", container_row("web_1", 40) + ",red")),
    )

    assert page.status_code == 400
    text = page.content.decode()
    assert "the file has 3 faults" in text
    assert "There is no such column." in text
    assert not Container.objects.exists()


def test_a_page_shows_the_rules_no_with_number_and_line(signed_in: Client) -> None:
    make_cluster("alpha")
    address = reverse("inventory:cluster-import", args=["alpha"])

    shown = signed_in.post(address, choose(table(CONTAINERS, container_row("a", 50), OUTSIDE)))
    refused = signed_in.post(address, hidden(shown))

    assert "The rules would refuse this import" in shown.content.decode()
    assert "line 3 · outside" in shown.content.decode()
    assert refused.status_code == 409
    assert "Nothing is imported: the rules refuse it" in refused.content.decode()
    assert not Container.objects.exists()


def test_a_page_shows_again_what_changed_in_between(signed_in: Client) -> None:
    cluster = make_cluster("alpha")
    make_container(cluster, "web-1", private="10.203.0.40")
    address = reverse("inventory:cluster-import", args=["alpha"])
    shown = signed_in.post(address, choose(table("name,vcpus", "web-1,8")))
    Container.objects.update(vcpus=2)

    again = signed_in.post(address, hidden(shown))

    assert again.status_code == 409
    assert "the cluster changed since this was shown" in again.content.decode()
    assert "vcpus: 2 → 8" in again.content.decode()
    assert Container.objects.get().vcpus == 2


def test_a_cluster_is_imported_from_the_list_of_clusters(signed_in: Client) -> None:
    cluster = make_database_cluster("alpha")
    text = exports(cluster)["cluster.yaml"].replace("alpha", "beta").replace("10.203.", "10.213.")
    address = reverse("inventory:cluster-import-new")

    assert signed_in.get(address).status_code == 200
    shown = signed_in.post(address, choose(text, "beta.yaml", "cluster"))
    done = signed_in.post(address, hidden(shown))

    assert done.headers["Location"] == "/clusters/beta/"
    assert Node.objects.filter(cluster__slug="beta").count() == 3


def test_containers_are_imported_into_the_free_pool(signed_in: Client) -> None:
    make_cluster("alpha")
    address = reverse("inventory:pool-import")

    shown = signed_in.post(address, choose(table(CONTAINERS, container_row("spare", 40))))
    signed_in.post(address, hidden(shown))
    page = signed_in.get(reverse("inventory:pool-export", args=["csv"]))

    assert Container.objects.free().get().name == "spare"
    assert page.content.decode().splitlines()[1].startswith("spare,running,debian,13")


@pytest.mark.parametrize(
    "data",
    [
        {"what": "containers"},
        {"what": "containers", "packed": "no base64!"},
        {"what": "containers", "packed": "AAAA", "expected": "x"},
        {"what": "planets", "packed": ""},
    ],
)
def test_a_page_asks_for_a_file_when_there_is_none(signed_in: Client, data: dict[str, str]) -> None:
    make_cluster("alpha")

    page = signed_in.post(reverse("inventory:cluster-import", args=["alpha"]), data)

    assert page.status_code == 400


def test_exports_are_downloads_of_those_who_may_look(client: Client) -> None:
    cluster = make_database_cluster("alpha", nodes=1)
    address = reverse("inventory:cluster-export", args=["alpha", "containers", "csv"])
    client.force_login(make_user("looker", permissions=VIEW[:2]))

    page = client.get(address)

    assert page.content.decode() == exports(cluster)["containers.csv"]
    assert page.headers["Content-Disposition"] == 'attachment; filename="alpha-containers.csv"'
    assert client.get(address.replace("containers.csv", "nodes.csv")).status_code == 403
    assert client.get(address.replace("containers.csv", "cluster.yaml")).status_code == 403
    client.force_login(make_user("stranger"))
    assert client.get(address).status_code == 404


def test_the_api_answers_a_dry_run_and_carries_its_plan_out() -> None:
    make_cluster("alpha")
    api = api_of("inventory.add_container")
    text = table(CONTAINERS, container_row("web-1", 40))

    shown = send(api, text, "what=containers&dry_run=true")
    assert (shown.status_code, shown.json()["added"], shown.json()["dry_run"]) == (200, 1, True)
    assert shown.json()["changes"][0] | {"details": []} == {
        "action": "added",
        "kind": "container",
        "name": "web-1",
        "row": 2,
        "details": [],
    }
    assert not Container.objects.exists()

    done = send(api, text, f"what=containers&plan={shown.json()['plan']}")
    assert (done.status_code, done.json()["dry_run"]) == (200, False)
    assert Container.objects.get().name == "web-1"
    again = send(api, text, f"what=containers&plan={shown.json()['plan']}")
    assert again.status_code == 409
    assert again.json()["unchanged"] == 1


def test_the_api_answers_faults_with_400_and_every_row_and_column() -> None:
    make_cluster("alpha")
    text = table(f"{CONTAINERS},colour", container_row("web_1", 40) + ",red")

    answer = send(api_of("inventory.add_container"), text, "what=containers")

    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert [(f["row"], f["column"]) for f in answer.json()["faults"]] == [
        (1, "colour"),
        (2, "addresses"),
        (2, "name"),
    ]


def test_the_api_answers_the_rules_no_with_409_numbers_and_rows() -> None:
    make_cluster("alpha")
    text = table(CONTAINERS, container_row("web-1", 40), OUTSIDE)

    answer = send(api_of("inventory.add_container"), text, "what=containers")

    assert answer.status_code == 409
    (finding,) = answer.json()["findings"]
    assert (finding["subject"], finding["row"]) == ("container:outside", 3)
    assert finding["rule"]
    assert not Container.objects.exists()


def test_the_api_takes_yaml_forms_and_whole_clusters() -> None:
    cluster = make_database_cluster("alpha")
    api = APIClient()
    api.force_authenticate(make_user("root", superuser=True))
    text = exports(cluster)["cluster.yaml"].replace("alpha", "beta").replace("10.203.", "10.213.")

    made = send(api, text, kind="application/yaml", slug="")
    again = api.post(
        "/api/v1/clusters/beta/import/",
        {"file": SimpleUploadedFile("beta.yaml", text.encode())},
        format="multipart",
    )

    assert (made.status_code, made.json()["slug"]) == (200, "beta")
    assert again.json()["changes"] == []
    assert api.get("/api/v1/clusters/beta/export/", HTTP_ACCEPT="*/*").content.decode() == text


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("what=planets", "what"),
        ("what=containers&dryrun=true", "dryrun"),
        ("what=containers&dry_run=perhaps", "dry_run"),
    ],
)
def test_the_api_refuses_parameters_that_nobody_knows(query: str, field: str) -> None:
    make_cluster("alpha")

    answer = send(api_of("inventory.add_container"), table(CONTAINERS), query)

    assert (answer.status_code, [*answer.json()["errors"]]) == (400, [field])


def test_the_api_exports_tables_and_refuses_what_is_none() -> None:
    cluster = make_database_cluster("alpha", nodes=1)
    api = api_of()
    address = "/api/v1/clusters/alpha/export/"

    table_ = api.get(address, {"what": "nodes"}, HTTP_ACCEPT="text/csv")

    assert table_.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert table_.content.decode() == exports(cluster)["nodes.csv"]
    assert api.get(address, {"what": "cluster", "as": "csv"}).status_code == 400
    assert api.get(address, {"what": "nodes", "format_": "csv"}).status_code == 400
    assert api.get("/api/v1/clusters/nowhere/export/").status_code == 404


@pytest.mark.parametrize(
    ("text", "query", "permission"),
    [
        (table(CONTAINERS, container_row("new", 90)), "what=containers", "add_container"),
        (table("name,vcpus", "pg-node-01,8"), "what=containers", "change_container"),
        (table("name"), "what=containers&remove_missing=true", "change_container"),
        (table("name,container,roles", "n,spare,database"), "what=nodes", "add_node"),
        (table("name,container", "pg-node-01,spare"), "what=nodes", "change_node"),
        (table("name", "pg-node-01"), "what=nodes&remove_missing=true", "delete_node"),
    ],
)
def test_an_import_takes_the_permissions_of_the_forms(
    text: str, query: str, permission: str
) -> None:
    cluster = make_database_cluster("alpha", nodes=1 if "remove" not in query else 0)
    make_container(cluster, "spare", private="10.203.0.99")
    if "delete" in permission:
        make_database_nodes(cluster)
    every = {
        f"{verb}_{kind}"
        for verb in ("add", "change", "delete")
        for kind in ("container", "node", "cluster")
    }
    others = [f"inventory.{name}" for name in every - {permission}]

    refused = send(api_of(*others), text, query)
    allowed = send(api_of(f"inventory.{permission}"), text, query)

    assert (refused.status_code, allowed.status_code) == (403, 200)
    assert f"inventory.{permission}" in refused.json()["detail"]


def make_database_nodes(cluster: Cluster) -> None:
    """Put two nodes on containers of a cluster."""
    from tests.factories import make_node

    for number in (1, 2):
        name = f"pg-node-0{number}"
        make_node(make_container(cluster, name, private=f"10.203.0.{30 + number}"), name)


def test_a_login_of_somebody_else_cannot_be_chosen_by_import_but_stays_where_it_is() -> None:
    cluster = make_cluster("alpha")
    make_credential("key", name="hers", user=make_user("her"))
    make_credential("key", name="shared")
    make_container(cluster, "web-1", private="10.203.0.40", credential="hers")
    make_container(cluster, "web-2", private="10.203.0.41", credential="shared")
    api = api_of("inventory.change_container")

    refused = send(api, table("name,credential", "web-2,hers"), "what=containers")
    kept = send(api, table("name,credential,vcpus", "web-1,hers,8"), "what=containers")

    assert refused.json()["faults"][0]["message"] == "The login hers belongs to another user."
    assert kept.status_code == 200


def test_a_cluster_is_not_named_like_a_page_of_imports() -> None:
    cluster = make_database_cluster("alpha", nodes=1)
    text = exports(cluster)["cluster.yaml"].replace("slug: alpha", "slug: import")
    api = APIClient()
    api.force_authenticate(make_user("root", superuser=True))

    answer = send(api, text, kind="application/yaml", slug="")

    assert "import is an address of the portal." in str(answer.json()["faults"])


def test_the_command_line_exports_and_imports(tmp_path: Path) -> None:
    cluster = make_database_cluster("alpha")
    path, out = tmp_path / "alpha.yaml", StringIO()
    call_command("export_cluster", "alpha", "--output", str(path))
    text = path.read_text().replace("vcpus: 4", "vcpus: 8", 1)
    path.write_text(text)

    call_command("import_cluster", str(path), "--dry-run", stdout=out)
    assert "changed container pg-node-01: vcpus: 4 → 8" in out.getvalue()
    assert "this was a dry run" in out.getvalue()
    assert not Container.objects.filter(vcpus=8).exists()

    call_command("import_cluster", str(path), stdout=out)
    assert exports(cluster)["cluster.yaml"] == text


def test_the_command_line_says_why_not(tmp_path: Path) -> None:
    make_platforms()
    make_cluster("alpha")
    path = tmp_path / "rows.csv"
    path.write_text(table(CONTAINERS, OUTSIDE))

    with pytest.raises(CommandError, match="line 2, container:outside"):
        call_command("import_cluster", str(path), "--what", "containers", "--cluster", "alpha")
    path.write_text("nam\n")
    with pytest.raises(CommandError, match="line 1, nam: There is no such column"):
        call_command("import_cluster", str(path), "--what", "containers", "--cluster", "alpha")
    with pytest.raises(CommandError, match="--cluster SLUG"):
        call_command("import_cluster", str(path), "--what", "nodes")
    with pytest.raises(CommandError, match="There is no cluster beta"):
        call_command("export_cluster", "beta")
