"""The Django admin: it writes through operations and refuses what the API refuses."""

from html import unescape
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from inventory.board import vendor_words
from inventory.models import (
    Balancer,
    Change,
    Cluster,
    Container,
    Credential,
    Fact,
    Hypervisor,
    Location,
    MaintenanceWindow,
    Network,
    Node,
    Platform,
    PlatformOverride,
    Role,
)
from inventory.states import Origin
from tests.factories import (
    make_cluster,
    make_container,
    make_credential,
    make_database_cluster,
    make_network,
    make_user,
)
from tests.inventory.test_api import container_body, private_key

pytestmark = pytest.mark.django_db
DISK = {"device": "/dev/sda", "size_gib": 500, "kind": "ssd", "purpose": "system"}
import_module("voipadmin.urls")  # where the admin discovers its pages
MODELS = sorted(
    (model for model in admin.site._registry if model._meta.app_label == "inventory"),
    key=lambda model: model._meta.model_name or "",
)
READ_ONLY = (
    "address",
    "availabilitygroup",
    "certificate",
    "change",
    "disk",
    "event",
    "placement",
    "platform",
    "platformrevision",
    "release",
    "role",
    "roleassignment",
    "secret",
    "waiver",
)


def address(model: str, page: str, *args: Any) -> str:
    """Return the address of an admin page."""
    return reverse(f"admin:inventory_{model}_{page}", args=args)


def text(answer: Any) -> str:
    """Return what the page says, without entities."""
    return unescape(answer.content.decode())


def parts(prefix: str, *rows: dict[str, Any], initial: int = 0) -> dict[str, Any]:
    """Return what an inline sends."""
    return {
        f"{prefix}-TOTAL_FORMS": len(rows),
        f"{prefix}-INITIAL_FORMS": initial,
        **{
            f"{prefix}-{number}-{name}": value
            for number, row in enumerate(rows)
            for name, value in row.items()
        },
    }


def container_form(cluster: Cluster | None, *addresses: dict[str, Any], **fields: Any) -> Any:
    """Return what the form of a container sends."""
    return {
        "cluster": cluster.pk if cluster else "",
        "name": "pg-node-09",
        "state": "running",
        "os_id": "debian",
        "os_version": "13",
        "arch": "x86_64",
        "vcpus": 4,
        "memory_mib": 16384,
        "ssh_port": 22,
        "ssh_network": "private",
        **parts("addresses", *addresses),
        **parts("disks", DISK),
        **fields,
    }


def node_form(cluster: Cluster, container: Container, *roles: str, **fields: Any) -> Any:
    """Return what the form of a node sends."""
    keys = [Role.objects.get(platform=cluster.platform, key=role).pk for role in roles]
    return {
        "cluster": cluster.pk,
        "name": "pg-1",
        "container": container.pk,
        **parts("assignments", *({"role": key} for key in keys)),
        **fields,
    }


def test_every_model_of_the_inventory_has_a_page(signed_in: Client) -> None:
    make_database_cluster("berlin", nodes=1)

    assert set(MODELS) == set(apps.get_app_config("inventory").get_models())
    for model in MODELS:
        name = model._meta.model_name or ""
        listed = signed_in.get(address(name, "changelist"))
        assert listed.status_code == 200, name
        if model_admin := admin.site._registry[model].search_fields:
            found = signed_in.get(address(name, "changelist"), {"q": "10.203"})
            assert found.status_code == 200, model_admin
        row = model._default_manager.first()
        if row:
            assert signed_in.get(address(name, "change", row.pk)).status_code == 200, name


@pytest.mark.parametrize("model", READ_ONLY)
def test_what_the_machinery_writes_nobody_changes(model: str, signed_in: Client) -> None:
    assert signed_in.get(address(model, "add")).status_code == 403


def test_a_viewer_sees_and_changes_nothing(client: Client) -> None:
    make_database_cluster("berlin", nodes=1)
    viewer = make_user(
        permissions=(
            "inventory.view_node",
            "inventory.view_container",
            "inventory.view_credential",
        )
    )
    viewer.is_staff = True
    viewer.save()
    client.force_login(viewer)
    make_credential(private_key())

    for model in (Node, Container, Credential):
        name = model._meta.model_name or ""
        page = address(name, "change", model.objects.get().pk)
        shown = client.get(page)
        assert shown.status_code == 200, name
        assert "PRIVATE" not in text(shown)
        assert client.post(page, {}).status_code == 403
        assert client.get(address(name, "add")).status_code == 403


