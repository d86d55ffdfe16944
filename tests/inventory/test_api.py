"""The REST API: who may, what is refused and how, what is logged."""

from io import StringIO
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from inventory.models import Change, Cluster, Container, Credential, Fact, Node, Placement
from tests.factories import (
    make_cluster,
    make_container,
    make_credential,
    make_database_cluster,
    make_network,
    make_node,
    make_user,
)

pytestmark = pytest.mark.django_db
API = "/api/v1/"


def private_key() -> str:
    """Make a private key."""
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()


def client_of(*permissions: str, superuser: bool = False) -> APIClient:
    """Sign a user with these permissions in with a token."""
    user = make_user(permissions=permissions, superuser=superuser)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {Token.objects.create(user=user).key}")
    client.username = user.username  # type: ignore[attr-defined]
    return client


@pytest.fixture
def api() -> APIClient:
    """Return a client that may do everything."""
    return client_of(superuser=True)


def container_body(cluster: str | None = None, **fields: Any) -> dict[str, Any]:
    """Describe a container as the API takes it."""
    body = {
        "cluster": cluster,
        "name": "pg-node-09",
        "os_id": "debian",
        "os_version": "13",
        "vcpus": 4,
        "memory_mib": 16384,
        "addresses": [],
        "disks": [{"device": "/dev/sda", "size_gib": 500, "kind": "ssd"}],
    }
    return body | fields


PATHS = (
    "platforms",
    "releases",
    "roles",
    "clusters",
    "locations",
    "hypervisors",
    "networks",
    "containers",
    "nodes",
    "placements",
    "role-assignments",
    "availability-groups",
    "balancers",
    "credentials",
    "facts",
    "events",
    "changes",
    "maintenance-windows",
)


@pytest.mark.parametrize("path", PATHS)
def test_a_stranger_sees_nothing(path: str) -> None:
    answer = APIClient().get(f"{API}{path}/")

    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("path", PATHS)
def test_looking_needs_the_view_permission(path: str) -> None:
    make_database_cluster()
    model = path.replace("-", "").removesuffix("s")

    assert client_of().get(f"{API}{path}/").status_code == 403
    assert client_of(f"inventory.view_{model}").get(f"{API}{path}/").status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("post", "clusters/"),
        ("patch", "clusters/berlin/"),
        ("delete", "clusters/berlin/"),
        ("post", "nodes/"),
        ("patch", "nodes/{node}/"),
        ("post", "nodes/{node}/move/"),
        ("delete", "nodes/{node}/"),
        ("patch", "containers/{container}/"),
        ("get", "containers/{container}/host-key/"),
        ("post", "containers/{container}/host-key/"),
        ("post", "facts/"),
        ("post", "credentials/"),
    ],
)
def test_a_viewer_writes_nothing(method: str, path: str) -> None:
    make_database_cluster("berlin", nodes=1)
    views = ("cluster", "node", "container", "fact", "credential")
    viewer = client_of(*(f"inventory.view_{model}" for model in views))
    path = path.format(node=Node.objects.get().pk, container=Container.objects.get().pk)

    answer = getattr(viewer, method)(f"{API}{path}", {}, format="json")

    assert answer.status_code == 403


def test_a_password_gets_a_token_ten_times_a_minute() -> None:
    cache.clear()
    make_user("anna")
    body = {"username": "anna", "password": "secret-phrase"}

    token = APIClient().post(f"{API}token/", body, format="json").data["token"]
    signed_in = APIClient()
    signed_in.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    wrong = {"username": "anna", "password": "wrong"}
    answers = [APIClient().post(f"{API}token/", wrong, format="json") for _ in range(10)]

    assert signed_in.get(f"{API}clusters/").status_code == 403
    assert answers[0].status_code == 400
    assert answers[-1].status_code == 429
    assert int(answers[-1]["Retry-After"]) > 0
    cache.clear()


