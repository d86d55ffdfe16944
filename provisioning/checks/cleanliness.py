"""Judges whether something foreign is where roles are to be installed; pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch

from provisioning.checks.registry import judges
from provisioning.checks.sight import Answer, Subject


@dataclass(frozen=True, slots=True)
class Software:
    """What would be in the way: its processes, and the files that its data has."""

    name: str
    processes: tuple[str, ...]
    traces: tuple[str, ...] = ()


SOFTWARE = (
    Software(
        "PostgreSQL",
        ("postgres", "postmaster"),
        ("/var/lib/postgresql/*/*/PG_VERSION", "/var/lib/pgsql/data/PG_VERSION"),
    ),
    Software("Patroni", ("patroni",), ("/etc/patroni/config.yml",)),
    Software("etcd", ("etcd",), ("/var/lib/etcd/*/member", "/var/lib/etcd/member")),
    Software("GlusterFS", ("glusterd", "glusterfsd"), ("/var/lib/glusterd/peers/*",)),
    Software("MySQL or MariaDB", ("mysqld", "mariadbd"), ("/var/lib/mysql/ibdata1",)),
    Software("a web server", ("nginx", "apache2", "httpd", "lighttpd", "caddy")),
    Software("HAProxy", ("haproxy",)),
    Software("keepalived", ("keepalived",)),
    Software("Elasticsearch", ("elasticsearch",), ("/var/lib/elasticsearch/nodes",)),
    Software("RabbitMQ", ("rabbitmq-server", "beam.smp"), ("/var/lib/rabbitmq/mnesia/*",)),
    Software("Redis", ("redis-server",)),
    Software(
        "a telephony server",
        ("freeswitch", "asterisk", "kamailio", "opensips", "rtpengine"),
        ("/var/lib/asterisk/astdb.sqlite3", "/var/lib/freeswitch/db/*"),
    ),
)
TRACES = tuple(trace for software in SOFTWARE for trace in software.traces)


@judges("clean-target")
def clean_target(subject: Subject) -> Iterator[Answer]:
    """Name software that runs, or has data, on a machine where the portal installed nothing."""
    if subject.sight.is_installed(subject.name):
        yield subject.not_applicable(
            f"The portal has begun to install {subject.name}: what is there may be its own."
        )
        return
    found = False
    for software in SOFTWARE:
        running = sorted(subject.machine.processes & set(software.processes))
        data = [p for p in subject.machine.traces if any(fnmatch(p, t) for t in software.traces)]
        if not (running or data):
            continue
        found = True
        said = [f"runs as {', '.join(running)}"] if running else []
        said += [f"has data at {', '.join(data[:3])}"] if data else []
        yield subject.failed(
            f"{software.name[0].upper()}{software.name[1:]} {' and '.join(said)} on "
            f"{subject.name}, and the portal did not install it.",
            "Save what is needed of it and remove it, or take another machine.",
            about=software.name,
            measured=", ".join((*running, *data))[:300],
        )
    if not found:
        yield subject.passed(f"Nothing foreign runs or has data on {subject.name}.")
