"""Hours and days: exact, per role by the membership of the time, and the same when made again."""

import random
import statistics
from datetime import UTC, date, datetime, timedelta
from math import ceil
from typing import Any

import pytest

from inventory.models import Cluster, Node, Placement, RoleAssignment
from monitoring.ingest import SampleRow, ingest
from monitoring.metrics import HOST
from monitoring.models import (
    DirtyDay,
    DirtyHour,
    RoleDay,
    RoleHour,
    RollupMark,
    SubjectDay,
    SubjectHour,
)
from monitoring.models.rollups import Pooled
from monitoring.rollups import close_hours, day_bounds, roll_up
from tests.factories import make_cluster, make_container, make_database_cluster, make_node

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def nearest_rank(values: list[int], p: float) -> int:
    """Return the smallest value that at least the share p does not exceed."""
    return sorted(values)[ceil(p * len(values)) - 1]


def samples(
    subject: int, start: datetime, values: list[int | None], *, step: timedelta = MINUTE
) -> list[SampleRow]:
    """Make a host's samples of one metric from a start on."""
    return [SampleRow(start + n * step, subject, 1, (v, None)) for n, v in enumerate(values)]


def since(cluster: Cluster, at: datetime) -> None:
    """Let all memberships of a cluster hold since a time."""
    Placement.objects.filter(node__cluster=cluster).update(valid_from=at)
    RoleAssignment.objects.filter(node__cluster=cluster).update(valid_from=at)


def database_cluster(nodes: int = 2, **fields: Any) -> tuple[Cluster, list[int]]:
    """Make a cluster whose nodes have been there for long; returns its containers too."""
    cluster = make_database_cluster(nodes=nodes, **fields)
    since(cluster, NOON - timedelta(days=30))
    return cluster, list(cluster.containers.order_by("name").values_list("pk", flat=True))


def everything() -> list[list[dict[str, Any]]]:
    """Return all rollups, comparable."""
    rollups: tuple[type[Pooled], ...] = (SubjectHour, SubjectDay, RoleHour, RoleDay)
    return [sorted(map(dict, model._default_manager.values()), key=str) for model in rollups]


def test_an_hour_has_exact_percentiles() -> None:
    values: list[int | None] = [random.Random(1).randrange(10_000) for _ in range(60)]
    ingest(samples(5, NOON, values), now=NOON + HOUR)

    roll_up(NOON + HOUR + 5 * MINUTE)

    hour = SubjectHour.objects.get()
    known = [value for value in values if value is not None]
    assert hour.p50[0] == statistics.median_low(known)
    assert hour.p95[0] == nearest_rank(known, 0.95)
    low, high = statistics.quantiles(known, n=100, method="inclusive")[92:96:2]
    assert low <= hour.p95[0] <= high + 200
    assert (hour.counts[0], hour.totals[0], hour.maximum[0]) == (60, sum(known), max(known))


def test_a_metric_that_was_not_measured_is_missing_and_shifts_no_other() -> None:
    ingest(
        [SampleRow(NOON + n * MINUTE, 5, 1, (None, n, None, 7)) for n in range(10)],
        now=NOON,
    )

    roll_up(NOON + 2 * HOUR)

    hour = SubjectHour.objects.get()
    assert hour.counts == [0, 10, 0, 10]
    assert hour.p95 == [None, 9, None, 7]


def test_an_hour_that_is_not_over_is_not_closed() -> None:
    ingest(samples(5, NOON, [1, 2, 3]), now=NOON + HOUR)

    roll_up(NOON + HOUR + MINUTE)

    assert not SubjectHour.objects.exists()
    assert RollupMark.objects.get().closed_until <= NOON


def test_rolling_up_again_computes_nothing_again() -> None:
    ingest(samples(5, NOON, [1, 2, 3]), now=NOON + HOUR)
    roll_up(NOON + 2 * HOUR)

    assert roll_up(NOON + 2 * HOUR) == (0, 0)


def test_a_roles_hour_pools_the_samples_of_its_nodes() -> None:
    cluster, (one, two) = database_cluster()
    ingest(samples(one, NOON, [10] * 60) + samples(two, NOON, [*range(60)]), now=NOON + HOUR)

    roll_up(NOON + 2 * HOUR)

    hour = RoleHour.objects.get(cluster_id=cluster.pk, hour=NOON)
    assert hour.p95[0] == nearest_rank([10] * 60 + [*range(60)], 0.95)
    assert (hour.counts[0], hour.seen_nodes) == (120, 2)


def test_a_sample_counts_for_the_role_its_node_had_at_that_time() -> None:
    cluster, (one, two) = database_cluster()
    half = NOON + 30 * MINUTE
    RoleAssignment.objects.filter(node=Node.objects.last()).update(valid_to=half)
    ingest(samples(one, NOON, [10] * 60) + samples(two, NOON, [90] * 60), now=NOON + HOUR)

    roll_up(NOON + 2 * HOUR)

    hour = RoleHour.objects.get(cluster_id=cluster.pk, hour=NOON)
    assert hour.counts[0] == 90
    assert hour.totals[0] == 60 * 10 + 30 * 90


