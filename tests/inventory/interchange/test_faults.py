"""Every fault of a file at once, by line and column; nothing is written while there is one."""

import pytest

from inventory.interchange.faults import Faulty
from inventory.interchange.reading import MAX_BYTES, read
from inventory.interchange.tables import MAX_ROWS
from inventory.models import Change, Cluster, Container, Location, Network
from tests.factories import make_cluster, make_container, make_database_cluster, make_platforms
from tests.inventory.interchange.files import CONTAINERS, container_row, exports, table, take

HEADER = "name,os_id,os_version,vcpus,memory_mib"


def found(error: pytest.ExceptionInfo[Faulty]) -> list[tuple[int, str, str]]:
    """Return faults as plain tuples."""
    return [(fault.row, fault.column, fault.message) for fault in error.value.faults]


def faults_of(data: str | bytes, *, what: str = "containers", form: str = "csv") -> list[str]:
    """Return the faults of a file in words, without a cluster to compare it with."""
    try:
        document = read(data if isinstance(data, bytes) else data.encode(), what=what, form=form)
    except Faulty as error:
        return [str(fault) for fault in error.faults]
    return [str(fault) for fault in document.faults]


@pytest.mark.django_db
def test_a_table_with_every_kind_of_fault_reports_all_of_them_by_line_and_column() -> None:
    cluster = make_database_cluster("alpha", nodes=1)
    text = table(
        f"{CONTAINERS},location,credential,colour,vcpus",
        container_row("bad_name", 40) + ",Berlin,nobody,red,4",
        "web-1,debian,,four,0,/dev/sda:big:ssd; nonsense,alpha-privat=10.203.0.300,,,,",
        container_row("web-2", 41) + ",,,,",
        container_row("web-2", 42) + ",,,,",
        "web-3,debian",
        "web-4,debian,13,0,16384,/dev/sda:10:tape; /dev/sda:20:ssd,"
        "alpha-private=10.203.0.43; alpha-private=10.203.0.44 -,,,,",
    )

    with pytest.raises(Faulty) as error:
        take(text, cluster)

    places = {(row, column) for row, column, _ in found(error)}
    assert places == {
        (1, "colour"),
        (1, "vcpus"),
        (2, "name"),
        (2, "location"),
        (2, "credential"),
        (3, "os_version"),
        (2, "addresses"),
        (3, "vcpus"),
        (3, "memory_mib"),
        (3, "disks"),
        (3, "addresses"),
        (5, "name"),
        (6, ""),
        (6, "os_version"),
        (6, "memory_mib"),
        (6, "vcpus"),
        (7, "vcpus"),
        (7, "disks"),
        (7, "addresses"),
    }
    assert Container.objects.count() == 1


@pytest.mark.django_db
def test_faults_of_values_and_of_names_in_one_row_come_together() -> None:
    cluster = make_cluster("alpha")
    text = table(
        f"{HEADER},location,hypervisor,credential,addresses",
        "web-1,debian,13,four,16384,Berlin,kvm-1,root,alpha-privat=10.203.0.9",
    )

    with pytest.raises(Faulty) as error:
        take(text, cluster)

    assert found(error) == [
        (
            2,
            "addresses",
            "There is no network alpha-privat here. Did you mean alpha-private?",
        ),
        (2, "credential", "There is no login root. There is none."),
        (2, "hypervisor", "There is no hypervisor kvm-1. There is none."),
        (2, "location", "There is no location Berlin. There is none."),
        (2, "vcpus", "Write a whole number."),
    ]


@pytest.mark.django_db
def test_faults_of_nodes_name_what_was_probably_meant() -> None:
    cluster = make_database_cluster("alpha", nodes=2)
    text = table(
        "name,container,roles,auto_replace",
        "pg-node-01,pg-node-03,databse,maybe",
        "pg-node-09,,database; database,no",
        "pg-node-02,pg-node-02,,no",
    )

    with pytest.raises(Faulty) as error:
        take(text, cluster, what="nodes")

    assert found(error) == [
        (2, "auto_replace", "Write yes or no."),
        (2, "container", "There is no container pg-node-03 here. Did you mean pg-node-02?"),
        (2, "roles", "The platform has no role databse. Did you mean database?"),
        (3, "container", "Fill this in: a new node needs it."),
        (3, "roles", "database is there twice: a node has each role once."),
        (4, "roles", "A node has at least one role."),
    ]


