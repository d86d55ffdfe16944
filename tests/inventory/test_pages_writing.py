"""What pages write, and how they refuse: rule, sentence, source, and nothing typed is lost."""

from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from django.test import Client
from django.urls import reverse

from inventory.models import Change, Cluster, Container, Credential, Network, Node, Release
from tests.factories import (
    make_cluster,
    make_container,
    make_credential,
    make_database_cluster,
    make_network,
    make_node,
    make_platforms,
    make_user,
)

pytestmark = pytest.mark.django_db


def private_key(password: bytes | None = None) -> str:
    """Make an OpenSSH private key."""
    encryption = (
        serialization.BestAvailableEncryption(password)
        if password
        else serialization.NoEncryption()
    )
    return (
        ed25519.Ed25519PrivateKey.generate()
        .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, encryption)
        .decode()
    )


def machine(cluster: Cluster | None = None, **fields: Any) -> dict[str, Any]:
    """Return what a person types for a database machine."""
    data = {
        "name": "pg-node-01",
        "state": "running",
        "os_id": "debian",
        "os_version": "13",
        "arch": "x86_64",
        "vcpus": "4",
        "memory_mib": "16384",
        "ssh_network": "private",
        "ssh_port": "22",
        "method": "stored",
        "username": "root",
        "disks-TOTAL_FORMS": "1",
        "disks-INITIAL_FORMS": "0",
        "disks-0-device": "/dev/sda",
        "disks-0-size_gib": "500",
        "disks-0-kind": "ssd",
        "disks-0-purpose": "system",
    }
    if cluster:
        data["private_network"] = str(Network.objects.get(name=f"{cluster.slug}-private").pk)
        data["private_ip"] = "10.203.0.31"
        data["private_name"] = "pg-node-01.internal"
    return data | fields


def create(client: Client, cluster: Cluster | None, **fields: Any) -> Any:
    """Post the form of a new container."""
    address = reverse("inventory:container-create")
    query = f"?cluster={cluster.slug}" if cluster else ""
    return client.post(address + query, machine(cluster, **fields))


def test_a_cluster_is_created_with_its_networks(signed_in: Client) -> None:
    make_platforms()
    network = make_network("net")
    release = Release.objects.get(key="stable")

    response = signed_in.post(
        reverse("inventory:cluster-create"),
        {
            "name": "Alpha",
            "slug": "alpha",
            "release": release.pk,
            "kind": "distributed",
            "infrastructure": "own",
            "time_zone": "Europe/Berlin",
            "country": "DE",
            "networks": [network.pk],
        },
    )

    cluster = Cluster.objects.get()
    assert response.headers["Location"] == "/clusters/alpha/"
    assert cluster.platform.key == "ring2all"
    assert list(cluster.networks.all()) == [network]


def test_a_cluster_form_names_every_error_at_once(signed_in: Client) -> None:
    make_platforms()

    response = signed_in.post(
        reverse("inventory:cluster-create"),
        {"name": "", "slug": "new", "time_zone": "Berlin", "country": "germany"},
    )

    page = response.content.decode()
    assert response.status_code == 400
    assert "This field is required." in page
    assert "new is an address of the portal" in page
    assert "Berlin is not a time zone" in page
    assert "Ensure this value has at most 2 characters" in page


def test_a_cluster_is_changed_through_an_operation(signed_in: Client) -> None:
    cluster = make_cluster("alpha")
    private = Network.objects.get(name="alpha-private")

    signed_in.post(
        reverse("inventory:cluster-edit", args=["alpha"]),
        {
            "name": "Beta",
            "slug": "alpha",
            "release": cluster.release_id,
            "kind": "distributed",
            "infrastructure": "cloud",
            "time_zone": "UTC",
            "country": "",
            "state": "planning",
            "networks": [private.pk],
        },
    )

    cluster.refresh_from_db()
    assert (cluster.name, cluster.infrastructure) == ("Beta", "cloud")
    assert list(cluster.networks.all()) == [private]
    operations = set(Change.objects.filter(cluster=cluster).values_list("operation", flat=True))
    assert {"ChangeCluster", "DetachNetwork"} <= operations


def test_a_network_is_created_for_a_cluster(signed_in: Client) -> None:
    cluster = make_cluster("alpha")

    signed_in.post(
        reverse("inventory:network-create") + "?cluster=alpha",
        {"name": "backup", "kind": "private", "cidr": "10.9.0.0/24"},
    )

    assert cluster.networks.filter(name="backup").exists()


def test_a_network_with_host_bits_is_refused(signed_in: Client) -> None:
    response = signed_in.post(
        reverse("inventory:network-create"), {"name": "x", "kind": "private", "cidr": "10.9.0"}
    )

    assert response.status_code == 400
    assert not Network.objects.exists()