def test_every_fault_of_a_container_comes_back_at_once_by_field(api: APIClient) -> None:
    make_cluster("berlin")
    body = container_body(
        "berlin",
        name="-no_host-",
        vcpus="many",
        memory_mib=0,
        ssh_port=70000,
        state="asleep",
        colour="red",
        location="nowhere",
        addresses=[
            {"network": "berlin-private", "ip": "10.203.0.999"},
            {"network": "no-network", "ip": "10.203.0.9", "name": "?", "mask": 24},
        ],
        disks=[{"device": "/dev/sda", "size_gib": 0, "kind": "stone"}],
    )

    answer = api.post(f"{API}containers/", body, format="json")

    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    errors = answer.json()["errors"]
    assert errors.keys() == {
        "name", "vcpus", "memory_mib", "ssh_port", "state", "colour", "location", "addresses",
        "disks",
    }  # fmt: skip
    assert errors["colour"] == ["There is no such field."]
    assert "host name has letters" in errors["name"][0]
    assert errors["addresses"]["0"].keys() == {"ip"}
    assert errors["addresses"]["1"].keys() == {"network", "name", "mask"}
    assert errors["disks"]["0"].keys() == {"size_gib", "kind"}
    assert not Container.objects.exists()


@pytest.mark.parametrize(
    ("path", "body", "fields"),
    [
        ("networks", {"name": "a", "kind": "wide", "cidr": "10.0.0.0/33"}, {"kind", "cidr"}),
        ("networks", {"name": "a", "kind": "private", "cidr": "10.0.0.1/24"}, {"cidr"}),
        ("networks", {"name": "a", "kind": "private", "cidr": "10.0.0.0"}, {"cidr"}),
        ("networks", {"name": "a", "kind": "private", "cidr": ["10.0.0.0/24"]}, {"cidr"}),
        ("networks", {"name": "a", "kind": "private", "cidr": "fe80::%eth0/64"}, {"cidr"}),
        (
            "clusters",
            {
                "slug": "Not A Slug",
                "name": "",
                "platform": "ring2all",
                "release": "99",
                "time_zone": "Mars/Olympus",
                "country": "Germany",
                "parameters": [],
                "networks": ["none"],
            },
            {"slug", "name", "release", "time_zone", "country", "parameters", "networks"},
        ),
        (
            "nodes",
            {
                "cluster": "berlin",
                "name": "a_b",
                "container": "none",
                "roles": [{"role": "cook"}, {"role": "database"}, {"role": "database"}],
                "rack": 4,
            },
            {"name", "container", "roles", "rack"},
        ),
        ("nodes", {"cluster": "berlin", "name": "a", "roles": []}, {"container", "roles"}),
        (
            "balancers",
            {
                "cluster": "berlin",
                "name": "vip!",
                "role": "cook",
                "network": "berlin-private",
                "ip": "here",
                "instances": 0,
            },
            {"name", "role", "ip", "instances"},
        ),
        (
            "credentials",
            {"name": "root", "kind": "key", "username": "Root User", "secret": "no key"},
            {"username", "secret"},
        ),
        (
            "facts",
            {"cluster": "berlin", "key": "extensions", "value": "\x00", "origin": "vendor"},
            {"value", "origin"},
        ),
        (
            "maintenance-windows",
            {
                "cluster": "berlin",
                "starts_at": "2026-11-20T12:00:00Z",
                "ends_at": "2026-11-20T11:00:00Z",
                "reason": "",
            },
            {"ends_at", "reason"},
        ),
        ("hypervisors", {"name": "x" * 101}, {"name", "location"}),
        ("locations", ["Berlin"], {"non_field_errors"}),
    ],
)
def test_bad_input_is_named_by_field(
    api: APIClient, path: str, body: Any, fields: set[str]
) -> None:
    make_cluster("berlin")

    answer = api.post(f"{API}{path}/", body, format="json")

    assert answer.status_code == 400, answer.content
    assert set(answer.json()["errors"]) == fields