@pytest.mark.django_db
def test_a_cluster_file_reports_faults_of_all_sections_with_their_lines() -> None:
    make_platforms()
    text = "\n".join(
        [
            "schema: 1",
            "cluster:",
            "  slug: new",
            "  name: Berlin",
            "  platform: ring2al",
            "  release: '1'",
            "  kind: triple",
            "  country: de",
            "  time_zone: Europe/Nowhere",
            "hosts: []",
            "locations: [Berlin]",
            "hypervisors:",
            "- {name: kvm-1, location: Hamburg}",
            "networks:",
            "- {name: net, kind: private, cidr: 10.0.0.0/24, gateway: 10.0.1.1}",
            "- {name: net2, kind: secret, cidr: 10.0.0.1/24}",
            "containers:",
            "- name: web-1",
            "  os_version: 24.10",
            "  vcpu: 4",
            "nodes:",
            "- {name: web-1, container: web-2, roles: [database]}",
            "balancers:",
            "- {name: b, role: telephony, network: net3, ip: 10.0.0.9}",
            "facts:",
            "- {subject: 'node:web-9', key: extensions, value: 3}",
        ]
    )

    with pytest.raises(Faulty) as error:
        take(text, None, what="cluster", form="yaml")

    assert {(row, column) for row, column, _ in found(error)} == {
        (3, "cluster.slug"),
        (5, "cluster.platform"),
        (7, "cluster.kind"),
        (8, "cluster.country"),
        (9, "cluster.time_zone"),
        (10, "hosts"),
        (13, "hypervisors[1].location"),
        (15, "networks[1].gateway"),
        (16, "networks[2].kind"),
        (16, "networks[2].cidr"),
        (18, "containers[1].os_id"),
        (18, "containers[1].vcpus"),
        (18, "containers[1].memory_mib"),
        (19, "containers[1].os_version"),
        (20, "containers[1].vcpu"),
        (22, "nodes[1].container"),
        (24, "balancers[1].network"),
        (26, "facts[1].subject"),
    }
    assert not Cluster.objects.exists()
    assert not Location.objects.exists()
    assert not Network.objects.exists()


@pytest.mark.django_db
def test_networks_and_hypervisors_that_others_use_are_not_changed_by_an_import() -> None:
    cluster = make_database_cluster("alpha", nodes=1)
    text = exports(cluster)["cluster.yaml"].replace("10.203.0.0/24", "10.203.0.0/23")

    with pytest.raises(Faulty, match=r"alpha-private is there already with cidr 10\.203"):
        take(text, cluster, what="cluster", form="yaml")


@pytest.mark.django_db
def test_a_file_of_another_cluster_or_platform_is_refused() -> None:
    cluster, other = make_database_cluster("alpha", nodes=1), make_cluster("beta")
    text = exports(cluster)["cluster.yaml"]

    with pytest.raises(Faulty, match="The file is about alpha, not beta"):
        take(text, other, what="cluster", form="yaml")
    swapped = text.replace("platform: ring2all", "platform: voipnow")
    with pytest.raises(Faulty, match="A cluster keeps its platform"):
        take(swapped, cluster, what="cluster", form="yaml")


@pytest.mark.django_db
def test_a_container_that_still_runs_a_node_is_not_removed() -> None:
    cluster = make_database_cluster("alpha", nodes=2)
    text = "\n".join(exports(cluster)["containers.csv"].splitlines()[:-1])

    with pytest.raises(Faulty, match="lacks container pg-node-02, but it runs pg-node-02"):
        take(text, cluster, remove=True)


@pytest.mark.django_db
def test_an_address_that_goes_to_the_free_pool_with_its_container_cannot_be_taken() -> None:
    cluster = make_cluster("alpha")
    make_container(cluster, "old", private="10.203.0.40")

    with pytest.raises(Faulty) as error:
        take(table(CONTAINERS, container_row("new", 40)), cluster, remove=True)

    assert found(error) == [
        (2, "addresses", "10.203.0.40 stays with old, which goes to the free pool.")
    ]


