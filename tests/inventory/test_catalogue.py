"""What the vendors' documents say against what the platforms' files say."""

from pathlib import Path

import pytest

from inventory.platforms.loading import load_all
from inventory.platforms.schema import HaLevel, Platform, Removable, Reserve, Role

PLATFORMS = {platform.key: platform for platform in load_all()}
VOIPNOW, RING2ALL = PLATFORMS["voipnow"], PLATFORMS["ring2all"]


def named(facts: object, number: str) -> bool:
    """Tell whether a block of facts says that it carries out a requirement."""
    return number in getattr(facts, "requirements", ())


@pytest.mark.parametrize(
    ("number", "key", "layer", "words"),
    [
        ("R25", "web", "functionality", "API"),
        ("R26", "sip", "functionality", "signal"),
        ("R27", "pbx", "functionality", "media"),
        ("R28", "infrastructure-controller", "infrastructure-management", "infrastructure"),
        ("R29", "worker", "infrastructure-management", "background"),
        ("R30", "queue", "infrastructure-management", "messages"),
        ("R31", "sql-master", "storage", "ACID"),
        ("R31", "sql-slave", "storage", "queries"),
        ("R32", "distributed-database", "storage", "semi-structured"),
        ("R33", "elasticsearch", "storage", "search"),
        ("R34", "unstructured-storage", "storage", "recordings"),
    ],
)
def test_every_role_of_voipnow_is_there_in_its_layer(
    number: str, key: str, layer: str, words: str
) -> None:
    role = VOIPNOW.role(key)

    assert named(role, number)
    assert role.layer == layer
    assert words in role.description


def test_voipnow_has_three_layers_and_eleven_roles() -> None:
    """R24 and K6: SQL is split into master and slave; two roles have no counts at all."""
    assert [layer.name for layer in VOIPNOW.layers] == [
        "Functionality",
        "Infrastructure Management",
        "Storage",
    ]
    assert len(VOIPNOW.roles) == 11
    unspecified = {role.key for role in VOIPNOW.roles if role.counts.minimum is None}
    assert unspecified == {"queue", "unstructured-storage"}
    assert all(VOIPNOW.role(key).counts.maximum is None for key in unspecified)
    assert not any(VOIPNOW.role(key).counts.unlimited for key in unspecified)


@pytest.mark.parametrize(
    ("number", "key", "private", "public"),
    [
        ("R37", "sql-master", "required", "discouraged"),
        ("R37", "sql-slave", "required", "discouraged"),
        ("R38", "distributed-database", "required", "discouraged"),
        ("R39", "elasticsearch", "required", "discouraged"),
        ("R40", "web", "required", "required"),
        ("R42", "sip", "required", "required"),
        ("R43", "pbx", "required", "required"),
        ("R44", "infrastructure-controller", "required", "optional"),
        ("R45", "worker", "required", "discouraged"),
        ("R47", "queue", "required", "unspecified"),
        ("R47", "unstructured-storage", "required", "unspecified"),
    ],
)
def test_the_networks_of_a_role(number: str, key: str, private: str, public: str) -> None:
    networks = VOIPNOW.role(key).networks

    assert named(networks, number)
    assert (networks.private, networks.public) == (private, public)


@pytest.mark.parametrize(
    ("number", "key", "level", "words"),
    [
        ("R53", "sql-master", HaLevel.OS, "totally lost"),
        ("R53", "sql-slave", HaLevel.OS, "not affected"),
        ("R54", "distributed-database", HaLevel.APP, "as long as quorum exists"),
        ("R55", "elasticsearch", HaLevel.APP, "as long as quorum exists"),
        ("R56", "web", HaLevel.APP, "balanc"),
        ("R57", "sip", HaLevel.OS, "group of customers"),
        ("R58", "pbx", HaLevel.OS, "alls"),
        ("R59", "infrastructure-controller", HaLevel.OS, "provisioning"),
        ("R60", "worker", HaLevel.APP, "number of"),
    ],
)
def test_what_a_failure_does_and_on_which_level_it_is_met(
    number: str, key: str, level: HaLevel, words: str
) -> None:
    failure = VOIPNOW.role(key).failure

    assert named(failure, number)
    assert failure.level is level
    assert words in failure.outcome


def test_the_controller_claims_no_availability_of_the_application() -> None:
    """K22: three are allowed, and still it is the virtualisation that keeps it alive."""
    controller = VOIPNOW.role("infrastructure-controller")

    assert controller.counts.maximum == 3
    assert controller.failure.level is HaLevel.OS