@pytest.mark.parametrize("name", ["a\x00b", ["a"], {"a": 1}, 7, "x" * 10_000])
def test_what_is_no_name_names_nothing(api: APIClient, name: Any) -> None:
    body = {"name": "hv", "location": name}

    answer = api.post(f"{API}hypervisors/", body, format="json")

    assert answer.status_code == 400
    assert set(answer.json()["errors"]) == {"location"}


@pytest.mark.parametrize("ip", ["fe80::1%eth0", "", None, 7, "10.203.0.9/24", "010.1.1.1"])
def test_what_is_no_address_is_refused(api: APIClient, ip: Any) -> None:
    make_cluster("berlin")
    body = container_body("berlin", addresses=[{"network": "berlin-private", "ip": ip}])

    answer = api.post(f"{API}containers/", body, format="json")

    assert set(answer.json()["errors"]["addresses"]["0"]) == {"ip"}


def test_a_login_is_chosen_by_whom_it_belongs_to(api: APIClient) -> None:
    make_credential(private_key(), name="hers", user=make_user("she"))
    make_credential(private_key(), name="theirs", cluster=make_cluster("other"))
    make_cluster("berlin")

    hers, theirs = (
        api.post(f"{API}containers/", container_body("berlin", credential=name), format="json")
        for name in ("hers", "theirs")
    )

    assert hers.json()["errors"] == {"credential": ["The login hers belongs to another user."]}
    assert theirs.json()["errors"] == {"credential": ["The login theirs is for another cluster."]}


@pytest.mark.parametrize("body", ["{", '{"\\ud800": 1}', '{"name": "\\ud800"}', "[" * 100_000])
def test_what_is_no_json_is_refused(api: APIClient, body: str) -> None:
    answer = api.generic("POST", f"{API}locations/", body, content_type="application/json")

    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("JSON parse error")


def test_a_cluster_is_made_with_its_networks_and_changed(api: APIClient) -> None:
    make_cluster("other")
    make_network("lan", cidr="10.1.0.0/24")
    make_network("wan", kind="public", cidr="10.2.0.0/24")
    body = {
        "slug": "berlin",
        "name": "Berlin",
        "platform": "ring2all",
        "release": Cluster.objects.get().release.key,
        "time_zone": "Europe/Berlin",
        "networks": ["lan"],
    }

    made = api.post(f"{API}clusters/", body, format="json")
    changed = api.patch(
        f"{API}clusters/berlin/", {"name": "Berlin 2", "networks": ["wan"]}, format="json"
    )
    same = api.put(f"{API}clusters/berlin/", changed.json(), format="json")

    assert made.status_code == 201, made.content
    assert made.json()["networks"] == ["lan"]
    assert changed.status_code == 200, changed.content
    assert (changed.json()["name"], changed.json()["networks"]) == ("Berlin 2", ["wan"])
    assert same.json() == changed.json()
    subjects = Change.objects.filter(actor_name=api.username).values_list("operation", flat=True)  # type: ignore[attr-defined]
    assert sorted(subjects) == [
        "AddCluster", "AttachNetwork", "AttachNetwork", "ChangeCluster", "DetachNetwork",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"patroni_ttl_s": 19}, "patroni_ttl_s: Patroni ttl is at least 20."),
        ({"patroni_ttl_s": "30"}, "patroni_ttl_s: Patroni ttl is a whole number."),
        ({"ring2all_repository_url": "ftp:"}, "such as https://example.com/apt"),
        ({"public_hostname": True}, "Public host name is text."),
    ],
)
def test_a_parameter_takes_what_its_platform_says(
    api: APIClient, parameters: dict[str, Any], words: str
) -> None:
    make_cluster("berlin")

    answer = api.patch(f"{API}clusters/berlin/", {"parameters": parameters}, format="json")
    good = {"patroni_ttl_s": 20, "our_own": 1}
    taken = api.patch(f"{API}clusters/berlin/", {"parameters": good}, format="json")

    assert words in answer.json()["errors"]["parameters"][0]
    assert taken.json()["parameters"] == good


