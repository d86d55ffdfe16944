"""Rules about where files and rows are kept: backends, NAS, failover of the database."""

from collections.abc import Iterator

from inventory.changes import ChangeCluster, Operation
from inventory.platforms.facts import Source
from inventory.rules.base import Blocks, Finding, Rule, Severity, cluster_rule
from inventory.topology import Topology

PROMISE = Source(document="004", text="Replica promotes in <30 seconds")
LIMITS = Source(
    document="S13",
    text="Patroni needs ttl >= 20 and loop_wait + 2 retry_timeout <= ttl.",
)
# Between the end of the ttl and the first write: promotion, and HAProxy's detection (S13).
MARGIN_S = 5
REPLICAS = "sql-slave"
TIMES = ("patroni_ttl_s", "patroni_loop_wait_s", "patroni_retry_timeout_s")
MODES = ("patroni_synchronous_mode", "patroni_synchronous_mode_strict")
# What else has to be set for storage that lies outside of the cluster.
PLACES = {
    ("unstructured_backend", "s3"): ("object storage", ("s3_endpoint", "s3_bucket")),
    ("file_storage", "nas"): ("a NAS", ("nas_export",)),
}


@cluster_rule(
    "R95",
    title="Files lie in object storage",
    words="{cluster} keeps its files on a POSIX file system ({backend}): object storage scales "
    "further, costs less and is simpler to run.",
    source=Source(
        document="003",
        text="While VoipNow can use a POSIX file system it is much better to use cloud Object "
        "Storage",
    ),
    covers=("R94",),
    severity=Severity.WARNING,
    blocks=Blocks.NOTHING,
)
def object_storage(topology: Topology, this: Rule) -> Iterator[Finding]:
    """Warn about a file system where object storage is possible."""
    backend = topology.parameter("unstructured_backend")
    if backend not in (None, "s3"):
        yield this.finding("cluster", cluster=topology.cluster.name, backend=backend)


@cluster_rule(
    "R94",
    title="It is said where files lie",
    words="{cluster} keeps its files in {backend}, and nobody has said where: set {missing}.",
    source=Source(
        document="003",
        text="Supports POSIX file systems (including network ones like NFS), or Object Storage",
    ),
    also=(Source(document="004", text="Distributed storage (or NAS setup)"),),
    severity=Severity.INFO,
    blocks=Blocks.NOTHING,
)
def place_of_files(topology: Topology, this: Rule) -> Iterator[Finding]:
    """Tell which parameters of the chosen storage are still empty."""
    for (parameter, backend), (words, needed) in PLACES.items():
        if topology.parameter(parameter) != backend or not topology.nodes:
            continue
        missing = [key for key in needed if not topology.parameter(key)]
        if missing:
            yield this.finding(
                "cluster",
                cluster=topology.cluster.name,
                backend=words,
                missing=" and ".join(missing),
            )


@cluster_rule(
    "K20",
    title="A NAS is highly available",
    words="{cluster} keeps its recordings on a NAS that is not known to be highly available: "
    "when it is lost, all recordings are. Set nas_has_ha if it is, or use file servers.",
    source=Source(document="004", text="Distributed storage (or NAS setup)"),
    also=(
        Source(
            document="upstream:docs/installation/file-server-cluster.md",
            text="Single NAS = Single Point of Failure.",
        ),
    ),
    severity=Severity.WARNING,
    blocks=Blocks.RUN,
)
def nas_available(topology: Topology, this: Rule) -> Iterator[Finding]:
    """Ask for an answer when a single NAS takes the place of the file servers."""
    if topology.parameter("file_storage") == "nas" and topology.parameter("nas_has_ha") is not True:
        yield this.finding("cluster", cluster=topology.cluster.name)


@cluster_rule(
    "S13",
    title="Patroni's times fit each other",
    words="Patroni cannot run with ttl {ttl}, loop_wait {loop_wait} and retry_timeout "
    "{retry_timeout} seconds: ttl is at least 20, and at least loop_wait + 2 × retry_timeout.",
    source=LIMITS,
    blocks=Blocks.RUN,
)
def patroni_times(topology: Topology, this: Rule) -> Iterator[Finding]:
    """Hold a run back whose Patroni would demote a healthy leader."""
    times = _patroni(topology)
    if times and (times[0] < 20 or times[1] + 2 * times[2] > times[0]):
        ttl, loop_wait, retry_timeout = times
        yield this.finding(
            "cluster",
            role=_database(topology),
            ttl=ttl,
            loop_wait=loop_wait,
            retry_timeout=retry_timeout,
        )


