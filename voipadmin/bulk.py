"""Many rows in one statement, cheaper than the ORM's CASE for each column of each row."""

from collections.abc import Iterable, Sequence

from django.db import connection, models


def update_rows(rows: Iterable[models.Model], columns: Sequence[str]) -> None:
    """Write these fields of rows of one model, by primary key; values only, no expressions."""
    if not (listed := list(rows)):
        return
    meta, quote = listed[0]._meta, connection.ops.quote_name
    known = {field.name: field for field in meta.concrete_fields}
    fields = [meta.pk, *(known[name] for name in columns)]
    names = [quote(str(field.column)) for field in fields]
    arrays = ", ".join(f"%s::{field.db_type(connection)}[]" for field in fields)
    changes = ", ".join(f"{name} = given.{name}" for name in names[1:])
    values = [
        [field.get_db_prep_save(getattr(row, field.attname), connection) for row in listed]
        for field in fields
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {quote(meta.db_table)} AS stored SET {changes}"  # noqa: S608 - our own names
            f" FROM unnest({arrays}) AS given({', '.join(names)})"
            f" WHERE stored.{names[0]} = given.{names[0]}",
            values,
        )
