"""The days of the sample table: made ahead of time, dropped when they are past retention."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from django.conf import settings
from django.db import OperationalError, connection, transaction

AHEAD_DAYS = 3
# A cluster's local day lies across two or three UTC days: all of it stays while it can change.
KEPT_BEYOND = timedelta(days=2)


def oldest_accepted(now: datetime) -> datetime:
    """Return the time before which a sample is refused."""
    return now - timedelta(days=settings.RAW_RETENTION_DAYS)


def ensure_days(days: Iterable[date]) -> list[date]:
    """Make the partitions of UTC days that are missing; returns the days made."""
    return [day for day in sorted(set(days)) if _make(day)]


def ensure_ahead(now: datetime) -> list[date]:
    """Make today's partition, yesterday's and those of the next days."""
    today = now.astimezone(UTC).date()
    return ensure_days(today + timedelta(days=n) for n in range(-1, AHEAD_DAYS + 1))


def existing_days() -> list[date]:
    """List the days that have a partition."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT right(inhrelid::regclass::text, 8) FROM pg_inherits"
            " WHERE inhparent = 'monitoring_sample'::regclass ORDER BY 1"
        )
        names = [row[0] for row in cursor.fetchall()]
    return [date(int(name[:4]), int(name[4:6]), int(name[6:])) for name in names]


def drop_old(now: datetime) -> list[date]:
    """Drop the days past retention; a day that somebody reads waits for the next time."""
    limit = (oldest_accepted(now) - KEPT_BEYOND).astimezone(UTC).date()
    return [day for day in existing_days() if day < limit and _drop(day)]


def compact(now: datetime) -> bool:
    """Rebuild yesterday's index in the first hour of the day, when only late rows are to come.

    Rows arrive by time, the index is by subject: its pages split in halves and stay two thirds
    full. Whoever misses the hour loses 8 % of space and nothing else.
    """
    yesterday = (now.astimezone(UTC) - timedelta(days=1)).date()
    if now.astimezone(UTC).hour != 0 or yesterday not in existing_days():
        return False
    with connection.cursor() as cursor:
        cursor.execute(f"REINDEX TABLE {_table(yesterday)}")
    return True


def _table(day: date) -> str:
    """Name a day's partition."""
    return f"monitoring_sample_{day:%Y%m%d}"


def _make(day: date) -> bool:
    """Make one partition; attaching, unlike CREATE ... PARTITION OF, lets readers go on."""
    table = _table(day)
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [table])
        if cursor.fetchone()[0]:
            return False
        # Two makers of one day: the second waits and finds it made.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('monitoring_sample'))")
        cursor.execute("SELECT to_regclass(%s)", [table])
        if cursor.fetchone()[0]:
            return False
        cursor.execute(f"CREATE TABLE {table} (LIKE monitoring_sample INCLUDING ALL)")
        cursor.execute(
            f"ALTER TABLE monitoring_sample ATTACH PARTITION {table} FOR VALUES FROM (%s) TO (%s)",
            [start, start + timedelta(days=1)],
        )
    return True


def _drop(day: date) -> bool:
    """Drop one partition, waiting two seconds at most."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '2s'")
            cursor.execute(f"DROP TABLE {_table(day)}")
    except OperationalError:
        return False
    return True