def test_a_cluster_keeps_its_platform(api: APIClient) -> None:
    make_cluster("berlin")

    answer = api.patch(f"{API}clusters/berlin/", {"platform": "voipnow"}, format="json")

    assert answer.json()["errors"]["platform"] == ["A cluster keeps its platform."]


def test_only_an_empty_cluster_is_removed(api: APIClient) -> None:
    make_cluster("empty")
    make_database_cluster("berlin", nodes=1)

    assert api.delete(f"{API}clusters/empty/").status_code == 204
    refused = api.delete(f"{API}clusters/berlin/")
    assert refused.status_code == 409
    assert "pg-node-01" in refused.json()["detail"]


def test_a_read_only_field_cannot_be_set(api: APIClient) -> None:
    make_cluster("berlin")

    answer = api.patch(f"{API}clusters/berlin/", {"revision": 99}, format="json")

    assert answer.json()["errors"] == {"revision": ["This field cannot be set."]}


def test_a_container_is_added_changed_and_removed(api: APIClient) -> None:
    make_cluster("berlin")
    addresses = [{"network": "berlin-private", "ip": "10.203.0.9", "name": "pg9.example.com"}]

    made = api.post(
        f"{API}containers/", container_body("berlin", addresses=addresses), format="json"
    )
    path = f"{API}containers/{made.json()['id']}/"
    changed = api.patch(
        path,
        {"vcpus": 8, "disks": [{"device": "/dev/sdb", "size_gib": 900, "kind": "nvme"}]},
        format="json",
        HTTP_X_CHANGE_REASON="Too slow",
        HTTP_X_REQUEST_ID="abc-1",
    )
    change = Change.objects.first()
    same = api.put(path, changed.json(), format="json")
    gone = api.delete(path)

    assert made.status_code == 201, made.content
    assert made.json()["addresses"] == addresses
    assert changed.json()["vcpus"] == 8
    assert [disk["device"] for disk in changed.json()["disks"]] == ["/dev/sdb"]
    assert changed.json()["addresses"] == addresses
    assert change
    assert (change.reason, change.request_id) == ("Too slow", "abc-1")
    assert change.actor_name == api.username  # type: ignore[attr-defined]
    assert change.before
    assert change.before["vcpus"] == 4
    assert same.json() == changed.json()
    assert gone.status_code == 204
    assert not Container.objects.exists()


def test_an_address_outside_its_network_is_refused_with_rule_and_source(api: APIClient) -> None:
    make_cluster("berlin")
    body = container_body("berlin", addresses=[{"network": "berlin-private", "ip": "10.9.9.9"}])

    answer = api.post(f"{API}containers/", body, format="json")

    assert answer.status_code == 409
    assert answer["Content-Type"] == "application/problem+json"
    finding = answer.json()["findings"][0]
    assert finding["rule"] == "R5"
    assert finding["source"]["document"] == "000"
    assert "10.9.9.9" in finding["message"]


def test_an_address_is_used_once_in_a_cluster_and_in_a_network(api: APIClient) -> None:
    cluster = make_database_cluster("berlin", nodes=1)
    other = make_cluster("other", private=None)
    other.networks.add(*cluster.networks.all())
    taken = [{"network": "berlin-private", "ip": "10.203.0.31"}]

    here = api.post(f"{API}containers/", container_body("berlin", addresses=taken), format="json")
    there = api.post(f"{API}containers/", container_body("other", addresses=taken), format="json")

    assert [f["rule"] for f in here.json()["findings"]] == ["R50"]
    assert there.status_code == 409
    (finding,) = there.json()["findings"]
    assert finding["rule"] == "R50"
    assert "container pg-node-01 outside this cluster" in finding["message"]


