"""Writing samples: COPY in binary, late ones marked for the rollups, refused ones counted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.db import IntegrityError, connection, transaction
from django.db.models import F
from psycopg import errors
from psycopg.cursor import Cursor

from monitoring.models import IngestCounter
from monitoring.partitions import ensure_days, oldest_accepted
from monitoring.pgcopy import binary

FUTURE = timedelta(minutes=10)
COLUMNS = "(at, subject_id, layout, values)"
# The row is locked by whoever marks it, so that a rollup which takes the mark at the same moment
# waits for the sample, and the sample for the rollup: neither can miss the other.
MARK = """
INSERT INTO monitoring_dirtyhour (hour, layout, subject_id, marked_at)
SELECT hour, layout, subject_id, now()
FROM unnest(%s::timestamptz[], %s::int2[], %s::int4[]) AS m (hour, layout, subject_id)
ORDER BY 1, 2, 3
ON CONFLICT (hour, layout, subject_id) DO UPDATE SET marked_at = now()
"""


class SampleRow(NamedTuple):
    """One visit's values of one subject, in the order and resolution of the layout."""

    at: datetime
    subject_id: int
    layout: int
    values: Sequence[int | None]


@dataclass(frozen=True)
class Ingested:
    """What became of a batch."""

    stored: int = 0
    duplicate: int = 0
    too_old: int = 0
    in_future: int = 0
    late: int = 0


def ingest(rows: Sequence[SampleRow], *, now: datetime) -> Ingested:
    """Store a batch, all of it or nothing; of two samples of one second the first stays."""
    if not rows:
        return Ingested()
    oldest, newest = oldest_accepted(now), now + FUTURE
    good = [row for row in rows if oldest <= row.at <= newest]
    too_old = sum(row.at < oldest for row in rows)
    in_future = len(rows) - len(good) - too_old
    ensure_days({row.at.astimezone(UTC).date() for row in good})
    with transaction.atomic():
        closed_until = _closed_until()
        stored = _store(good)
        late = [row for row in good if closed_until and row.at < closed_until]
        _mark(late)
        result = Ingested(stored, len(good) - stored, too_old, in_future, len(late))
        _count(result, now)
    return result


def _closed_until() -> datetime | None:
    """Read up to where hours are closed, and keep them from closing until we commit."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT closed_until FROM monitoring_rollupmark FOR SHARE")
        row = cursor.fetchone()
    return row[0] if row else None


def _store(rows: Sequence[SampleRow]) -> int:
    """Copy straight in; only when a sample is there already, go through a table of its own."""
    try:
        with transaction.atomic():
            _copy(rows, "monitoring_sample")
            return len(rows)
    except (errors.UniqueViolation, IntegrityError):
        return _store_new(rows)


def _store_new(rows: Sequence[SampleRow]) -> int:
    """Store those rows that are not there yet."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE incoming (LIKE monitoring_sample INCLUDING DEFAULTS) ON COMMIT DROP"
        )
        _copy(rows, "incoming")
        cursor.execute(
            "INSERT INTO monitoring_sample (at, subject_id, layout, values)"
            " SELECT at, subject_id, layout, values FROM incoming"
            " ORDER BY subject_id, layout, at ON CONFLICT DO NOTHING"
        )
        stored: int = cursor.rowcount
        cursor.execute("DROP TABLE incoming")
    return stored


def _copy(rows: Sequence[SampleRow], table: str) -> None:
    """Send rows in PostgreSQL's binary form."""
    with connection.cursor() as wrapper:
        cursor: Cursor = wrapper.cursor
        with cursor.copy(f"COPY {table} {COLUMNS} FROM STDIN (FORMAT BINARY)") as copy:
            copy.write(binary(rows))


def _mark(rows: Sequence[SampleRow]) -> None:
    """Mark the closed hours that late samples change."""
    marks = sorted({(_hour(row.at), row.layout, row.subject_id) for row in rows})
    if marks:
        with connection.cursor() as cursor:
            cursor.execute(MARK, [list(column) for column in zip(*marks, strict=True)])


def _hour(at: datetime) -> datetime:
    """Return the start of the hour."""
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _count(result: Ingested, now: datetime) -> None:
    """Keep count of what was not stored."""
    for reason in ("duplicate", "too_old", "in_future"):
        if number := getattr(result, reason):
            IngestCounter.objects.get_or_create(reason=reason)
            IngestCounter.objects.filter(reason=reason).update(
                count=F("count") + number, last_at=now
            )
