"""Storing samples: partitions, COPY, duplicates, late and refused ones."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.conf import settings
from django.db import connection

from monitoring.ingest import SampleRow, ingest
from monitoring.metrics import HOST
from monitoring.models import DirtyHour, IngestCounter, RollupMark, Sample
from monitoring.partitions import compact, drop_old, ensure_ahead, ensure_days, existing_days

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)


def row(at: datetime, *values: int | None, subject: int = 7) -> SampleRow:
    """Make a host sample."""
    return SampleRow(at, subject, HOST.number, values or (1, None, 3))


def counts() -> dict[str, int]:
    """Return what was not stored, by reason."""
    return dict(IngestCounter.objects.values_list("reason", "count"))


def test_samples_are_stored_as_they_were_quantised() -> None:
    result = ingest([row(NOW, 1234, None, -5, 2**31 - 1)], now=NOW)

    stored = Sample.objects.get()
    assert result.stored == 1
    assert stored.values == [1234, None, -5, 2**31 - 1]
    assert (stored.at, stored.subject_id, stored.layout) == (NOW, 7, 1)


def test_of_two_samples_of_one_second_the_first_stays_and_the_second_is_counted() -> None:
    ingest([row(NOW, 1)], now=NOW)

    result = ingest([row(NOW, 2), row(NOW + timedelta(minutes=1), 3)], now=NOW)

    assert (result.stored, result.duplicate) == (1, 1)
    assert [sample.values for sample in Sample.objects.order_by("at")] == [[1], [3]]
    assert counts() == {"duplicate": 1}


def test_a_batch_with_a_sample_twice_is_stored_once() -> None:
    result = ingest([row(NOW, 1), row(NOW, 1)], now=NOW)

    assert (result.stored, result.duplicate) == (1, 1)


def test_what_is_older_than_retention_or_in_the_future_is_refused_and_counted() -> None:
    old = NOW - timedelta(days=settings.RAW_RETENTION_DAYS, seconds=1)

    result = ingest([row(old), row(NOW + timedelta(hours=1)), row(NOW)], now=NOW)

    assert (result.stored, result.too_old, result.in_future) == (1, 1, 1)
    assert counts() == {"too_old": 1, "in_future": 1}
    assert Sample.objects.count() == 1


def test_a_sample_from_before_the_mark_makes_its_hour_dirty_and_a_newer_one_does_not() -> None:
    RollupMark.objects.create(closed_until=NOW.replace(minute=0))

    ingest([row(NOW), row(NOW - timedelta(hours=3))], now=NOW)

    dirty = DirtyHour.objects.get()
    assert dirty.hour == datetime(2026, 11, 20, 9, tzinfo=UTC)
    assert (dirty.layout, dirty.subject_id) == (1, 7)


def test_a_late_sample_finds_the_partition_of_its_day_made() -> None:
    ingest([row(NOW - timedelta(days=10))], now=NOW)

    assert date(2026, 11, 10) in existing_days()


def test_days_are_made_ahead_once_and_dropped_when_no_day_of_any_zone_needs_them() -> None:
    ensure_days([date(2026, 11, 1), date(2026, 11, 4)])

    assert len(ensure_ahead(NOW)) == 5
    assert ensure_ahead(NOW) == []
    assert drop_old(NOW) == [date(2026, 11, 1)]
    assert date(2026, 11, 4) in existing_days()
    assert date(2026, 11, 23) in existing_days()


def test_a_sample_takes_less_than_13_bytes_with_its_index_once_its_day_is_over() -> None:
    start = datetime(2026, 11, 19, tzinfo=UTC)
    values = tuple(range(100_000, 100_000 + len(HOST.metrics)))
    for minute in range(600):
        at = start + timedelta(minutes=minute)
        ingest([row(at, *values, subject=n) for n in range(50)], now=NOW)

    assert compact(datetime(2026, 11, 20, 0, 30, tzinfo=UTC))
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_total_relation_size('monitoring_sample_20261119')")
        size = cursor.fetchone()[0]
    assert size / (600 * 50 * len(values)) <= 13