def test_a_container_is_described_with_address_disk_and_a_new_login(signed_in: Client) -> None:
    cluster = make_cluster("alpha")
    key = private_key()

    response = create(
        signed_in, cluster, method="key", login_name="lab", private_key=key.replace("\n", "\r\n")
    )

    container = Container.objects.get()
    assert response.headers["Location"] == container.get_absolute_url()
    assert str(container.addresses.get().ip) == "10.203.0.31"
    assert container.disks.get().size_gib == 500
    assert container.credential == Credential.objects.get()
    assert Credential.objects.get().secret == key
    assert key.splitlines()[1] not in signed_in.get(container.get_absolute_url()).content.decode()


def test_a_key_with_a_passphrase_is_refused_and_not_sent_back(signed_in: Client) -> None:
    key = private_key(b"phrase")

    response = create(
        signed_in, make_cluster("alpha"), method="key", login_name="lab", private_key=key
    )

    page = response.content.decode()
    assert response.status_code == 400
    assert "passphrase" in page
    assert key.splitlines()[1] not in page
    assert not Container.objects.exists()


def test_a_container_form_names_every_error_at_once_and_keeps_what_was_typed(
    signed_in: Client,
) -> None:
    cluster = make_cluster("alpha")
    wrong = {
        "name": "pg_node",
        "vcpus": "0",
        "memory_mib": "lots",
        "ssh_port": "70000",
        "private_ip": "10.203.0.999",
        "private_name": "-bad-",
        "disks-0-device": "sda",
        "method": "key",
    }

    page = create(signed_in, cluster, **wrong).content.decode()

    assert "A host name has letters, digits and hyphens" in page
    assert "greater than or equal to 1" in page
    assert "Enter a whole number." in page
    assert "less than or equal to 65535" in page
    assert "Enter a valid IPv4 or IPv6 address." in page
    assert "A device, such as /dev/sdb." in page
    assert "Give the login a name." in page
    assert "Paste the private key." in page
    for typed in ("pg_node", "lots", "10.203.0.999", "-bad-"):
        assert f'value="{typed}"' in page


def test_an_address_outside_its_network_is_refused_by_its_rule(signed_in: Client) -> None:
    cluster = make_cluster("alpha")

    response = create(
        signed_in, cluster, private_ip="192.0.2.7", method="password", login_name="x", password="y"
    )

    page = response.content.decode()
    assert response.status_code == 409
    assert "Not saved" in page
    assert 'value="192.0.2.7"' in page
    assert not Container.objects.exists()
    assert not Credential.objects.exists()


def test_a_container_name_twice_is_refused(signed_in: Client) -> None:
    cluster = make_cluster("alpha")
    make_container(cluster, "pg-node-01", private="10.203.0.77")

    response = create(signed_in, cluster)

    assert response.status_code == 400
    assert "choose another name" in response.content.decode()


def test_an_edit_keeps_host_key_and_addresses_it_does_not_show(signed_in: Client) -> None:
    cluster = make_cluster("alpha")
    container = make_container(
        cluster, "pg-node-01", private="10.203.0.31", host_key="ssh-ed25519 AAAA"
    )

    signed_in.post(
        reverse("inventory:container-edit", args=[container.pk]),
        machine(cluster, vcpus="8", **{"disks-INITIAL_FORMS": "1"}),
    )

    container.refresh_from_db()
    assert container.vcpus == 8
    assert container.host_key == "ssh-ed25519 AAAA"
    assert container.addresses.get().name == "pg-node-01.internal"


def test_a_disk_is_removed_when_ticked(signed_in: Client) -> None:
    cluster = make_cluster("alpha")
    container = make_container(cluster, "pg-node-01", private="10.203.0.31")

    signed_in.post(
        reverse("inventory:container-edit", args=[container.pk]),
        machine(cluster, **{"disks-INITIAL_FORMS": "1", "disks-0-DELETE": "on"}),
    )

    assert not container.disks.exists()


def test_a_free_container_is_given_to_a_cluster_and_back(signed_in: Client) -> None:
    cluster = make_cluster("alpha")
    container = make_container(
        None, "spare", networks=("alpha-private", "alpha-public"), private="10.203.0.50"
    )

    signed_in.post(
        reverse("inventory:container-adopt", args=[container.pk]), {"cluster": cluster.pk}
    )

    container.refresh_from_db()
    assert container.cluster == cluster

    signed_in.post(reverse("inventory:container-release", args=[container.pk]))

    container.refresh_from_db()
    assert container.cluster is None


def test_a_container_that_runs_a_node_stays_in_its_cluster(signed_in: Client) -> None:
    container = make_container(make_cluster("alpha"), "pg-node-01")
    make_node(container, "pg-node-01")

    response = signed_in.post(
        reverse("inventory:container-release", args=[container.pk]), follow=True
    )

    assert "move or remove the node first" in response.content.decode()