def test_strangers_are_led_to_the_portals_sign_in(client: Client) -> None:
    answer = client.get(reverse("admin:index"), follow=True)

    assert answer.redirect_chain[-1][0].startswith(reverse("login"))
    assert f"next={reverse('admin:index')}" in answer.redirect_chain[-1][0]


def test_who_is_no_staff_gets_no_admin(client: Client) -> None:
    client.force_login(make_user())

    assert client.get(reverse("admin:index"), follow=True).status_code == 403


def test_a_container_is_added_with_its_parts_as_one_change(
    signed_in: Client, administrator: User
) -> None:
    cluster = make_cluster("berlin")
    network = Network.objects.get(name="berlin-private")
    row = {"network": network.pk, "ip": "10.203.0.9", "name": "pg9.example.com"}

    answer = signed_in.post(address("container", "add"), container_form(cluster, row))

    assert answer.status_code == 302, text(answer)
    container = Container.objects.get()
    assert [str(a.ip) for a in container.addresses.all()] == ["10.203.0.9"]
    assert [d.device for d in container.disks.all()] == ["/dev/sda"]
    change = Change.objects.first()
    assert change
    assert (change.operation, change.actor) == ("AddContainer", administrator)
    assert LogEntry.objects.get().object_id == str(container.pk)


def test_a_container_is_changed_and_goes_to_the_pool_and_back(signed_in: Client) -> None:
    cluster = make_cluster("berlin")
    container = make_container(cluster, "pg-node-09", private="10.203.0.9")
    page = address("container", "change", container.pk)
    own, disk = container.addresses.get(), container.disks.get()
    network = own.network_id
    kept = {"id": own.pk, "container": container.pk, "network": network, "ip": "10.203.0.10"}
    disks = parts("disks", {"id": disk.pk, "container": container.pk, **DISK}, initial=1)
    addresses = parts("addresses", kept, initial=1)

    form = container_form(cluster, vcpus=8) | disks | addresses
    changed = signed_in.post(page, form)
    freed = signed_in.post(page, form | {"cluster": ""})
    in_pool = Container.objects.free().get()
    taken = signed_in.post(page, form)

    assert changed.status_code == 302, text(changed)
    assert freed.status_code == 302, text(freed)
    assert in_pool == container
    assert taken.status_code == 302, text(taken)
    container.refresh_from_db()
    assert (container.vcpus, container.cluster) == (8, cluster)
    assert str(container.addresses.get().ip) == "10.203.0.10"


def test_admin_and_api_refuse_an_address_with_the_same_words(
    signed_in: Client, administrator: User
) -> None:
    cluster = make_database_cluster("berlin", nodes=1)
    network = Network.objects.get(name="berlin-private")
    api = APIClient()
    api.force_authenticate(administrator)

    for ip, rule in (("10.9.9.9", "R5"), ("10.203.0.31", "R50")):
        body = container_body("berlin", addresses=[{"network": network.name, "ip": ip}])
        finding = api.post("/api/v1/containers/", body, format="json").json()["findings"][0]
        row = {"network": network.pk, "ip": ip}
        answer = signed_in.post(address("container", "add"), container_form(cluster, row))

        assert finding["rule"] == rule
        assert answer.status_code == 200
        assert f"{finding['rule']}: {finding['message']}" in text(answer)
        assert finding["source"]["text"] in text(answer)
        assert ip in text(answer)
    assert Container.objects.count() == 1
    assert not LogEntry.objects.exists()


