"""What a model's columns and constraints say of values, without asking the database; pure."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "exact": lambda value, wanted: bool(value == wanted),
    "in": lambda value, wanted: value in wanted,
    "regex": lambda value, wanted: re.search(wanted, str(value)) is not None,
    "gte": lambda value, wanted: bool(value >= wanted),
    "lte": lambda value, wanted: bool(value <= wanted),
    "isnull": lambda value, wanted: (value is None) == wanted,
}


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
            if judged and not _holds(constraint.condition, row):
                yield min(columns), str(constraint.violation_error_message)


def _columns(condition: Any) -> set[str]:
    """Return the columns that a condition compares."""
    found: set[str] = set()
    for child in condition.children:
        found |= _columns(child) if isinstance(child, Q) else {child[0].partition("__")[0]}
    return found


def _holds(condition: Any, row: models.Model) -> bool:
    """Tell whether a row fulfils a condition."""
    answers = [
        _holds(child, row) if isinstance(child, Q) else _compared(row, *child)
        for child in condition.children
    ]
    fulfilled = any(answers) if condition.connector == Q.OR else all(answers)
    return fulfilled is not bool(condition.negated)


def _compared(row: models.Model, lookup: str, wanted: Any) -> bool:
    """Compare one column; a comparison we do not know is left to the database."""
    column, _, how = lookup.partition("__")
    compare = _COMPARE.get(how or "exact")
    return True if compare is None else compare(getattr(row, column), wanted)