def test_a_container_goes_to_the_pool_and_to_another_cluster(api: APIClient) -> None:
    container = make_container(make_cluster("berlin"), "host", private=None)
    make_cluster("bonn")
    path = f"{API}containers/{container.pk}/"

    freed = api.patch(path, {"cluster": None}, format="json")
    taken = api.patch(path, {"cluster": "bonn", "vcpus": 6}, format="json")

    assert freed.status_code == 200, freed.content
    assert freed.json()["cluster"] is None
    assert taken.status_code == 200, taken.content
    assert (taken.json()["cluster"], taken.json()["vcpus"]) == ("bonn", 6)
    assert taken.json()["id"] == container.pk


def test_a_container_that_runs_a_node_stays(api: APIClient) -> None:
    make_database_cluster("berlin", nodes=1)
    path = f"{API}containers/{Container.objects.get().pk}/"

    for answer in (api.delete(path), api.patch(path, {"cluster": None}, format="json")):
        assert answer.status_code == 409
        assert "runs pg-node-01" in answer.json()["detail"]


def test_a_node_is_added_renamed_moved_and_removed(api: APIClient) -> None:
    cluster = make_cluster("berlin")
    make_container(cluster, "host-1")
    make_container(cluster, "host-2")
    body = {
        "cluster": "berlin",
        "name": "pg-1",
        "container": "host-1",
        "roles": [{"role": "database"}],
    }

    made = api.post(f"{API}nodes/", body, format="json")
    path = f"{API}nodes/{made.json()['id']}/"
    renamed = api.patch(path, {"name": "pg-2"}, format="json")
    moved = api.post(f"{path}move/", {"container": "host-2"}, format="json")
    same = api.put(path, moved.json(), format="json")
    gone = api.delete(path)

    assert made.status_code == 201, made.content
    assert made.json()["roles"] == [{"role": "database", "group": None, "state": "planned"}]
    assert renamed.json()["name"] == "pg-2", renamed.content
    assert moved.json()["container"] == "host-2", moved.content
    assert same.json() == moved.json()
    assert gone.status_code == 204
    assert api.get(f"{API}nodes/").json()["count"] == 0
    assert api.get(f"{API}nodes/?removed=true").json()["count"] == 1
    assert api.get(path).json()["removed_at"]
    assert api.delete(path).status_code == 404
    past = api.get(f"{API}placements/?node={made.json()['id']}").json()["results"]
    assert [p["container_name"] for p in past] == ["host-1", "host-2"]
    assert all(p["valid_to"] for p in past)


def test_a_node_without_a_private_address_is_refused_by_its_rule(api: APIClient) -> None:
    make_container(make_cluster("berlin"), "bare", private=None)
    body = {
        "cluster": "berlin",
        "name": "pg-1",
        "container": "bare",
        "roles": [{"role": "database"}],
    }

    answer = api.post(f"{API}nodes/", body, format="json")

    assert answer.status_code == 409
    assert {f["key"] for f in answer.json()["findings"]} == {"private-address-required"}
    assert not Node.objects.exists()
    assert not Placement.objects.exists()


def test_a_balancer_is_set_and_keeps_its_name(api: APIClient) -> None:
    make_database_cluster("berlin")
    body = {
        "cluster": "berlin",
        "name": "vip",
        "role": "database",
        "network": "berlin-private",
        "ip": "10.203.0.5",
    }

    made = api.post(f"{API}balancers/", body, format="json")
    path = f"{API}balancers/{made.json()['id']}/"
    changed = api.patch(path, {"instances": 2}, format="json")
    renamed = api.patch(path, {"name": "other"}, format="json")
    taken = api.patch(path, {"ip": "10.203.0.31"}, format="json")
    again = api.post(f"{API}balancers/", body, format="json")
    gone = api.delete(path)

    assert made.status_code == 201, made.content
    assert changed.json()["instances"] == 2
    assert set(renamed.json()["errors"]) == {"name"}
    assert [f["rule"] for f in taken.json()["findings"]] == ["R50"]
    assert set(again.json()["errors"]) == {"name"}
    assert gone.status_code == 204


