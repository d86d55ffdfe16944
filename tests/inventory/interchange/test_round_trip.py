"""Export, import, export: the same file, byte for byte; nothing secret in it."""

from dataclasses import replace
from ipaddress import ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory import example, services
from inventory.changes import (
    AddContainer,
    AddNode,
    ChangeCluster,
    RoleChoice,
    SetBalancer,
)
from inventory.host_keys import pin_host_key
from inventory.interchange.cells import guarded, joined, split, unguarded
from inventory.interchange.export import NoSuchExport, export_file
from inventory.interchange.tables import read_containers, write_containers
from inventory.interchange.views import in_order
from inventory.interchange.yaml_files import write_yaml
from inventory.models import (
    AvailabilityGroup,
    Balancer,
    Change,
    Cluster,
    Container,
    Fact,
    Hypervisor,
    Location,
    Network,
    Node,
    Placement,
    RoleAssignment,
)
from inventory.operations import perform
from inventory.snapshot import load_topology
from inventory.states import Origin
from inventory.topology import AddressView, BalancerView, ContainerView, DiskView
from tests.factories import (
    container_data,
    make_cluster,
    make_container,
    make_credential,
    make_node,
    make_platforms,
)
from tests.inventory.interchange.files import exports, plain, take

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHJ1bm5lcg5tZXNzYWdlZm9ydGVzdHMxMjM0NTY3OA"


def empty_the_portal() -> None:
    """Take out what an import brings back; platforms and logins stay."""
    for model in (
        Change,
        Fact,
        Balancer,
        RoleAssignment,
        Placement,
        Node,
        AvailabilityGroup,
        Container,
        Cluster,
        Network,
        Hypervisor,
        Location,
    ):
        model.objects.all().delete()


def make_rich_cluster() -> Cluster:
    """Make a cluster with something in every section and every field."""
    cluster = make_cluster("rich", infrastructure="cloud", time_zone="Europe/Berlin", country="DE")
    change = ChangeCluster({"availability_guarantee": "99.95 % a month"})
    perform(change, cluster=cluster, actor=None)
    place = services.save_row(Location(name="Berlin, Halle 3"), actor=None)
    services.save_row(
        Hypervisor(name="kvm-1", location=place, technology="=KVM; Proxmox"), actor=None
    )
    network = Network.objects.get(name="rich-private")
    network.gateway, network.location = ip_address("10.203.0.1"), place
    services.save_network(network, actor=None)
    make_credential("key", name="rich-login")
    view = container_data(
        "pg-node-01",
        networks=("rich-private", "rich-public"),
        private="10.203.0.31",
        public="10.204.0.31",
        location="Berlin, Halle 3",
        hypervisor="kvm-1",
        virtualisation_ha="-vSphere HA; \\ 24.10",
        behind_nat=True,
        ssh_port=2222,
        credential="rich-login",
        os_version="13",
        disks=(DiskView("/dev/sda", 20, "ssd"), DiskView("/dev/sdb", 500, "nvme", "database")),
    )
    perform(AddContainer(view), cluster=cluster, actor=None)
    choices = (RoleChoice("database"),)
    perform(AddNode("pg-node-01", view.name, choices, True), cluster=cluster, actor=None)
    make_node(
        make_container(
            cluster,
            "tele-1",
            private="10.203.0.51",
            public="10.204.0.51",
            vcpus=16,
            memory_mib=32768,
        ),
        "tele-1",
        "telephony",
    )
    balancer = BalancerView(
        "sip", "telephony", "rich-public", ip_address("10.204.0.9"), "sip.example.com", True, 2
    )
    perform(SetBalancer(balancer), cluster=cluster, actor=None)
    node = Node.objects.get(name="pg-node-01")
    services.type_fact(actor=None, cluster=cluster, key="extensions", value=3)
    services.type_fact(
        actor=None, cluster=cluster, key="notes", value={"no": [1, 2.5, "yes", None]}, node=node
    )
    return Cluster.objects.get(pk=cluster.pk)


@pytest.mark.django_db
def test_a_whole_cluster_survives_an_empty_portal_byte_by_byte() -> None:
    cluster = make_rich_cluster()
    before = exports(cluster)
    empty_the_portal()

    outcome = take(before["cluster.yaml"], None, what="cluster", form="yaml")

    assert outcome.count("added") == 1 + 1 + 2 + 1 + 2 + 2 + 1 + 2
    assert exports(Cluster.objects.get()) == before


@pytest.mark.django_db
def test_the_example_cluster_survives_an_empty_portal() -> None:
    make_platforms()
    cluster, _ = example.load(actor=None)
    before = exports(cluster)
    empty_the_portal()

    outcome = take(before["cluster.yaml"], None, what="cluster", form="yaml")

    assert exports(Cluster.objects.get()) == before
    assert outcome.count("added") == 2 + 1 + 13 + 13


@pytest.mark.django_db
@pytest.mark.parametrize("file", ["containers.csv", "containers.yaml", "nodes.csv", "nodes.yaml"])
def test_a_part_that_is_taken_away_comes_back(file: str) -> None:
    cluster = make_rich_cluster()
    before = exports(cluster)
    what, _, form = file.partition(".")
    for model in (Fact, RoleAssignment, Placement, Node):
        model.objects.all().delete()
    if what == "containers":
        Container.objects.all().delete()
    else:
        assert take(before[file], cluster, what=what, form=form, dry_run=True).count("added") == 2

    take(before[file], cluster, what=what, form=form)

    assert exports(cluster)[file] == before[file]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "file", ["containers.csv", "containers.yaml", "nodes.csv", "nodes.yaml", "cluster.yaml"]
)
def test_an_export_changes_nothing_where_it_came_from(file: str) -> None:
    cluster = make_rich_cluster()
    text = exports(cluster)[file]
    changes = Change.objects.count()
    what, _, form = file.partition(".")

    outcome = take(text, cluster, what=what, form=form, remove=True)

    assert outcome.steps == ()
    assert Change.objects.count() == changes
    assert exports(cluster)[file] == text