@patroni_times.fix
def _take_tried_times(topology: Topology, finding: Finding) -> Operation | None:
    """Set the times that the platform comes with, which fit each other."""
    return _set_defaults(topology, TIMES)


@cluster_rule(
    "K18",
    title="The failover can keep its promise",
    words="With a ttl of {ttl} seconds a lost leader may be noticed only then; promotion and "
    "HAProxy's detection add seconds, and {target} are promised. Aim at {aim}, measure in a drill.",
    source=PROMISE,
    also=(
        Source(document="upstream:docs/installation/postgresql-cluster.md", text="ttl: 30"),
        Source(document="S13", text="Promise < 30 s in every drill, aim at 25."),
    ),
    covers=("R130",),
    severity=Severity.WARNING,
    blocks=Blocks.NOTHING,
)
def failover_in_time(topology: Topology, this: Rule) -> Iterator[Finding]:
    """Warn when the ttl alone reaches the promised time; tell when it leaves little of it."""
    target = next((t for t in topology.platform.targets if t.key == "failover"), None)
    times = _patroni(topology)
    if target and times and times[0] > target.value - MARGIN_S:
        is_late = times[0] >= target.value
        yield this.finding(
            "cluster",
            role=_database(topology),
            severity=None if is_late else Severity.INFO,
            weight=2 if is_late else 1,
            ttl=times[0],
            aim=target.value - MARGIN_S,
            target=f"{target.value} {target.unit}",
        )


@failover_in_time.fix
def _take_shorter_times(topology: Topology, finding: Finding) -> Operation | None:
    """Set the times that the platform comes with."""
    return _set_defaults(topology, TIMES)


@cluster_rule(
    "K18",
    title="No acknowledged row is lost in a failover",
    words="Replication of {cluster} is not strictly synchronous: rows that were acknowledged "
    "shortly before a leader is lost can be lost with it.",
    source=Source(document="004", text="| **Streaming Replication** | Real-time data sync"),
    also=(
        Source(
            document="S13",
            text="No row lost needs synchronous_mode and synchronous_mode_strict.",
        ),
    ),
    covers=("R131", "S13"),
    severity=Severity.WARNING,
    blocks=Blocks.NOTHING,
)
def rows_kept(topology: Topology, this: Rule) -> Iterator[Finding]:
    """Warn about replication that may lose rows although none is promised to be lost."""
    if False in [topology.parameter(mode) for mode in MODES]:
        yield this.finding("cluster", role=_database(topology), cluster=topology.cluster.name)


@rows_kept.fix
def _replicate_synchronously(topology: Topology, finding: Finding) -> Operation | None:
    """Let every commit wait for a replica."""
    return _set_defaults(topology, MODES)


@cluster_rule(
    "R98",
    title="How the replication of MySQL is set up is said beforehand",
    words="{count} {role_name} nodes need their replication {how}.",
    source=Source(
        document="003",
        text="the provisioning of the MySQL replication must be performed manually when nodes are "
        "set up.",
    ),
    also=(
        Source(
            document="S12",
            text="Manual with evidence is the default; automation is opt-in, labelled as ours.",
        ),
    ),
    covers=("K17", "S12"),
    severity=Severity.INFO,
    blocks=Blocks.NOTHING,
)
def replication_by_hand(topology: Topology, this: Rule) -> Iterator[Finding]:
    """Tell of the manual step that slaves bring, or that its automation is ours."""
    way = topology.parameter("mysql_replication")
    nodes = topology.nodes_with(REPLICAS) if way else ()
    if nodes:
        yield this.finding(
            "cluster",
            role=REPLICAS,
            count=len(nodes),
            role_name=topology.role(REPLICAS).name,
            how="set up by hand: a step of the run waits for you and for evidence"
            if way == "manual"
            else "set up automatically, which is our way and not the vendor's",
        )


def _patroni(topology: Topology) -> tuple[int, int, int] | None:
    """Return ttl, loop_wait and retry_timeout, s; None where there is no Patroni."""
    values = [topology.parameter(name) for name in TIMES]
    if not all(isinstance(value, int) for value in values):
        return None
    return values[0], values[1], values[2]


def _set_defaults(topology: Topology, names: tuple[str, ...]) -> Operation:
    """Return the change that gives parameters the platform's values again."""
    values = {name: topology.platform.parameter(name).default for name in names}
    words = ", ".join(f"{name} to {value}" for name, value in values.items())
    parameters = {**topology.cluster.parameters, **values}
    return ChangeCluster({"parameters": parameters}, label=f"Set {words}")


def _database(topology: Topology) -> str:
    """Return the key of the role that Patroni runs beside."""
    return next(
        role.key
        for role in topology.platform.roles
        if any(component.key == "patroni" for component in role.components)
    )