def test_a_network_is_not_taken_from_under_its_addresses(api: APIClient) -> None:
    make_database_cluster("berlin", nodes=1)
    network = Cluster.objects.get().networks.get(kind="private")
    path = f"{API}networks/{network.pk}/"

    narrowed = api.patch(path, {"cidr": "10.203.0.0/28"}, format="json")
    removed = api.delete(path)

    assert [f["rule"] for f in narrowed.json()["findings"]] == ["R5"]
    network.refresh_from_db()
    assert str(network.cidr) == "10.203.0.0/24"
    assert removed.status_code == 409


def test_a_secret_goes_in_and_never_comes_out(api: APIClient) -> None:
    secret = private_key()
    body = {"name": "root key", "kind": "key", "username": "root", "secret": secret}

    made = api.post(f"{API}credentials/", body, format="json")
    path = f"{API}credentials/{made.json()['id']}/"
    renamed = api.patch(path, {"name": "new name"}, format="json")
    bad = api.patch(path, {"kind": "key", "secret": "hunter2"}, format="json")

    assert made.status_code == 201, made.content
    assert "secret" not in made.json()
    assert renamed.status_code == 200
    assert "hunter2" not in bad.content.decode()
    assert set(bad.json()["errors"]) == {"secret"}
    assert Credential.objects.get().secret == secret
    assert not Change.objects.filter(after__icontains="PRIVATE").exists()
    assert "PRIVATE" not in api.get(path).content.decode()


def test_a_login_in_use_stays(api: APIClient) -> None:
    credential = make_credential(private_key(), name="root")
    make_container(make_cluster("berlin"), "host", credential="root")

    answer = api.delete(f"{API}credentials/{credential.pk}/")

    assert answer.status_code == 409
    assert answer.json()["detail"] == "It is still needed by container host."


def test_a_typed_fact_takes_the_place_of_the_one_before(api: APIClient) -> None:
    make_cluster("berlin")
    body = {"cluster": "berlin", "key": "extensions", "value": 3}

    first = api.post(f"{API}facts/", body, format="json")
    second = api.post(f"{API}facts/", body | {"value": 4}, format="json")

    assert first.status_code == 201, first.content
    assert second.json()["origin"] == "typed"
    assert Fact.objects.get().value == 4
    change = Change.objects.filter(operation="TypeFact").first()
    assert change
    assert (change.before, change.after) == ({"extensions": 3}, {"extensions": 4})


def test_a_fact_is_about_its_own_cluster(api: APIClient) -> None:
    make_cluster("other")
    make_database_cluster("berlin", nodes=1)
    body = {"cluster": "other", "key": "k", "value": 1, "node": Node.objects.get().pk}

    answer = api.post(f"{API}facts/", body, format="json")

    assert set(answer.json()["errors"]) == {"node"}


def test_a_window_belongs_to_who_opens_it_and_to_one_cluster(api: APIClient) -> None:
    make_cluster("other")
    make_database_cluster("berlin", nodes=1)
    body = {
        "cluster": "berlin",
        "container": Container.objects.get().pk,
        "starts_at": "2026-11-20T12:00:00Z",
        "ends_at": "2026-11-20T13:00:00Z",
        "reason": "New disk",
    }

    made = api.post(f"{API}maintenance-windows/", body, format="json")
    elsewhere = api.post(f"{API}maintenance-windows/", body | {"cluster": "other"}, format="json")

    assert made.status_code == 201, made.content
    assert made.json()["opened_by"] == api.username  # type: ignore[attr-defined]
    assert set(elsewhere.json()["errors"]) == {"container"}


