"""What is recorded of infrastructure and machines, and that no technology is demanded."""

from dataclasses import replace

import pytest
from django.core.exceptions import ValidationError

from inventory.models import Change, Hypervisor, Location, Node, Placement
from inventory.operations import ChangeCluster, ChangeContainer, MoveNode, Refused, perform
from inventory.rules import findings, propose
from inventory.snapshot import container_view, load_topology
from inventory.topology import DiskView
from tests.factories import make_cluster, make_container, make_node, platform_data

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("kind", ["own", "cloud"])
def test_infrastructure_is_recorded_as_a_kind(kind: str) -> None:
    """R1: servers and switches are not managed."""
    cluster = make_cluster(infrastructure=kind)

    assert load_topology(cluster).cluster.infrastructure == kind


def test_there_is_no_third_kind_of_infrastructure() -> None:
    """R1."""
    with pytest.raises(ValidationError):
        make_cluster(infrastructure="moon")


def test_a_container_has_compute_memory_storage_addresses_and_a_system_of_its_own() -> None:
    """R2."""
    container = make_container(
        make_cluster("one"), "vm-01", private="10.203.0.9", public="10.204.0.9", vcpus=6
    )

    view = container_view(container)

    assert (view.vcpus, view.memory_mib, view.disk_gib) == (6, 16384, 500)
    assert [str(address.ip) for address in view.addresses] == ["10.203.0.9", "10.204.0.9"]
    assert (view.os_id, view.os_version, view.arch) == ("debian", "13", "x86_64")


def test_a_container_needs_no_product_and_a_product_needs_no_name_we_know() -> None:
    """R3, R16: hardware and virtualisation are the operator's choice."""
    bare = make_container(make_cluster("one"), "vm-01")
    place = Location.objects.create(name="Hall 1")
    unnamed = Hypervisor(name="host-a", location=place)
    unheard_of = Hypervisor(name="host-b", location=place, technology="Our own, of 2031")

    for hypervisor in (unnamed, unheard_of):
        hypervisor.full_clean()

    view = container_view(bare)
    assert (view.hypervisor, view.location, view.virtualisation_ha) == (None, None, "")


def test_resources_are_changed_and_the_change_is_kept() -> None:
    """R4, R13: processors, memory and disks by role, the former ones stay in the history."""
    cluster = make_cluster("one")
    container = make_container(cluster, "vm-01")
    view = container_view(container)
    larger = replace(view, vcpus=8, memory_mib=32768, disks=(DiskView("/dev/sda", 900, "nvme"),))

    perform(ChangeContainer("vm-01", larger), cluster=cluster, actor=None)
    perform(ChangeContainer("vm-01", replace(larger, state="stopped")), cluster=cluster, actor=None)

    container.refresh_from_db()
    assert (container.vcpus, container.memory_mib, container.state) == (8, 32768, "stopped")
    changes = Change.objects.filter(operation="ChangeContainer").order_by("pk")
    assert [(c.before or {})["vcpus"] for c in changes] == [4, 8]
    assert [(c.after or {})["state"] for c in changes] == ["running", "stopped"]


def test_less_than_a_role_needs_is_refused_when_resources_are_changed() -> None:
    """R13, R120."""
    cluster = make_cluster("one")
    container = make_container(cluster, "vm-01")
    make_node(container, "pg-node-01")
    smaller = replace(container_view(container), vcpus=3)

    with pytest.raises(Refused):
        perform(ChangeContainer("vm-01", smaller), cluster=cluster, actor=None)


def test_a_release_that_does_not_support_what_runs_is_refused() -> None:
    """R18, R19, K11: a change of release is a change like any other."""
    cluster = make_cluster("one", platform="voipnow")
    container = make_container(cluster, "vm-01", os_id="rhel", os_version="8.6")
    make_node(container, "worker-1", "worker")

    with pytest.raises(Refused) as refused:
        perform(ChangeCluster({"release": "legacy"}), cluster=cluster, actor=None)
    perform(ChangeCluster({"release": "5.7"}), cluster=cluster, actor=None)

    assert [finding.key for finding in refused.value.findings] == ["operating-system-supported"]
    cluster.refresh_from_db()
    assert cluster.release.key == "5.7"


def test_a_node_is_something_else_than_its_machine() -> None:
    """R6, R7: it has a name and a past of its own, wherever it runs."""
    cluster = make_cluster("one")
    node = make_node(make_container(cluster, "vm-01"), "pg-node-01")
    make_container(cluster, "vm-02")

    perform(MoveNode("pg-node-01", "vm-02"), cluster=cluster, actor=None)

    assert Node.objects.get(name="pg-node-01").pk == node.pk
    places = Placement.objects.filter(node=node).order_by("pk")
    assert [place.container.name for place in places] == ["vm-01", "vm-02"]
    assert [place.valid_to is None for place in places] == [False, True]


@pytest.mark.parametrize("number", ["R12", "R13"])
def test_what_is_asked_of_the_virtualisation_is_on_the_checklist(number: str) -> None:
    """R12, R13, R16: pages show it with the vendor's sentence."""
    platform = platform_data("voipnow")

    (item,) = [item for item in platform.checklist if item.id == number]
    (note,) = [note for note in platform.notes if note.key == "easy-machines"]

    assert item.source.document == "000"
    assert {"R12", "R13", "R16"} <= set(note.requirements)


def test_a_fix_of_parameters_is_carried_out_and_says_what_it_sets() -> None:
    """K18: one click sets the times that the platform comes with."""
    cluster = make_cluster("one", parameters={"patroni_ttl_s": 30, "public_hostname": "a.example"})
    topology = load_topology(cluster)
    finding = next(f for f in findings(topology) if f.key == "failover-in-time")
    fix = propose(topology, finding)
    assert fix

    perform(fix, cluster=cluster, actor=None)

    cluster.refresh_from_db()
    assert cluster.parameters["patroni_ttl_s"] == 20
    assert cluster.parameters["public_hostname"] == "a.example"
    assert "Set patroni_ttl_s to 20" in Change.objects.latest("pk").summary