@pytest.mark.parametrize(
    ("number", "key", "cpu", "memory", "io"),
    [
        ("R68", "sql-master", "high", "very_high", "very_high"),
        ("R69", "distributed-database", "moderate", "high", "moderate"),
        ("R70", "elasticsearch", "moderate", "high", "moderate"),
        ("R71", "web", "high", "low", "low"),
        ("R72", "sip", "high", "moderate", "low"),
        ("R73", "pbx", "high", "moderate", "moderate"),
        ("R74", "infrastructure-controller", "low", "low", "low"),
        ("R75", "worker", "high", "moderate", "low"),
    ],
)
def test_the_resource_classes_of_a_role(
    number: str, key: str, cpu: str, memory: str, io: str
) -> None:
    resources = VOIPNOW.role(key).resources

    assert resources is not None
    assert named(resources, number)
    assert (resources.cpu, resources.memory, resources.io) == (cpu, memory, io)


def test_voipnow_has_classes_and_no_invented_hardware() -> None:
    """R76, R77 and K21: instance types compare only; nobody makes up gigahertz."""
    assert all(role.hardware is None for role in VOIPNOW.roles)
    assert not any(role.capacity for role in VOIPNOW.roles)
    examples = [role.resources.example for role in VOIPNOW.roles if role.resources]
    assert examples
    assert all("Instance" in example for example in examples if example)


@pytest.mark.parametrize(
    ("key", "leading"),
    [
        ("sql-master", "disk_iops"),
        ("web", "cpu"),
        ("sip", "cpu"),
        ("worker", "cpu"),
    ],
)
def test_the_metric_that_matters_first_follows_from_the_classes(key: str, leading: str) -> None:
    """R78."""
    assert VOIPNOW.role(key).lead_metrics[0] == leading


@pytest.mark.parametrize(
    ("number", "key", "minimum", "maximum", "unlimited"),
    [
        ("R79", "sql-master", 1, 1, False),
        ("R80", "sql-slave", 0, 4, False),
        ("R81", "distributed-database", 1, 128, False),
        ("R84", "elasticsearch", 1, None, True),
        ("R85", "web", 1, None, True),
        ("R86", "sip", 1, None, True),
        ("R87", "pbx", 1, None, True),
        ("R88", "infrastructure-controller", 1, 3, False),
        ("R89", "worker", 1, None, True),
        ("R90", "queue", None, None, False),
        ("R90", "unstructured-storage", None, None, False),
    ],
)
def test_how_many_nodes_a_role_has(
    number: str, key: str, minimum: int | None, maximum: int | None, *, unlimited: bool
) -> None:
    counts = VOIPNOW.role(key).counts

    assert named(counts, number)
    assert (counts.minimum, counts.maximum, counts.unlimited) == (minimum, maximum, unlimited)


@pytest.mark.parametrize(
    ("key", "removable"),
    [
        ("sip", Removable.NO),
        ("distributed-database", Removable.NO),
        ("pbx", Removable.UNUSED),
        ("web", Removable.YES),
        ("worker", Removable.YES),
    ],
)
def test_which_nodes_may_be_taken_out(key: str, removable: Removable) -> None:
    """R82, R86, R87, K16."""
    assert VOIPNOW.role(key).counts.removable is removable


@pytest.mark.parametrize(
    ("key", "prefer", "words"),
    [
        ("sql-master", "up", "hardware"),  # R100, R101
        ("sql-slave", "out", ""),  # R99
        ("distributed-database", "up", "rebalanc"),  # R83, R108
        ("elasticsearch", "up", "reindex"),  # R110
        ("unstructured-storage", "out", "bject storage"),  # R95
    ],
)
def test_which_way_a_role_grows_and_what_that_costs(key: str, prefer: str, words: str) -> None:
    scaling = VOIPNOW.role(key).scaling

    assert scaling is not None
    assert scaling.prefer == prefer
    assert words in scaling.impact


def test_sql_has_one_master_and_its_bottleneck_is_the_disk() -> None:
    """R96, R97, R99, R102, R103 and K8: sharding is the vendor's help, not a count of masters."""
    master, slave = VOIPNOW.role("sql-master"), VOIPNOW.role("sql-slave")

    assert named(master, "R97")
    assert master.counts.maximum == 1
    assert "sharding" in master.counts.comments
    assert any(
        "I/O bound" in s.text for s in (master.resources.sources if master.resources else ())
    )
    assert slave.depends_on == ("sql-master",)
    assert "degrade" in slave.failure.outcome


def test_replication_is_set_up_by_hand_unless_the_operator_says_otherwise() -> None:
    """R98, K17, S12."""
    parameter = VOIPNOW.parameter("mysql_replication")

    assert parameter.default == "manual"
    assert named(parameter, "R98")