def test_form_admin_and_api_refuse_a_node_with_the_same_words(
    signed_in: Client, administrator: User
) -> None:
    cluster = make_cluster("berlin")
    bare = make_container(cluster, "bare", private=None, vcpus=1)
    body = {
        "cluster": "berlin",
        "name": "pg-1",
        "container": "bare",
        "roles": [{"role": "database"}],
    }
    api = APIClient()
    api.force_authenticate(administrator)

    findings = api.post("/api/v1/nodes/", body, format="json").json()["findings"]
    answer = signed_in.post(address("node", "add"), node_form(cluster, bare, "database"))
    page = signed_in.post(
        reverse("inventory:node-create", args=["berlin"]),
        {"name": "pg-1", "container": "bare", "roles": ["database"]},
    )

    assert len(findings) == 2
    assert page.status_code == 409
    for finding in findings:
        assert f"{finding['rule']}: {finding['message']}" in text(answer)
        assert finding["rule"] in text(page)
        assert finding["message"] in text(page)
        assert vendor_words(finding["source"]["text"]) in text(page)
    assert not Node.objects.exists()


def test_what_a_rule_warns_of_is_said_after_the_save(signed_in: Client) -> None:
    cluster = make_cluster("berlin")
    open_host = make_container(cluster, "open", public="10.204.0.9")

    answer = signed_in.post(
        address("node", "add"), node_form(cluster, open_host, "database"), follow=True
    )

    assert Node.objects.exists()
    assert "should not be reachable from the public network" in text(answer)


def test_a_login_is_chosen_by_whom_it_belongs_to(signed_in: Client) -> None:
    cluster = make_cluster("berlin")
    login = make_credential(private_key(), name="hers", user=make_user("she"))

    answer = signed_in.post(
        address("container", "add"), container_form(cluster, credential=login.pk)
    )

    assert "Select a valid choice" in text(answer)
    assert "hers" not in text(answer)
    assert not Container.objects.exists()


def test_a_network_named_twice_is_refused(signed_in: Client) -> None:
    cluster = make_cluster("berlin")
    network = Network.objects.get(name="berlin-private")
    rows = [{"network": network.pk, "ip": f"10.203.0.{n}"} for n in (8, 9)]

    answer = signed_in.post(address("container", "add"), container_form(cluster, *rows))

    assert answer.status_code == 200
    assert "duplicate" in text(answer)
    assert not Container.objects.exists()


def test_bad_values_are_named_at_their_fields(signed_in: Client) -> None:
    form = container_form(None, name="-bad-", ssh_port=70000, vcpus="many")

    answer = signed_in.post(address("container", "add"), form)

    errors = answer.context["adminform"].form.errors
    assert {"ssh_port", "vcpus"} <= set(errors)
    assert "host name has letters" in str(errors)


def test_a_node_is_added_moved_given_another_name_and_removed(signed_in: Client) -> None:
    cluster = make_cluster("berlin")
    first, second = make_container(cluster, "host-1"), make_container(cluster, "host-2")

    added = signed_in.post(address("node", "add"), node_form(cluster, first, "database"))
    node = Node.objects.get()
    held = node.assignments.get()
    page = address("node", "change", node.pk)
    shown = signed_in.get(page)
    row = {"id": held.pk, "node": node.pk, "role": held.role_id}
    form = {"name": "pg-2", "container": second.pk, **parts("assignments", row, initial=1)}
    changed = signed_in.post(page, form)
    removed = signed_in.post(address("node", "delete", node.pk), {"post": "yes"})

    assert added.status_code == 302, text(added)
    assert shown.status_code == 200
    assert changed.status_code == 302, text(changed)
    assert removed.status_code == 302
    node.refresh_from_db()
    assert node.name == "pg-2"
    assert node.removed_at
    assert [p.container.name for p in node.placements.all()] == ["host-1", "host-2"]
    assert list(Change.objects.values_list("operation", flat=True)[:4]) == [
        "RemoveNode", "ChangeNode", "MoveNode", "AddNode",
    ]  # fmt: skip
    assert signed_in.get(page).status_code == 200
    assert signed_in.post(page, form).status_code == 403


def test_a_node_needs_a_role(signed_in: Client) -> None:
    cluster = make_cluster("berlin")
    form = node_form(cluster, make_container(cluster, "host"))

    answer = signed_in.post(address("node", "add"), form | parts("assignments", {"role": ""}))

    assert answer.status_code == 200
    assert not Node.objects.exists()


