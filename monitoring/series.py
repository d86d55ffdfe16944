"""Series for charts and the API: raw samples, hours or days, as columns."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.conf import settings

from monitoring.metrics import Layout, Metric
from monitoring.models import Sample, SubjectDay, SubjectHour


@dataclass(frozen=True)
class Range:
    """A span that ends now, and what it is drawn from."""

    key: str
    title: str
    span: timedelta
    resolution: str  # raw, hour or day


RANGES: dict[str, Range] = {
    item.key: item
    for item in (
        Range("1h", "1 hour", timedelta(hours=1), "raw"),
        Range("6h", "6 hours", timedelta(hours=6), "raw"),
        Range("24h", "24 hours", timedelta(hours=24), "raw"),
        Range("7d", "7 days", timedelta(days=7), "hour"),
        Range("30d", "30 days", timedelta(days=30), "hour"),
        Range("1y", "1 year", timedelta(days=365), "day"),
    )
}
STEPS = {"hour": timedelta(hours=1), "day": timedelta(days=1)}


@dataclass(frozen=True)
class Points:
    """Times and, for each place of the layout, values in the metric's unit; gaps are None."""

    at: list[datetime]
    columns: list[list[float | None]]
    peaks: list[list[float | None]] | None = None


def points(layout: Layout, subject_id: int, span: Range, *, now: datetime) -> Points:
    """Read a subject's points; of hours and days the median, with the 95th percentile as peaks."""
    start = now - span.span
    if span.resolution == "raw":
        rows = list(
            Sample.objects.filter(
                layout=layout.number, subject_id=subject_id, at__gt=start, at__lte=now
            )
            .order_by("at")
            .values_list("at", "values")
        )
        step = timedelta(seconds=settings.COLLECT_INTERVAL_S)
        filled = _with_gaps(rows, step)
        return Points([at for at, _ in filled], _columns(layout, [row for _, row in filled]))
    step = STEPS[span.resolution]
    rolled = _rolled(layout, subject_id, span.resolution, start)
    middle = _with_gaps([(at, p50) for at, p50, _ in rolled], step)
    peaks = _with_gaps([(at, p95) for at, _, p95 in rolled], step)
    return Points(
        [at for at, _ in middle],
        _columns(layout, [row for _, row in middle]),
        _columns(layout, [row for _, row in peaks]),
    )


def as_json(
    layout: Layout, subject_id: int, found: Points, *, latest: Sample | None
) -> dict[str, Any]:
    """Return a layout's series as the charts read them: times in seconds, a list a metric."""
    return {
        "at": [round(at.timestamp()) for at in found.at],
        "metrics": [
            {
                **_described(metric),
                "values": found.columns[place],
                "peaks": found.peaks[place] if found.peaks else None,
                "last": _last(metric, latest, place),
                "last_at": round(latest.at.timestamp()) if latest else None,
            }
            for place, metric in enumerate(layout.metrics)
        ],
        "subject": subject_id,
    }


def latest_sample(layout: Layout, subject_id: int) -> Sample | None:
    """Return a subject's newest raw sample."""
    return (
        Sample.objects.filter(layout=layout.number, subject_id=subject_id).order_by("-at").first()
    )


def _described(metric: Metric) -> dict[str, Any]:
    """Return what a chart says about its metric."""
    return {
        "key": metric.key,
        "title": metric.title,
        "unit": metric.unit,
        "minimum": metric.minimum,
        "maximum": metric.maximum,
        "labels": dict(metric.labels),
        "note": metric.note,
    }


def _last(metric: Metric, latest: Sample | None, place: int) -> float | None:
    """Return the newest value."""
    if latest is None or place >= len(latest.values):
        return None
    return metric.value(latest.values[place])


def _rolled(
    layout: Layout, subject_id: int, resolution: str, start: datetime
) -> list[tuple[datetime, list[int | None], list[int | None]]]:
    """Read hours or days from a start on."""
    if resolution == "hour":
        return list(
            SubjectHour.objects.filter(layout=layout.number, subject_id=subject_id, hour__gte=start)
            .order_by("hour")
            .values_list("hour", "p50", "p95")
        )
    days = SubjectDay.objects.filter(
        layout=layout.number, subject_id=subject_id, day__gte=start.date()
    ).order_by("day")
    return [
        (datetime.combine(day, time(12), UTC), p50, p95)
        for day, p50, p95 in days.values_list("day", "p50", "p95")
    ]


Row = tuple[datetime, list[int | None] | None]


def _with_gaps(rows: list[Any], step: timedelta) -> list[Row]:
    """Put an empty row where one is missing, so that no line is drawn across."""
    filled: list[Row] = []
    for at, values in rows:
        if filled and at - filled[-1][0] > 2.5 * step:
            filled.append((filled[-1][0] + step, None))
        filled.append((at, values))
    return filled


def _columns(layout: Layout, rows: list[list[int | None] | None]) -> list[list[float | None]]:
    """Turn stored rows into a list of values for each metric."""
    return [
        [metric.value(row[place]) if row is not None and place < len(row) else None for row in rows]
        for place, metric in enumerate(layout.metrics)
    ]
