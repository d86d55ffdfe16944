"""Hours and local days from raw samples: exact, and the same however often they are computed.

An hour is closed once and its mark then says what to compute; a late sample marks its hour again.
Computing an hour marks the local day it lies in, which is computed when all its hours are closed.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet

from inventory.models import Cluster
from monitoring import rollup_sql as sql
from monitoring.metrics import LAYOUTS
from monitoring.models import DirtyDay, RoleDay, RoleHour, RollupMark, SubjectDay, SubjectHour
from monitoring.partitions import oldest_accepted

HOUR = timedelta(hours=1)
# What is measured at the end of an hour needs a moment to arrive.
GRACE = timedelta(minutes=2)
EVERYTHING = (0, 0)


def roll_up(now: datetime) -> tuple[int, int]:
    """Close the hours that are over and compute what is marked; returns hours and days computed."""
    close_hours(now)
    hours = days = 0
    while compute_hour():
        hours += 1
    while compute_day():
        days += 1
    return hours, days


def close_hours(now: datetime) -> None:
    """Move the mark to the last full hour, marking each hour passed as a whole."""
    target = (now - GRACE).astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    with transaction.atomic():
        mark = RollupMark.objects.select_for_update().first()
        start = mark.closed_until if mark else _first_hour() or target
        start = max(start, oldest_accepted(target).replace(minute=0, second=0, microsecond=0))
        _mark_hours(hour for n in range((target - start) // HOUR) for hour in [start + n * HOUR])
        if mark is None:
            RollupMark.objects.create(pk=1, closed_until=target)
        elif target > mark.closed_until:
            mark.closed_until = target
            mark.save(update_fields=["closed_until"])


def compute_hour() -> bool:
    """Take the marks of one hour and compute what they name; False when there are none left."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql.TAKE_HOUR)
        marks = cursor.fetchall()
        if not marks:
            return False
        hour = marks[0][0]
        subjects = None if any(mark[1:] == EVERYTHING for mark in marks) else marks
        compute_subject_hours(hour, subjects)
        clusters = _clusters_of(subjects)
        compute_role_hours(hour, [cluster.pk for cluster in clusters])
        _mark_days(clusters, hour)
    return True


def compute_subject_hours(hour: datetime, marks: Sequence[tuple] | None) -> None:
    """Compute an hour of the marked subjects, or of all."""
    _execute(
        sql.SUBJECT_HOURS,
        everything=marks is None,
        layouts=[mark[1] for mark in marks or ()],
        subjects=[mark[2] for mark in marks or ()],
        start=hour,
        end=hour + HOUR,
    )


def compute_role_hours(hour: datetime, cluster_ids: Sequence[int]) -> None:
    """Compute an hour of all roles of clusters."""
    _execute(
        sql.ROLE_HOURS, start=hour, end=hour + HOUR, clusters=list(cluster_ids), **_role_layouts()
    )


def compute_day() -> bool:
    """Take one day that is over and compute it; False when there is none left."""
    with transaction.atomic(), connection.cursor() as cursor:
        mark = RollupMark.objects.first()
        for dirty in DirtyDay.objects.order_by("day", "cluster_id"):
            cluster = Cluster.objects.filter(pk=dirty.cluster_id).first()
            end = day_bounds(cluster, dirty.day)[1] if cluster else None
            if end and (mark is None or end > mark.closed_until):
                continue
            cursor.execute(sql.TAKE_DAY, [dirty.cluster_id, dirty.day])
            if not cursor.fetchone():
                continue
            if cluster:
                compute_subject_days(cluster, dirty.day)
                compute_role_days(cluster, dirty.day)
            return True
    return False


def compute_subject_days(cluster: Cluster, day: date) -> None:
    """Compute a day of all containers and nodes of a cluster."""
    start, end = day_bounds(cluster, day)
    _execute(sql.SUBJECT_DAYS, start=start, end=end, day=day, cluster=cluster.pk)


def compute_role_days(cluster: Cluster, day: date) -> None:
    """Compute a day of all roles of a cluster."""
    start, end = day_bounds(cluster, day)
    _execute(sql.ROLE_DAYS, start=start, end=end, day=day, clusters=[cluster.pk], **_role_layouts())


def day_bounds(cluster: Cluster, day: date) -> tuple[datetime, datetime]:
    """Return when a cluster's local day starts and ends; it may have 23, 24 or 25 hours."""
    zone = ZoneInfo(cluster.time_zone)
    start = datetime.combine(day, time(), zone).astimezone(UTC)
    end = datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)
    return start, end


def drop_old_rollups(now: datetime) -> int:
    """Delete what is past its retention; returns the rows deleted."""
    hourly = now - timedelta(days=settings.HOURLY_RETENTION_DAYS)
    daily = (now - timedelta(days=settings.DAILY_RETENTION_DAYS)).date()
    old: tuple[QuerySet, ...] = (
        SubjectHour.objects.filter(hour__lt=hourly),
        RoleHour.objects.filter(hour__lt=hourly),
        SubjectDay.objects.filter(day__lt=daily),
        RoleDay.objects.filter(day__lt=daily),
    )
    return sum(rows.delete()[0] for rows in old)


def _first_hour() -> datetime | None:
    """Find the hour of the first sample there is."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT date_trunc('hour', min(at), 'UTC') FROM monitoring_sample")
        first: datetime | None = cursor.fetchone()[0]
    return first


def _mark_hours(hours: Iterable[datetime]) -> None:
    """Mark whole hours."""
    with connection.cursor() as cursor:
        cursor.execute(sql.MARK_HOURS, [list(hours)])


def _clusters_of(marks: Sequence[tuple] | None) -> list[Cluster]:
    """Find the clusters whose roles and days the subjects are part of."""
    if marks is None:
        return list(Cluster.objects.filter(is_example=False))
    with connection.cursor() as cursor:
        cursor.execute(
            sql.CLUSTERS_OF, {"containers": _ids(marks, host=True), "nodes": _ids(marks)}
        )
        found = [row[0] for row in cursor.fetchall()]
    return list(Cluster.objects.filter(pk__in=found))


def _ids(marks: Sequence[tuple], *, host: bool = False) -> list[int]:
    """Pick the containers, or the nodes, among marked subjects."""
    return [subject for _, layout, subject in marks if (layout == 1) is host]


def _mark_days(clusters: Iterable[Cluster], hour: datetime) -> None:
    """Mark the local days that an hour lies in; with a zone of half hours it may be two."""
    marks = sorted(
        {
            (cluster.pk, at.astimezone(ZoneInfo(cluster.time_zone)).date())
            for cluster in clusters
            for at in (hour, hour + HOUR - timedelta(microseconds=1))
        }
    )
    if marks:
        with connection.cursor() as cursor:
            cursor.execute(sql.MARK_DAYS, [list(column) for column in zip(*marks, strict=True)])


def _role_layouts() -> dict[str, list]:
    """Say which layouts belong to which roles: pairs of layout and role key."""
    pairs = [(layout.number, role) for layout in LAYOUTS.values() for role in sorted(layout.roles)]
    return {"role_layouts": [p[0] for p in pairs], "role_keys": [p[1] for p in pairs]}


def _execute(statement: str, **parameters: Any) -> None:
    """Run one statement."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
