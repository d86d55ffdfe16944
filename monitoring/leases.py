"""Shards of hosts, leased by the database's clock, so that several collectors share the work."""

import math
import os
import socket
from pathlib import Path

from django.db import connection, transaction

from monitoring.models import Shard

SHARDS = 64
LEASE_S = 30

BEAT = """
INSERT INTO monitoring_collector (name, started_at, heartbeat_at, hosts, visits, failures)
VALUES (%(name)s, now(), now(), %(hosts)s, %(visits)s, %(failures)s)
ON CONFLICT (name) DO UPDATE SET heartbeat_at = now(), hosts = excluded.hosts,
    visits = excluded.visits, failures = excluded.failures
"""
QUOTA = """
SELECT count(*) FROM monitoring_collector
WHERE heartbeat_at > now() - make_interval(secs => %s)
"""
RENEW = """
UPDATE monitoring_shard SET expires_at = now() + make_interval(secs => %s)
WHERE holder = %s RETURNING number
"""
RELEASE = "UPDATE monitoring_shard SET holder = '', expires_at = NULL WHERE holder = %s"
TAKE = """
UPDATE monitoring_shard SET holder = %s, expires_at = now() + make_interval(secs => %s)
WHERE number IN (
    SELECT number FROM monitoring_shard WHERE holder = '' OR expires_at < now()
    ORDER BY number LIMIT %s FOR UPDATE SKIP LOCKED
)
RETURNING number
"""


def own_name() -> str:
    """Name this process so that its successor on the same machine can tell that it is gone."""
    return f"{socket.gethostname()}:{os.getpid()}"


def start(name: str) -> None:
    """Make the shards once, and free those of collectors that died on this machine."""
    Shard.objects.bulk_create([Shard(number=n) for n in range(SHARDS)], ignore_conflicts=True)
    host = name.rpartition(":")[0]
    for holder in set(Shard.objects.exclude(holder="").values_list("holder", flat=True)):
        where, _, pid = holder.rpartition(":")
        if host and where == host and not Path("/proc", pid).exists():
            end(holder)


def renew(name: str, *, hosts: int = 0, visits: int = 0, failures: int = 0) -> frozenset[int]:
    """Say that we live, keep our shards and take or give some up; returns those we hold."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(BEAT, {"name": name, "hosts": hosts, "visits": visits, "failures": failures})
        cursor.execute(QUOTA, [LEASE_S])
        quota = math.ceil(SHARDS / max(cursor.fetchone()[0], 1))
        cursor.execute(RENEW, [LEASE_S, name])
        held = sorted(row[0] for row in cursor.fetchall())
        if len(held) > quota:
            cursor.execute(f"{RELEASE} AND number = ANY(%s)", [name, held[quota:]])
            held = held[:quota]
        elif len(held) < quota:
            cursor.execute(TAKE, [name, LEASE_S, quota - len(held)])
            held += [row[0] for row in cursor.fetchall()]
    return frozenset(held)


def end(name: str) -> None:
    """Free a collector's shards at once and forget it."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(RELEASE, [name])
        cursor.execute("DELETE FROM monitoring_collector WHERE name = %s", [name])
        cursor.execute(
            "DELETE FROM monitoring_collector WHERE heartbeat_at < now() - interval '1 day'"
        )
