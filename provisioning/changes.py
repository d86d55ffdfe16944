"""What of a run's page has changed since a browser last asked; pure but for the request's query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.http import QueryDict

from provisioning.board import MARK, ContainerRow, StageRow

LONGEST_NUMBER = 9


@dataclass(frozen=True)
class Seen:
    """What a browser has: marks of the summary, the failures and each stage; rows of open stages.

    `rows` has the marks of a stage's rows; `opened` are stages that a reader has just opened and
    whose rows were never sent.
    """

    summary: str = ""
    failures: str = ""
    stages: tuple[str, ...] = ()
    rows: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    opened: frozenset[int] = frozenset()

    @classmethod
    def read(cls, query: QueryDict) -> Seen:
        """Read ?seen=MARKS&rows=NUMBER:MARKS&opened=NUMBER; nonsense only brings more."""
        marks = _marks(query.get("seen", ""))
        rows = (entry.partition(":") for entry in query.getlist("rows"))
        return cls(
            summary="".join(marks[:1]),
            failures="".join(marks[1:2]),
            stages=marks[2:],
            rows={int(n): _marks(text) for n, _, text in rows if _is_number(n)},
            opened=frozenset(int(n) for n in query.getlist("opened") if _is_number(n)),
        )


@dataclass(frozen=True)
class StageChange:
    """What is to be sent of a stage; rows with their numbers, `whole` when all of them are."""

    number: int
    stage: StageRow
    whole: bool = False
    rows: tuple[tuple[int, ContainerRow], ...] = ()


def stage_changes(stages: list[StageRow], seen: Seen) -> list[StageChange]:
    """Return the stages that look different, with those rows of open ones that do."""
    changes = []
    for number, stage in enumerate(stages, 1):
        same = seen.stages[number - 1 : number] == (stage.mark,)
        if number in seen.opened:
            changes.append(StageChange(number, stage, whole=True))
        elif not same:
            changes.append(StageChange(number, stage, rows=_rows(stage, seen.rows.get(number))))
    return changes


def _rows(stage: StageRow, marks: tuple[str, ...] | None) -> tuple[tuple[int, ContainerRow], ...]:
    """Return the rows whose marks differ; none of a stage that is not open."""
    if marks is None:
        return ()
    return tuple(
        (number, row)
        for number, row in enumerate(stage.containers, 1)
        if marks[number - 1 : number] != (row.mark,)
    )


def _marks(text: str) -> tuple[str, ...]:
    """Cut marks apart."""
    return tuple(text[at : at + MARK] for at in range(0, len(text), MARK))


def _is_number(text: str) -> bool:
    """Tell whether it is a stage's number."""
    return text.isascii() and text.isdecimal() and len(text) < LONGEST_NUMBER