def test_findings_and_topology_are_shown(api: APIClient) -> None:
    make_database_cluster("berlin", nodes=2)

    findings = api.get(f"{API}clusters/berlin/findings/").json()
    topology = api.get(f"{API}clusters/berlin/topology/").json()

    odd = next(finding for finding in findings if finding["key"] == "odd-members")
    assert odd["blocks"] == "run"
    assert [node["name"] for node in topology["nodes"]] == ["pg-node-01", "pg-node-02"]
    assert topology["networks"][0]["cidr"] == "10.203.0.0/24"


def test_a_role_shows_its_facts_with_sources(api: APIClient) -> None:
    make_cluster("berlin")

    roles = api.get(f"{API}roles/?platform=ring2all&key=database").json()["results"]
    content = api.get(f"{API}platforms/ring2all/content/").json()

    assert roles[0]["facts"]["counts"]["source"]["document"]
    assert content["key"] == "ring2all"
    assert content["schema"] == 1


def test_lists_are_paged_filtered_and_ordered(api: APIClient) -> None:
    cluster = make_database_cluster("berlin")
    make_container(make_cluster("other"), "elsewhere")

    page = api.get(f"{API}containers/?cluster=berlin&page_size=2&ordering=-name").json()

    assert page["count"] == 3
    assert [row["name"] for row in page["results"]] == ["pg-node-03", "pg-node-02"]
    assert page["next"]
    by_role = api.get(f"{API}nodes/?role=database&cluster={cluster.slug}").json()
    assert by_role["count"] == 3
    assert api.get(f"{API}containers/?page_size=5000").status_code == 200


def test_a_mistyped_filter_or_ordering_is_refused(api: APIClient) -> None:
    mistyped = api.get(f"{API}containers/?clutser=berlin")
    unknown = api.get(f"{API}containers/?ordering=colour")
    wrong = api.get(f"{API}containers/?state=asleep")

    assert set(mistyped.json()["errors"]) == {"clutser"}
    assert set(unknown.json()["errors"]) == {"ordering"}
    assert set(wrong.json()["errors"]) == {"state"}


@pytest.mark.parametrize("path", ["clusters", "containers", "nodes", "roles", "placements"])
def test_a_longer_list_takes_no_more_queries(path: str, api: APIClient) -> None:
    make_database_cluster("berlin", nodes=1)
    few = _queries(api, path)
    for number in range(3):
        make_node(make_container(make_cluster(), "host"), f"node-{number}")

    assert _queries(api, path) == few
    assert few < 15


def _queries(api: APIClient, path: str) -> int:
    """Count the queries of a list."""
    with CaptureQueriesContext(connection) as queries:
        assert api.get(f"{API}{path}/").status_code == 200
    return len(queries)


def test_a_missing_row_is_a_problem_too(api: APIClient) -> None:
    for key in ("clusters/none", "clusters/%00", "nodes/0", "nodes/abc", f"containers/{10**30}"):
        answer = api.get(f"{API}{key}/")
        assert answer.status_code == 404
        assert answer["Content-Type"] == "application/problem+json"


def test_a_method_that_is_not_there_is_a_problem_too(api: APIClient) -> None:
    assert api.delete(f"{API}clusters/").status_code == 405
    assert api.post(f"{API}changes/", {}, format="json").status_code == 405


def test_a_host_without_address_has_no_key(api: APIClient) -> None:
    container = make_container(make_cluster("berlin"), "host", private=None)

    answer = api.get(f"{API}containers/{container.pk}/host-key/")

    assert answer.status_code == 502
    assert "no private address" in answer.json()["detail"]


def test_the_openapi_document_has_no_warnings() -> None:
    call_command("spectacular", "--fail-on-warn", "--validate", stdout=StringIO())


def test_the_openapi_document_and_its_page_are_for_users(api: APIClient) -> None:
    assert APIClient().get(f"{API}schema/").status_code == 401
    assert api.get(f"{API}schema/").status_code == 200
    api.force_login(make_user())
    page = api.get(f"{API}docs/")
    assert page.status_code == 200
    assert b"sidecar" in page.content