def test_a_role_of_another_platform_is_refused(signed_in: Client) -> None:
    cluster = make_cluster("berlin")
    foreign = Role.objects.filter(platform__key="voipnow").first()
    assert foreign
    form = node_form(cluster, make_container(cluster, "host"))

    answer = signed_in.post(
        address("node", "add"), form | parts("assignments", {"role": foreign.pk})
    )

    assert answer.status_code == 200
    assert f"has no role {foreign.key}" in text(answer)


def test_nodes_are_removed_in_bulk_by_operations(signed_in: Client) -> None:
    make_database_cluster("berlin")
    chosen = list(Node.objects.values_list("pk", flat=True)[:2])
    action = {"action": "delete_selected", "_selected_action": chosen}

    asked = signed_in.post(address("node", "changelist"), action)
    answer = signed_in.post(address("node", "changelist"), action | {"post": "yes"})

    assert asked.status_code == 200
    assert answer.status_code == 302
    assert Node.objects.count() == 3
    assert Node.objects.filter(removed_at=None).count() == 1
    assert Change.objects.filter(operation="RemoveNode").count() == 2


def test_a_bulk_removal_is_all_or_nothing(signed_in: Client) -> None:
    cluster = make_database_cluster("berlin", nodes=1)
    make_container(cluster, "aaa-free")
    action = {
        "action": "delete_selected",
        "_selected_action": list(Container.objects.values_list("pk", flat=True)),
        "post": "yes",
    }

    answer = signed_in.post(address("container", "changelist"), action, follow=True)

    assert "runs pg-node-01" in text(answer)
    assert Container.objects.count() == 2
    assert not LogEntry.objects.exists()


def test_a_container_that_runs_a_node_stays(signed_in: Client) -> None:
    make_database_cluster("berlin", nodes=1)
    page = address("container", "delete", Container.objects.get().pk)

    asked = signed_in.get(page)
    answer = signed_in.post(page, {"post": "yes"}, follow=True)

    assert asked.status_code == 200
    assert "runs pg-node-01" in text(answer)
    assert Container.objects.exists()


def test_a_cluster_is_made_and_changed(signed_in: Client) -> None:
    other = make_cluster("other")
    lan = make_network("lan", cidr="10.1.0.0/24")
    form = {
        "slug": "berlin",
        "name": "Berlin",
        "platform": other.platform_id,
        "release": other.release_id,
        "kind": "distributed",
        "state": "planning",
        "infrastructure": "own",
        "time_zone": "Europe/Berlin",
        "country": "DE",
        "networks": [lan.pk],
        "parameters": "{}",
    }

    added = signed_in.post(address("cluster", "add"), form)
    cluster = Cluster.objects.get(slug="berlin")
    changed = signed_in.post(
        address("cluster", "change", cluster.pk), form | {"name": "B", "networks": []}
    )
    removed = signed_in.post(address("cluster", "delete", cluster.pk), {"post": "yes"})

    assert added.status_code == 302, text(added)
    assert changed.status_code == 302, text(changed)
    assert removed.status_code == 302
    operations = Change.objects.values_list("operation", flat=True)[:5]
    assert list(operations) == [
        "RemoveCluster", "DetachNetwork", "ChangeCluster", "AttachNetwork", "AddCluster",
    ]  # fmt: skip


def test_a_network_in_use_keeps_its_addresses(signed_in: Client) -> None:
    make_database_cluster("berlin", nodes=1)
    network = Network.objects.get(name="berlin-private")
    page = address("network", "change", network.pk)

    answer = signed_in.post(
        page, {"name": network.name, "kind": "private", "cidr": "10.203.0.0/28"}
    )
    removed = signed_in.post(address("network", "delete", network.pk), {"post": "yes"}, follow=True)

    assert "R5: Address 10.203.0.31" in text(answer)
    assert "It is still needed by" in text(removed)
    network.refresh_from_db()
    assert str(network.cidr) == "10.203.0.0/24"