def test_files_lie_in_object_storage_unless_the_operator_says_otherwise() -> None:
    """R93, R94, R95."""
    parameter = VOIPNOW.parameter("unstructured_backend")

    assert parameter.default == "s3"
    assert set(parameter.choices) >= {"posix", "s3"} or set(parameter.choices) >= {"nfs", "s3"}


def test_groups_of_the_distributed_database() -> None:
    """R104, R105, R106, R107, R109."""
    grouping = VOIPNOW.role("distributed-database").grouping

    assert grouping is not None
    assert grouping.required
    assert grouping.equal_sizes
    assert (grouping.min_size, grouping.max_size) == (2, 4)
    assert all(named(grouping, number) for number in ("R104", "R105", "R106", "R107", "R109"))


@pytest.mark.parametrize("number", ["R20", "R22", "R35", "R61", "R64", "R66", "R91", "R111"])
def test_what_pages_tell_is_a_note_of_the_platform(number: str) -> None:
    assert any(named(note, number) for note in VOIPNOW.notes)


def test_storage_comes_first_in_the_order_of_installation() -> None:
    """R20, R36."""
    first = [role for step in VOIPNOW.install_order[:5] for role in step.roles]

    assert {VOIPNOW.role(key).layer for key in first} == {"storage"}


def test_the_installation_order_of_ring2all() -> None:
    """R141, K9: seven steps; the sidecar comes with the servers that need it, the balancer last."""
    roles = [step.roles for step in RING2ALL.install_order]
    sidecar = [s.number for s in RING2ALL.install_order if "haproxy-sidecar" in s.components]

    assert roles == [
        ("database",),
        ("file-server",),
        ("admin", "api"),
        ("portal",),
        ("switchboard",),
        ("telephony",),
        ("load-balancer",),
    ]
    assert sidecar == [3, 4, 5, 6]


@pytest.mark.parametrize(
    ("number", "key", "vcpu", "memory_gib", "disk_gb"),
    [
        ("R113", "database", 4, 16, 500),
        ("R114", "file-server", 2, 4, 1000),
        ("R115", "admin", 4, 8, 50),
        ("R116", "portal", 2, 2, 20),
        ("R117", "switchboard", 2, 2, 20),
        ("R118", "api", 4, 8, 50),
        ("R119", "telephony", 4, 8, 100),
    ],
)
def test_the_hardware_of_ring2all(
    number: str, key: str, vcpu: int, memory_gib: int, disk_gb: int
) -> None:
    hardware = RING2ALL.role(key).hardware

    assert hardware is not None
    assert named(hardware, number)
    assert hardware.vcpu_min == vcpu
    assert hardware.memory_mib_min == memory_gib * 1024
    assert hardware.disk_gib_min == int(disk_gb * 1000**3 / 1024**3)


def test_databases_want_solid_state_and_disks_of_their_own() -> None:
    """R121, R155."""
    hardware = RING2ALL.role("database").hardware

    assert hardware is not None
    assert hardware.disk_kind == "ssd"
    assert hardware.dedicated_disk


@pytest.mark.parametrize(
    ("number", "servers", "extensions", "calls"),
    [
        ("R122", 1, 10_000, 1_500),
        ("R123", 2, 20_000, 3_000),
        ("R124", 3, 30_000, 4_500),
        ("R125", 5, 50_000, 7_500),
        ("R126", 10, 100_000, 15_000),
        ("R127", 20, 200_000, 30_000),
    ],
)
def test_the_scaling_table_of_ring2all(
    number: str, servers: int, extensions: int, calls: int
) -> None:
    row = next(row for row in RING2ALL.scaling if named(row, number))

    assert (row.servers, row.extensions, row.concurrent_calls) == (servers, extensions, calls)


@pytest.mark.parametrize(
    ("vcpu", "memory_gib", "calls", "extensions"),
    [(16, 32, 1500, 10_000), (15, 32, 150, 2000), (8, 16, 150, 2000), (4, 8, 50, 500)],
)
def test_capacity_is_a_curve_by_the_size_of_the_server(
    vcpu: int, memory_gib: int, calls: int, extensions: int
) -> None:
    """K13: 1,500 calls belong to 16 vCPU and 32 GB alone."""
    telephony = RING2ALL.role("telephony")
    size = {"vcpu": vcpu, "memory_mib": memory_gib * 1024}

    figures = [telephony.capacity_for(m, **size) for m in ("concurrent_calls", "extensions")]

    assert [figure and figure.value for figure in figures] == [calls, extensions]


