"""What a model's columns and constraints say of values, its checks without asking the database.

Django asks the database for every check of every row, which is half the time of a write. Checks are
judged here instead, in SQL's logic: what is unknown refuses nothing. The database keeps them too.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "exact": lambda value, wanted: bool(value == wanted),
    "in": lambda value, wanted: value in wanted,
    # `$` is the end in PostgreSQL, never the place before a last line break.
    "regex": lambda value, wanted: bool(re.search(re.sub(r"\$$", r"\\Z", wanted), str(value))),
    "gte": lambda value, wanted: bool(value >= wanted),
    "lte": lambda value, wanted: bool(value <= wanted),
    "gt": lambda value, wanted: bool(value > wanted),
    "lt": lambda value, wanted: bool(value < wanted),
}


def full_clean(row: models.Model) -> None:
    """Do what `Model.full_clean` does; raises ValidationError with every fault by column."""
    errors: dict[str, Any] = {}
    try:
        row.full_clean(validate_constraints=False)
    except ValidationError as error:
        errors = error.update_error_dict(errors)
    skipped = set(errors)
    for model, constraints in row.get_constraints():
        for constraint in constraints:
            try:
                _validate(constraint, model, row, skipped)
            except ValidationError as error:
                errors = _placed(constraint, error).update_error_dict(errors)
    if errors:
        raise ValidationError(errors)


def value_faults(model: type[models.Model], values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield column and sentence for each value that a column or a check refuses.

    Only the columns named are judged; uniqueness is left to who knows the other rows.
    """
    row = model(**values)
    found: dict[str, list[str]] = {}
    others = {field.name for field in row._meta.fields} - set(values)
    try:
        row.clean_fields(exclude=others)
    except ValidationError as error:
        found = dict(error.message_dict)
    for column, messages in found.items():
        yield column, " ".join(messages)
    for constraint in row._meta.constraints:
        if isinstance(constraint, models.CheckConstraint):
            columns = _columns(constraint.condition)
            judged = columns <= set(values) and not columns & set(found)
            if judged and _holds(constraint.condition, row) is False:
                yield min(columns), str(constraint.violation_error_message)


def _validate(
    constraint: models.BaseConstraint, model: type[models.Model], row: models.Model, skip: set[str]
) -> None:
    """Judge one constraint, unless a column that it is about is wrong already."""
    if not isinstance(constraint, models.CheckConstraint):
        constraint.validate(model, row, exclude=skip)
    elif not _columns(constraint.condition) & skip and _holds(constraint.condition, row) is False:
        raise ValidationError(
            constraint.get_violation_error_message(), code=constraint.violation_error_code
        )


def _placed(constraint: models.BaseConstraint, error: ValidationError) -> ValidationError:
    """Return the error at its column where Django puts it there: one that has to be unique."""
    is_unique = isinstance(constraint, models.UniqueConstraint) and len(constraint.fields) == 1
    if is_unique and getattr(error, "code", None) == "unique":
        assert isinstance(constraint, models.UniqueConstraint)  # noqa: S101 - for mypy
        return ValidationError({constraint.fields[0]: error})
    return error


def _columns(condition: Any) -> set[str]:
    """Return the columns that a condition compares."""
    found: set[str] = set()
    for child in condition.children:
        if isinstance(child, Q):
            found |= _columns(child)
            continue
        found.add(child[0].partition("__")[0])
        if isinstance(child[1], F):
            found.add(str(child[1].name))  # type: ignore[attr-defined]
    return found


def _holds(condition: Any, row: models.Model) -> bool | None:
    """Tell whether a row fulfils a condition; None where that is unknown."""
    answers = {
        _holds(child, row) if isinstance(child, Q) else _compared(row, *child)
        for child in condition.children
    }
    decisive = condition.connector == Q.OR
    if decisive in answers:
        answer: bool | None = decisive
    else:
        answer = None if None in answers else not decisive
    return answer if answer is None or not condition.negated else not answer


def _compared(row: models.Model, lookup: str, wanted: Any) -> bool | None:
    """Compare one column; None for NULL, and for a comparison that is left to the database."""
    column, _, how = lookup.partition("__")
    value = getattr(row, column)
    if how == "isnull" or (wanted is None and how in ("", "exact")):
        return (value is None) == (wanted is None or bool(wanted))
    if isinstance(wanted, F):
        wanted = getattr(row, wanted.name, None)  # type: ignore[attr-defined]
    compare = _COMPARE.get(how or "exact")
    if compare is None or value is None or wanted is None:
        return None
    return compare(value, wanted)