def test_a_secret_is_typed_once_and_never_shown(signed_in: Client) -> None:
    secret = private_key()
    form = {"name": "root key", "kind": "key", "username": "root", "secret": secret}

    nothing = signed_in.post(address("credential", "add"), form | {"secret": ""})
    wrong = signed_in.post(address("credential", "add"), form | {"secret": "hunter2"})
    added = signed_in.post(address("credential", "add"), form)
    page = address("credential", "change", Credential.objects.get().pk)
    shown = signed_in.get(page)
    renamed = signed_in.post(page, form | {"name": "other", "secret": ""})

    assert "paste the private key" in text(nothing)
    assert "cannot be read" in text(wrong)
    assert "hunter2" not in text(wrong)
    assert added.status_code == 302, text(added)
    assert "PRIVATE KEY" not in text(shown)
    assert renamed.status_code == 302
    row = Credential.objects.get()
    assert (row.name, row.secret) == ("other", secret)


def test_a_balancer_is_set_and_refused_by_the_rule(signed_in: Client) -> None:
    cluster = make_database_cluster("berlin", nodes=1)
    form = {
        "cluster": cluster.pk,
        "role": cluster.platform.roles.get(key="database").pk,
        "name": "vip",
        "network": cluster.networks.get(kind="private").pk,
        "ip": "10.203.0.31",
        "instances": 1,
    }

    refused = signed_in.post(address("balancer", "add"), form)
    added = signed_in.post(address("balancer", "add"), form | {"ip": "10.203.0.5"})
    page = address("balancer", "change", Balancer.objects.get().pk)
    changed = signed_in.post(page, form | {"ip": "10.203.0.6"})

    assert "R50: Address 10.203.0.31" in text(refused)
    assert added.status_code == 302, text(added)
    assert changed.status_code == 302, text(changed)
    assert str(Balancer.objects.get().ip) == "10.203.0.6"


def test_places_and_windows_are_written_and_logged(signed_in: Client, administrator: User) -> None:
    cluster = make_cluster("berlin")
    signed_in.post(address("location", "add"), {"name": "Berlin"})
    place = Location.objects.get()
    signed_in.post(address("hypervisor", "add"), {"name": "hv", "location": place.pk})
    window = {
        "cluster": cluster.pk,
        "starts_at_0": "2026-11-20",
        "starts_at_1": "12:00",
        "ends_at_0": "2026-11-20",
        "ends_at_1": "11:00",
        "reason": "New disk",
    }

    wrong = signed_in.post(address("maintenancewindow", "add"), window)
    signed_in.post(address("maintenancewindow", "add"), window | {"ends_at_1": "13:00"})
    needed = signed_in.post(address("location", "delete", place.pk), {"post": "yes"}, follow=True)

    assert "ends after it starts" in text(wrong)
    assert MaintenanceWindow.objects.get().opened_by == administrator
    assert "It is still needed by hypervisor hv" in text(needed)
    assert Hypervisor.objects.exists()
    assert Change.objects.filter(operation="AddMaintenanceWindow", actor=administrator).exists()


def test_a_fact_is_typed_and_a_measured_one_stays(signed_in: Client) -> None:
    cluster = make_cluster("berlin")
    form = {"cluster": cluster.pk, "key": "extensions", "value": "3"}

    added = signed_in.post(address("fact", "add"), form)
    signed_in.post(address("fact", "add"), form | {"value": "4"})
    fact = Fact.objects.get()

    assert added.status_code == 302, text(added)
    assert (fact.value, fact.origin) == (4, Origin.TYPED)
    assert signed_in.post(address("fact", "change", fact.pk), form).status_code == 403


def test_an_override_has_an_author_and_fits_its_platform(
    signed_in: Client, administrator: User
) -> None:
    make_cluster("berlin")
    platform = Platform.objects.get(key="ring2all")
    form = {
        "platform": platform.pk,
        "path": "roles.database.counts.maximum",
        "value": "9",
        "reason": "Our vendor allows it in writing.",
    }

    unfit = signed_in.post(address("platformoverride", "add"), form | {"path": "roles.cook.salt"})
    added = signed_in.post(address("platformoverride", "add"), form)

    assert unfit.status_code == 200
    assert unfit.context["adminform"].form.errors["path"]
    assert added.status_code == 302, text(added)
    assert PlatformOverride.objects.get().author == administrator