@pytest.mark.parametrize(
    ("key", "reserve"),
    [
        ("database", Reserve.LEADER),
        ("file-server", Reserve.REPLICATED_STORAGE),
        ("telephony", Reserve.POOLED),
        ("api", Reserve.POOLED),
    ],
)
def test_the_reserve_of_a_role_is_data(key: str, reserve: Reserve) -> None:
    """S6."""
    assert RING2ALL.role(key).failure.reserve is reserve


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("file-server", "serve traffic"),  # R136
        ("file-server", "healed"),  # R135
        ("file-server", "clients go on"),  # R137
        ("api", "taken out of the balancing"),  # R139, R140
    ],
)
def test_what_a_failure_does_in_ring2all(key: str, words: str) -> None:
    assert words in RING2ALL.role(key).failure.outcome


def test_the_database_heals_itself_within_a_time_that_is_measured() -> None:
    """R130, R131, R133, K18, S13."""
    targets = {target.key: target.value for target in RING2ALL.targets}
    database = RING2ALL.role("database")

    assert targets == {"failover": 30, "rows-lost": 0}
    assert any("Automatic replica recovery" in s.text for s in database.failure.sources)
    assert RING2ALL.parameter("patroni_ttl_s").default == 20
    assert RING2ALL.parameter("patroni_synchronous_mode_strict").default is True


def test_any_server_of_an_application_handles_any_request() -> None:
    """R138."""
    api = RING2ALL.role("api")

    assert named(api, "R138")
    assert api.counts.unlimited


def test_telephony_servers_are_added_without_touching_the_others() -> None:
    """R128, S9."""
    telephony = RING2ALL.role("telephony")

    assert telephony.scaling is not None
    assert telephony.scaling.prefer == "out"
    assert "No file and no process of the other telephony servers" in telephony.scaling.impact


def test_bricks_grow_in_threes() -> None:
    """R134, S10, K20: unless a NAS keeps the recordings."""
    files = RING2ALL.role("file-server")

    assert (files.counts.minimum, files.counts.multiple_of) == (3, 3)
    assert files.not_needed_when is not None
    assert files.not_needed_when.equals == "nas"


@pytest.mark.parametrize(
    ("number", "protocol", "ports", "network"),
    [
        ("R142", "tcp", "5432", "private"),
        ("R143", "tcp", "8008", "private"),
        ("R144", "tcp", "2379", "private"),
        ("R144", "tcp", "2380", "private"),
        ("R145", "tcp", "24007-24008", "private"),
        ("R146", "tcp", "49152-49251", "private"),
        ("R147", "tcp", "80", "public"),
        ("R147", "tcp", "443", "public"),
        ("R148", "tcp", "5060", "public"),
        ("R148", "udp", "5060", "public"),
        ("R149", "tcp", "5061", "public"),
        ("R150", "udp", "16384-32768", "public"),
    ],
)
def test_the_ports_of_ring2all(number: str, protocol: str, ports: str, network: str) -> None:
    assert any(
        (port.requirement, port.protocol, port.ports, port.network)
        == (number, protocol, ports, network)
        for port in RING2ALL.ports
    )


def test_a_port_that_the_vendor_forgot_says_why_it_is_needed() -> None:
    """S8, K19: clients of database and files are among them."""
    supplement = [port for port in RING2ALL.ports if port.requirement is None]

    assert all(port.supplement_reason for port in supplement)
    keys = {port.key for port in supplement}
    assert keys >= {"postgresql-members", "gluster-daemon-clients", "ssh", "time", "vrrp"}


@pytest.mark.parametrize("number", ["R152", "R153", "R154", "R155", "R156"])
def test_the_checklist_of_ring2all(number: str) -> None:
    assert [item.id for item in RING2ALL.checklist].count(number) == 1


def test_the_goals_of_ring2all_are_told() -> None:
    """R112."""
    assert any(named(note, "R112") for note in RING2ALL.notes)


def test_words_of_voipnow_are_reused_under_their_licence() -> None:
    """R23."""
    cited = [
        document for document in VOIPNOW.documents if document.key in ("000", "001", "002", "003")
    ]

    assert {document.licence for document in cited} == {"CC BY 4.0"}
    assert all("Creative Commons" in document.attribution for document in cited)


@pytest.mark.parametrize("platform", PLATFORMS.values(), ids=lambda platform: platform.key)
def test_every_role_says_what_its_loss_does_and_what_it_waits_for(platform: Platform) -> None:
    roles: tuple[Role, ...] = platform.roles

    assert all(role.failure.outcome and role.failure.source.text for role in roles)
    assert all(platform.role(key) for role in roles for key in role.depends_on)


def test_no_page_speaks_of_computers() -> None:
    """R11: a distributed system runs on multiple nodes."""
    folder = Path(__file__).resolve().parents[2] / "templates"

    assert [str(p) for p in folder.rglob("*.html") if "computers" in p.read_text()] == []