def test_a_node_is_added_with_its_role(signed_in: Client) -> None:
    make_container(make_cluster("alpha"), "pg-node-01")

    response = signed_in.post(
        reverse("inventory:node-create", args=["alpha"]),
        {"name": "pg-node-01", "container": "pg-node-01", "roles": ["database"]},
    )

    node = Node.objects.get()
    assert response.headers["Location"] == node.get_absolute_url()
    assert node.assignments.get().role.key == "database"


def test_a_node_on_too_small_a_machine_is_refused_with_rule_and_source(signed_in: Client) -> None:
    make_container(make_cluster("alpha"), "tiny", vcpus=1, memory_mib=1024)

    response = signed_in.post(
        reverse("inventory:node-create", args=["alpha"]),
        {"name": "my-own-name", "container": "tiny", "roles": ["database"]},
    )

    page = response.content.decode()
    assert response.status_code == 409
    assert "R120" in page
    assert "1 vCPU and 1 GiB memory" in page
    assert "192.168.10.31 · 4 · 16GB · 500GB SSD" in page
    assert "Distributed Deployment Overview" in page
    assert 'value="my-own-name"' in page
    assert 'value="database"' in page
    assert "checked" in page
    assert not Node.objects.exists()


def test_a_node_form_names_every_error_at_once(signed_in: Client) -> None:
    make_cluster("alpha")

    response = signed_in.post(
        reverse("inventory:node-create", args=["alpha"]), {"name": "no good", "container": ""}
    )

    page = response.content.decode()
    assert response.status_code == 400
    assert "A host name has letters" in page
    assert "This field is required." in page
    assert "A node has at least one role" in page


def test_a_node_gets_another_name_and_role(signed_in: Client) -> None:
    container = make_container(make_cluster("alpha"), "pg-node-01")
    node = make_node(container, "pg-node-01")

    signed_in.post(
        reverse("inventory:node-edit", args=[node.pk]), {"name": "admin-1", "roles": ["admin"]}
    )

    node.refresh_from_db()
    assert node.name == "admin-1"
    assert node.assignments.get(valid_to=None).role.key == "admin"


def test_a_role_with_groups_takes_one_from_the_form(signed_in: Client) -> None:
    cluster = make_cluster("beta", platform="voipnow")
    make_container(cluster, "hub-1", os_id="rhel", os_version="8.10")

    signed_in.post(
        reverse("inventory:node-create", args=["beta"]),
        {
            "name": "hub-1",
            "container": "hub-1",
            "roles": ["distributed-database"],
            "group_distributed-database": "A",
        },
    )

    assignment = Node.objects.get().assignments.get()
    assert assignment.availability_group is not None
    assert assignment.availability_group.name == "A"


def test_a_node_moves_and_keeps_its_past(signed_in: Client) -> None:
    cluster = make_cluster("alpha")
    node = make_node(make_container(cluster, "pg-node-01"), "pg-node-01")
    make_container(cluster, "spare")

    signed_in.post(reverse("inventory:node-move", args=[node.pk]), {"container": "spare"})

    assert node.placements.get(valid_to=None).container.name == "spare"
    assert node.placements.count() == 2


def test_a_removal_says_what_is_lost_and_wants_the_name(signed_in: Client) -> None:
    node = Node.objects.filter(cluster=make_database_cluster("alpha")).first()
    assert node
    address = reverse("inventory:node-remove", args=[node.pk])

    page = signed_in.get(address).content.decode()
    refused = signed_in.post(address, {"confirm": "something-else"})

    assert "What is lost" in page
    assert "R113" in page
    assert refused.status_code == 400
    assert Node.objects.filter(pk=node.pk, removed_at=None).exists()

    signed_in.post(address, {"confirm": node.name, "reason": "It is old."})

    assert not Node.objects.filter(pk=node.pk, removed_at=None).exists()
    assert Change.objects.filter(operation="RemoveNode", reason="It is old.").exists()


def test_a_login_of_another_user_is_not_offered_but_kept_where_it_is_held(
    signed_in: Client,
) -> None:
    cluster = make_cluster("alpha")
    make_credential(private_key(), name="shared")
    hers = make_credential(private_key(), name="hers", user=make_user("olga"))
    container = make_container(cluster, "pg-node-01", private="10.203.0.31", credential="hers")

    new = signed_in.get(reverse("inventory:container-create") + "?cluster=alpha")
    signed_in.post(
        reverse("inventory:container-edit", args=[container.pk]),
        machine(cluster, credential=str(hers.pk), **{"disks-INITIAL_FORMS": "1"}),
    )

    assert "shared (root)" in new.content.decode()
    assert "hers (root)" not in new.content.decode()
    container.refresh_from_db()
    assert container.credential == hers