def test_a_node_that_moved_counts_on_each_machine_for_its_time() -> None:
    cluster, (one,) = database_cluster(nodes=1)
    spare = make_container(cluster, "spare")
    half = NOON + 30 * MINUTE
    node = Node.objects.get()
    Placement.objects.filter(node=node).update(valid_to=half)
    Placement.objects.create(node=node, container=spare, valid_from=half)
    ingest(samples(one, NOON, [10] * 60) + samples(spare.pk, NOON, [90] * 60), now=NOON + HOUR)

    roll_up(NOON + 2 * HOUR)

    hour = RoleHour.objects.get(hour=NOON)
    assert hour.totals[0] == 30 * 10 + 30 * 90
    assert hour.seen_nodes == 1


def test_the_daily_peak_is_the_p95_of_five_minute_sums_over_the_nodes() -> None:
    cluster, (one, two) = database_cluster()
    day = NOON.replace(hour=0)
    numbers = random.Random(2)
    first = [numbers.randrange(1000) for _ in range(1440)]
    second = [numbers.randrange(1000) for _ in range(1440)]
    ingest(samples(one, day, [*first]) + samples(two, day, [*second]), now=NOON + 12 * HOUR)

    roll_up(day + timedelta(days=1, hours=1))

    row = RoleDay.objects.get(cluster_id=cluster.pk)
    sums = [
        statistics.mean(first[n : n + 5]) + statistics.mean(second[n : n + 5])
        for n in range(0, 1440, 5)
    ]
    assert abs(row.sum_p95[0] - nearest_rank([round(s * 10) for s in sums], 0.95) / 10) <= 0.5
    assert abs(row.sum_maximum[0] - max(sums)) <= 0.5
    assert (row.complete_slots[0], row.expected_slots) == (288, 288)
    assert (row.expected_nodes, row.seen_nodes) == (2, 2)
    assert row.p95[0] == nearest_rank(first + second, 0.95)


def test_an_incomplete_slot_is_missing_not_low() -> None:
    cluster, (one, two) = database_cluster()
    day = NOON.replace(hour=0)
    rows = samples(one, day, [500] * 1440) + samples(two, day, [500] * 720)
    ingest(rows, now=NOON + 12 * HOUR)

    roll_up(day + timedelta(days=1, hours=1))

    row = RoleDay.objects.get(cluster_id=cluster.pk)
    assert (row.complete_slots[0], row.expected_slots) == (144, 288)
    assert row.sum_p95[0] == row.sum_maximum[0] == 1000


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 10, 24), 24), (date(2026, 10, 25), 25), (date(2026, 3, 29), 23)]
)
def test_a_day_is_the_clusters_local_day(day: date, hours: int) -> None:
    start, end = day_bounds(Cluster(time_zone="Europe/Berlin"), day)

    assert (end - start) / HOUR == hours


def test_a_days_samples_are_those_of_the_local_day() -> None:
    cluster, (one,) = database_cluster(nodes=1, time_zone="Asia/Kolkata")
    start, end = day_bounds(cluster, date(2026, 11, 18))
    inside = samples(one, start, [100] * 24, step=HOUR)
    outside = samples(one, start - MINUTE, [9]) + samples(one, end, [9])
    ingest(inside + outside, now=NOON + 12 * HOUR)

    roll_up(end + 2 * HOUR)

    row = SubjectDay.objects.get(subject_id=one, day=date(2026, 11, 18))
    assert (row.counts[0], row.totals[0]) == (24, 2400)


def test_a_day_waits_until_it_is_over() -> None:
    database_cluster()
    ingest(samples(1, NOON, [1]), now=NOON + HOUR)

    roll_up(NOON + 2 * HOUR)

    assert DirtyDay.objects.exists()
    assert not SubjectDay.objects.exists()


def test_after_late_samples_everything_is_as_if_they_had_come_in_time() -> None:
    _, (one, two) = database_cluster()
    day = NOON.replace(hour=0)
    later = day + timedelta(days=1, hours=1)
    numbers = random.Random(3)
    rows = [
        row
        for subject in (one, two)
        for row in samples(subject, day, [numbers.randrange(10_000) for _ in range(1440)])
    ]
    late = numbers.sample(rows, 300)
    ingest([row for row in rows if row not in late], now=NOON + 12 * HOUR)
    roll_up(later)
    before = everything()

    ingest(late, now=later)
    marked = DirtyHour.objects.count()
    roll_up(later)
    mended = everything()
    for model in (SubjectHour, SubjectDay, RoleHour, RoleDay, RollupMark):
        model.objects.all().delete()
    roll_up(later)

    assert marked > 20
    assert before != mended
    assert everything() == mended


def test_closing_after_a_long_pause_starts_at_what_is_still_kept() -> None:
    RollupMark.objects.create(closed_until=NOON - timedelta(days=300))

    close_hours(NOON)

    assert DirtyHour.objects.count() <= 14 * 24 + 1


def test_two_clusters_roles_are_not_mixed() -> None:
    first, (one,) = database_cluster(nodes=1)
    second = make_cluster(private="10.205.0.0/24", public="10.206.0.0/24")
    other = make_container(second, "other", private="10.205.0.9")
    make_node(other, "other", "database")
    since(second, NOON - timedelta(days=1))
    ingest(samples(one, NOON, [1] * 60) + samples(other.pk, NOON, [2] * 60), now=NOON + HOUR)

    roll_up(NOON + 2 * HOUR)

    totals = {row.cluster_id: row.totals[0] for row in RoleHour.objects.filter(hour=NOON)}
    assert totals == {first.pk: 60, second.pk: 120}


def test_the_layout_of_hosts_is_the_one_that_sql_knows_as_1() -> None:
    assert HOST.number == 1
