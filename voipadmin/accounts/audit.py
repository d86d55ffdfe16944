"""Who did what, where and when: the changes of the inventory and the runs, as one list."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import CharField, F, Q, QuerySet, Value
from django.db.models.functions import Cast
from django.utils import timezone

from inventory.access import AnyUser, visible
from inventory.models import Change, Cluster
from provisioning.models import Run

RUN = "Run"
COLUMNS = (
    "at",
    "who",
    "what",
    "kind",
    "cluster",
    "subject",
    "reason",
    "before",
    "after",
    "request",
)


@dataclass(frozen=True)
class Entry:
    """One thing that somebody did."""

    at: datetime
    who: str
    what: str
    kind: str
    cluster: Cluster | None
    subject: str
    reason: str
    before: Any
    after: Any
    request: str = ""
    address: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return what is exported."""
        values = {name: getattr(self, name) for name in COLUMNS}
        return values | {"cluster": self.cluster.slug if self.cluster else None}


@dataclass(frozen=True)
class Wanted:
    """What of the audit is asked for; what is empty is not asked."""

    cluster: Cluster | None = None
    user: str = ""
    kind: str = ""
    since: date | None = None
    until: date | None = None
    text: str = ""


class Audit:
    """The entries that a user may see and asks for, the newest first; pages like a list."""

    def __init__(self, user: AnyUser, wanted: Wanted) -> None:
        changes = visible(Change.objects.all(), user).filter(_changes(wanted))
        runs = visible(Run.objects.all(), user).filter(_runs(wanted))
        self._rows = _keys(changes, "change", "at").union(
            _keys(runs, "run", "requested_at"), all=True
        )

    def count(self) -> int:
        """Count the entries."""
        return self._rows.count()

    def __len__(self) -> int:
        """Count the entries, for pages."""
        return self.count()

    def __getitem__(self, part: slice) -> list[Entry]:
        """Return some entries."""
        return list(_entries(self._rows.order_by("-moment", "key")[part]))

    def all(self, *, at_once: int = 1000) -> Iterator[Entry]:
        """Yield every entry, piece by piece."""
        for start in range(0, self.count(), at_once):
            yield from self[start : start + at_once]


def kinds(user: AnyUser) -> list[str]:
    """Return the kinds of entries that a user sees."""
    changes = visible(Change.objects.order_by("operation"), user)
    return [RUN, *changes.values_list("operation", flat=True).distinct()]


def _keys(rows: QuerySet[Any], table: str, moment: str) -> QuerySet[Any, Any]:
    """Return time, table and key of rows, alike for every table."""
    found: QuerySet[Any, Any] = (
        rows.order_by()
        .annotate(
            moment=F(moment),
            table=Value(table, CharField()),
            key=Cast("pk", CharField()),
        )
        .values_list("moment", "table", "key")
    )
    return found


def _entries(keys: Iterable[tuple[datetime, str, str]]) -> Iterator[Entry]:
    """Yield the entries of some keys, in two queries."""
    found = list(keys)
    by_table: dict[str, Mapping[Any, Any]] = {}
    for table, model in (("change", Change), ("run", Run)):
        wanted = [key for _, of, key in found if of == table]
        rows = model._default_manager.select_related("cluster").filter(pk__in=wanted)
        by_table[table] = {str(row.pk): row for row in rows}
    for _, table, key in found:
        if row := by_table[table].get(key):
            yield _of_change(row) if table == "change" else _of_run(row)


def _of_change(row: Change) -> Entry:
    """Show a change."""
    return Entry(
        at=row.at,
        who=row.actor_name,
        what=row.summary,
        kind=row.operation,
        cluster=row.cluster,
        subject=row.subject,
        reason=row.reason,
        before=row.before,
        after=row.after,
        request=row.request_id,
    )


def _of_run(row: Run) -> Entry:
    """Show a run with how it ended."""
    return Entry(
        at=row.requested_at,
        who=row.requested_by_name,
        what=f"Run of {row.get_kind_display().lower()}: {row.get_status_display().lower()}",
        kind=RUN,
        cluster=row.cluster,
        subject=f"run:{row.pk}",
        reason=row.reason,
        before=None,
        after={
            "status": row.status,
            "roles": row.roles,
            "started_at": row.started_at,
            "finished_at": row.finished_at,
            "cancelled_by": row.cancelled_by_name,
            "runbooks": row.runbook_hashes,
        },
        address=row.get_absolute_url(),
    )


def _changes(wanted: Wanted) -> Q:
    """Return the condition on changes."""
    condition = _period("at", wanted) & Q(actor_name__icontains=wanted.user)
    if wanted.cluster:
        condition &= Q(cluster=wanted.cluster)
    if wanted.kind:
        condition &= Q(operation=wanted.kind)
    if wanted.text:
        places = ("summary", "subject", "reason", "request_id")
        condition &= _anywhere(places, wanted.text)
    return condition


def _runs(wanted: Wanted) -> Q:
    """Return the condition on runs."""
    condition = _period("requested_at", wanted) & Q(requested_by_name__icontains=wanted.user)
    if wanted.cluster:
        condition &= Q(cluster=wanted.cluster)
    if wanted.kind not in ("", RUN):
        condition &= Q(pk=None)
    if wanted.text:
        condition &= _anywhere(("status", "reason", "cluster__name"), wanted.text)
    return condition


def _anywhere(columns: Iterable[str], text: str) -> Q:
    """Return that a text occurs in one of the columns."""
    condition = Q()
    for column in columns:
        condition |= Q(**{f"{column}__icontains": text})
    return condition


def _period(column: str, wanted: Wanted) -> Q:
    """Return that a time lies in the days that are asked for."""
    condition = Q()
    if wanted.since:
        condition &= Q(**{f"{column}__gte": _midnight(wanted.since)})
    if wanted.until:
        condition &= Q(**{f"{column}__lt": _midnight(wanted.until + timedelta(days=1))})
    return condition


def _midnight(day: date) -> datetime:
    """Return when a day begins."""
    return timezone.make_aware(datetime.combine(day, time.min))