@pytest.mark.django_db
def test_a_live_cluster_with_groups_comes_back_live() -> None:
    cluster = make_cluster("vn", platform="voipnow", private="10.203.0.0/24")
    release = load_topology(cluster).release.operating_systems[0]
    for number, group in ((1, "A"), (2, "B;@x")):
        machine = make_container(
            cluster,
            f"ddb-{number}",
            private=f"10.203.0.{number + 10}",
            os_id=release.id,
            os_version=release.version,
            vcpus=16,
            memory_mib=65536,
            disk_gib=2000,
        )
        make_node(machine, f"ddb-{number}", "distributed-database", group=group)
    perform(ChangeCluster({"state": "live"}), cluster=cluster, actor=None)
    before = exports(Cluster.objects.get())
    empty_the_portal()

    outcome = take(before["cluster.yaml"], None, what="cluster", form="yaml")

    assert exports(Cluster.objects.get()) == before
    assert outcome.count("added") == 2 + 1 + 2 + 2
    assert Cluster.objects.get().state == "live"


@pytest.mark.django_db
def test_the_free_pool_comes_back() -> None:
    make_platforms()
    make_cluster("alpha")
    make_container(None, "spare", networks=("alpha-private", "alpha-public"), private="10.203.0.9")
    text = export_file(None, what="containers", form="csv")
    Container.objects.all().delete()

    take(text, None, is_pool=True)

    assert export_file(None, what="containers", form="csv") == text
    assert Container.objects.free().get().name == "spare"


@pytest.mark.django_db
def test_no_secret_host_key_measurement_or_id_is_exported() -> None:
    cluster = make_rich_cluster()
    pin_host_key(row=Container.objects.get(name="pg-node-01"), host_key=KEY, actor=None)
    fact = Fact.objects.get(key="extensions")
    Fact.objects.create(
        cluster=cluster, key="measured", value=7, at=fact.at, origin=Origin.MEASURED
    )

    everything = "".join(exports(cluster).values())

    assert "rich-login" in everything
    assert not any(word in everything for word in ("AAAAC3", "secret", "measured", "pk:", "id:,"))


@pytest.mark.django_db
def test_an_import_leaves_a_confirmed_host_key_alone() -> None:
    cluster = make_rich_cluster()
    text = exports(cluster)["containers.csv"].replace(",4,16384,", ",6,16384,")
    row = Container.objects.get(name="pg-node-01")
    pin_host_key(row=row, host_key=KEY, actor=None)

    take(text, cluster)

    row.refresh_from_db()
    assert (row.vcpus, row.host_key) == (6, KEY)


def test_what_is_no_export_is_refused() -> None:
    with pytest.raises(NoSuchExport, match="as YAML"):
        export_file(None, what="cluster", form="csv")


words = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=12
)
addresses = st.builds(
    AddressView,
    network=words,
    ip=st.ip_addresses(),
    name=st.sampled_from(["", "a", "pg-node-01.internal"]),
)
disks = st.builds(
    DiskView,
    device=words,
    size_gib=st.integers(1, 10**6),
    kind=st.sampled_from(["ssd", "hdd"]),
    purpose=st.sampled_from(["system", "storage"]),
)
containers = st.builds(
    ContainerView,
    name=words,
    os_id=words,
    os_version=words,
    arch=words,
    vcpus=st.integers(1, 10**6),
    memory_mib=st.integers(1, 10**9),
    addresses=st.lists(addresses, unique_by=lambda a: a.network, max_size=3).map(tuple),
    disks=st.lists(disks, unique_by=lambda d: d.device, max_size=3).map(tuple),
    location=st.none() | words,
    hypervisor=st.none() | words,
    virtualisation_ha=st.just("") | words,
    behind_nat=st.booleans(),
    ssh_port=st.integers(1, 65535),
    credential=st.none() | words,
).map(in_order)


@settings(deadline=None)
@given(st.lists(containers, unique_by=lambda c: c.name, max_size=4))
def test_every_container_survives_a_table(views: list[ContainerView]) -> None:
    text = write_containers(views)

    document = read_containers(text)

    assert document.faults == ()
    found = []
    for entry in document.containers or ():
        values = entry.values
        for name in ("addresses", "disks"):
            values[name] = tuple(item.view() for item in values[name])
        found.append(in_order(ContainerView(**values)))
    assert found == views
    assert write_containers(found) == text


@settings(deadline=None)
@given(st.lists(st.text(min_size=1).map(str.strip).filter(bool)))
def test_every_list_survives_a_cell(items: list[str]) -> None:
    assert split(joined(items)) == items


@settings(deadline=None)
@given(st.text())
def test_no_cell_is_taken_for_a_formula_and_every_cell_survives(cell: str) -> None:
    assert unguarded(guarded(cell)) == cell
    assert not guarded(cell).startswith(("=", "+", "-", "@"))


names = st.text(st.characters(codec="utf-8"), max_size=5)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(json_values)
def test_every_typed_value_survives_yaml(value: object) -> None:
    text = write_yaml({"facts": [{"subject": "cluster", "key": "k", "value": value}]})

    read = plain(text)

    assert isinstance(read, dict)
    assert read["facts"][0]["value"] == value


def test_a_container_without_changes_is_equal_whatever_the_order() -> None:
    view = container_data("a", private="10.0.0.1", public="10.1.0.1")

    assert in_order(replace(view, addresses=view.addresses[::-1])) == in_order(view)
