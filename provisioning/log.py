"""Reading a run's log: by pages from any place, searched, from the first error on.

One driver writes a run's lines in order, so their keys rise with them and serve as places.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from uuid import UUID

from django.db.models import F, Max, Min, QuerySet

from provisioning.models import Attempt, Line, Run
from provisioning.states import Outcome

PAGE = 500
PHASE = "==> "
# Of words that commands use when something goes wrong; PostgreSQL's \m and \M are a word's ends.
ERRORS = r"\m(error|err|failed|failure|fatal|cannot|could not|denied|refused|traceback|panic)\M"


@dataclass(frozen=True)
class Scope:
    """Whose lines: the whole run's, one step's or one container's."""

    run: Run
    step: UUID | None = None
    container: str = ""

    @property
    def attempts(self) -> QuerySet[Attempt]:
        """Return the attempts that printed them."""
        rows = Attempt.objects.filter(step__run=self.run)
        if self.step:
            rows = rows.filter(step=self.step)
        return rows.filter(step__container_name=self.container) if self.container else rows

    @property
    def lines(self) -> QuerySet[Line]:
        """Return them, in no order.

        Between the first and the last, or the database would look for them among the lines of all
        other runs, from one end of the table.
        """
        return self._all.filter(pk__gte=self.first, pk__lte=self.last)

    @cached_property
    def first(self) -> int:
        """Return the key of the first line, 0 when there is none."""
        return self._all.filter(sequence=0).aggregate(pk=Min("pk"))["pk"] or 0

    @cached_property
    def last(self) -> int:
        """Return the key of the last line, 0 when there is none."""
        ends = self._all.filter(sequence=F("attempt__next_sequence") - 1)
        return ends.aggregate(pk=Max("pk"))["pk"] or 0

    @property
    def _all(self) -> QuerySet[Line]:
        """Return them without bounds."""
        rows = Line.objects.filter(attempt__step__run=self.run)
        if self.step:
            rows = rows.filter(attempt__step=self.step)
        return rows.filter(attempt__step__container_name=self.container) if self.container else rows


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line with where it comes from."""

    pk: int
    at: datetime
    text: str
    attempt: int
    container: str
    title: str

    @property
    def is_phase(self) -> bool:
        """Tell whether it only says which script begins."""
        return self.text.startswith(PHASE)


@dataclass(frozen=True, slots=True)
class Page:
    """Consecutive lines, and whether there may be more on either side."""

    lines: list[LogLine]
    older: bool = False
    newer: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A line that was searched for, its place among all that fit, and how many those are."""

    pk: int
    place: int
    count: int


def tail(scope: Scope) -> Page:
    """Return the last page."""
    lines = _read(scope.lines.order_by("-pk"))[::-1]
    return Page(lines, older=len(lines) == PAGE)


def after(scope: Scope, pk: int) -> Page:
    """Return what follows a line."""
    # Asked several times a second by every reader: mostly nothing at all was written since.
    if (Line.objects.aggregate(last=Max("pk"))["last"] or 0) <= pk or scope.last <= pk:
        return Page([])
    lines = _read(scope.lines.filter(pk__gt=pk).order_by("pk"))
    return Page(lines, newer=len(lines) == PAGE)


def before(scope: Scope, pk: int) -> Page:
    """Return what comes before a line."""
    lines = _read(scope.lines.filter(pk__lt=pk).order_by("-pk"))[::-1]
    return Page(lines, older=len(lines) == PAGE)


def around(scope: Scope, pk: int) -> Page:
    """Return a line with those on both sides of it."""
    half = PAGE // 2
    above = _read(scope.lines.filter(pk__lte=pk).order_by("-pk"), half)[::-1]
    below = _read(scope.lines.filter(pk__gt=pk).order_by("pk"), half)
    return Page(above + below, older=len(above) == half, newer=len(below) == half)


def find(scope: Scope, text: str, *, start: int = 0, back: bool = False) -> Found | None:
    """Return the next line with a text after (or before) a place, beginning anew at the end."""
    fits = scope.lines.filter(text__icontains=text)
    order = "-pk" if back else "pk"
    beyond = fits.filter(pk__lt=start) if back else fits.filter(pk__gt=start)
    keys = fits.order_by(order).values_list("pk", flat=True)
    pk = beyond.order_by(order).values_list("pk", flat=True).first() or keys.first()
    if pk is None:
        return None
    return Found(pk, place=fits.filter(pk__lte=pk).count(), count=fits.count())


def first_error(scope: Scope) -> int | None:
    """Return the line where what failed first went wrong; else the first that sounds like it."""
    failed = scope.attempts.filter(outcome__in=[Outcome.FAILED, Outcome.LOST])
    attempt = failed.order_by("finished_at").first()
    found = _error_of(attempt) if attempt else None
    return found or _first(scope.lines.filter(text__iregex=ERRORS))


def whole(scope: Scope) -> Iterator[LogLine]:
    """Yield all lines, without holding them all."""
    for row in scope.lines.order_by("pk").values_list(*_COLUMNS).iterator(chunk_size=1000):
        yield LogLine(*row)


_COLUMNS = (
    "pk",
    "at",
    "text",
    "attempt__number",
    "attempt__step__container_name",
    "attempt__step__title",
)


def _read(lines: QuerySet[Line], limit: int = PAGE) -> list[LogLine]:
    """Return the first lines of a query."""
    return [LogLine(*row) for row in lines.values_list(*_COLUMNS)[:limit]]


def _error_of(attempt: Attempt) -> int | None:
    """Return the first line that sounds like an error in the phase that failed, else its first."""
    lines = Line.objects.filter(attempt=attempt)
    begin = _first(lines.filter(text=f"{PHASE}{attempt.phase}")) or 0
    phase = lines.filter(pk__gt=begin)
    return _first(phase.filter(text__iregex=ERRORS)) or _first(phase)


def _first(lines: QuerySet[Line]) -> int | None:
    """Return the key of the first line."""
    return lines.order_by("pk").values_list("pk", flat=True).first()