@pytest.mark.django_db
def test_what_only_the_database_refuses_is_a_fault_too_and_nothing_is_written() -> None:
    cluster = make_database_cluster("alpha", nodes=1)
    text = exports(cluster)["cluster.yaml"]
    balancers = [
        f"- {{name: {name}, role: database, network: alpha-private, ip: 10.203.0.9}}"
        for name in ("a", "b")
    ]
    changes = Change.objects.count()

    with pytest.raises(Exception, match=r"10\.203\.0\.9|address"):
        take(
            text.replace("balancers: []", "\n".join(["balancers:", *balancers])),
            cluster,
            what="cluster",
            form="yaml",
        )

    assert not cluster.balancers.exists()
    assert Change.objects.count() == changes


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "The file is empty."),
        ("\n\n", "The file is empty."),
        (",,\n", "The file is empty: it needs a header row."),
        ("nam\n", "line 1, nam: There is no such column. Did you mean name?"),
        ('name\n"web\n', "This is no CSV: unexpected end of data."),
        ("name\nweb\x00\n", "line 2: This is no text: it has null characters."),
        (b"name\nM\xfcnchen\n", "line 2: This is not UTF-8."),
        ("name\n" + "a\n" * (MAX_ROWS + 1), "more than 20,000 rows"),
        ("name,name\na,b\n", "line 1, name: The column is there twice."),
        ('name,arch\na,"x\ny"\n', "Line breaks and control characters are not allowed."),
        (b"x" * (MAX_BYTES + 1), "more than 5 MiB"),
    ],
)
def test_what_is_no_table_is_said_in_a_sentence(text: str | bytes, fault: str) -> None:
    assert any(fault in words for words in faults_of(text))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("- a", "has no sections"),
        ("schema: 2\nnodes: []", "line 1, schema: The file begins with schema: 1."),
        ("schema: 1\n", "The file has none of the sections"),
        ("schema: 1\nnodes: {a: 1}", "line 2, nodes: Write a list here."),
        ("schema: 1\nnodes: [a]", "line 2, nodes[1]: Write fields with values here"),
        ("schema: 1\nnodes:\n- name: a\n  name: b", "It is given twice, again in line 4."),
        ("schema: 1\nnode: [", "This is no YAML"),
        ("schema: 1\nnodes: &a [*a]", "line 2: Anchors and aliases (& and *) are not allowed."),
        ("schema: 1\nnodes: !!python/object:os.system {}", "line 2"),
        ("[" * 5000, "Nested deeper than 20 levels."),
        ("schema: 1\ncontainers: []\nnodes: []", "line 2, containers: There is no such section"),
        ('schema: 1\nnodes: [{name: "a\\ud800"}]', "line 2"),
    ],
)
def test_what_is_no_yaml_of_ours_is_said_in_a_sentence(text: str, fault: str) -> None:
    assert any(fault in words for words in faults_of(text, what="nodes", form="yaml"))


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffname;container;roles\r\npg-1;host-1;database@A\r\n",
        '\ufeffName; Container ;ROLES\r\n"pg-1";host-1;"database@A"\r\n\r\n',
        "name\tcontainer\troles\npg-1\thost-1\tdatabase@A",
        "name,container,roles\rpg-1,host-1,database@A\r",
        "roles,name,container\n database @ A ,pg-1,host-1\n,,\n",
    ],
)
def test_tables_are_read_as_spreadsheets_write_them(text: str) -> None:
    document = read(text.encode(), what="nodes", form="csv")

    assert document.faults == ()
    (entry,) = document.nodes or ()
    assert (entry.record.name, entry.record.container) == ("pg-1", "host-1")
    assert [(role.role, role.group) for role in entry.record.roles] == [("database", "A")]


def test_a_table_with_semicolons_says_that_it_was_read_so() -> None:
    assert read(b"name;container\na;b\n", what="nodes", form="csv").notes == (
        "Read as separated by semicolons.",
    )
