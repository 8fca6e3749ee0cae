"""Moving what lies encrypted on to the key that writes now, so that an old key can be dropped.

Every column of that kind is a ``BinaryField`` named ``*_sealed``, bound to
``<table>.<column>:<primary key>``; a model that binds otherwise says so in ``sealed_places``. Where
``sealed_personally`` is set, a person's values have that person's own key: they move there once,
and from then on their key moves for them.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Iterator
from typing import Any, Final

from django.apps import apps
from django.db import connection, models
from psycopg import sql

from core import crypto, db, personal_keys

ROWS_AT_ONCE: Final = 500


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """One column of encrypted values, and what they are bound to before the colon."""

    table: str
    name: str
    place: str
    is_personal: bool

    def bound_to(self, row_id: uuid.UUID) -> str:
        """Return what the value of one row is bound to."""
        return f"{self.place}:{row_id}"


@dataclasses.dataclass(slots=True)
class Moved:
    """What became of one column: how many values have the new key now, and which do not open."""

    column: Column
    count: int = 0
    broken: list[uuid.UUID] = dataclasses.field(default_factory=list)


def sealed_columns() -> list[Column]:
    """Return every column that holds encrypted values."""
    found = []
    for model in apps.get_models():
        table = model._meta.db_table  # noqa: SLF001 - Django's documented Model._meta API
        is_personal = getattr(model, "sealed_personally", False)
        places: dict[str, str] = getattr(model, "sealed_places", {})
        for field in model._meta.concrete_fields:  # noqa: SLF001 - as above
            name = field.column or ""
            if isinstance(field, models.BinaryField) and name.endswith("_sealed"):
                found.append(Column(table, name, places.get(name, f"{table}.{name}"), is_personal))
    return found


def reencrypt(column: Column) -> Moved:
    """Encrypt the values of ``column`` again that were written with another key than the current.

    Each chunk of rows is a transaction of its own: it can be stopped and started again. A value
    that does not open is left as it is and named.
    """
    moved, last = Moved(column), uuid.UUID(int=0)
    while True:
        after = last
        rows = db.run_in_transaction(lambda: _move_chunk(moved, after))  # noqa: B023 - it runs at once
        if not rows:
            return moved
        last = rows[-1]


def _move_chunk(moved: Moved, after: uuid.UUID) -> list[uuid.UUID]:
    """Move the next rows and return their ids."""
    column, looked_at, broken = moved.column, [], []
    changes = []
    for row_id, person, sealed in _old_rows(column, after):
        looked_at.append(row_id)
        seal = personal_keys.Box(person).seal if person else crypto.seal
        try:
            value = crypto.unseal(sealed, bound_to=column.bound_to(row_id))
        except crypto.SealBroken:
            broken.append(row_id)
            continue
        changes.append((seal(value, bound_to=column.bound_to(row_id)), row_id))
    statement = sql.SQL("UPDATE {table} SET {column} = %s WHERE id = %s").format(**_names(column))
    with connection.cursor() as cursor:
        cursor.executemany(statement, changes)
    moved.count += len(changes)
    moved.broken += broken
    return looked_at


def _old_rows(
    column: Column, after: uuid.UUID
) -> Iterator[tuple[uuid.UUID, uuid.UUID | None, bytes]]:
    """Lock and return the next rows that have another key than they should, with whose that is."""
    head = crypto.head_of(crypto.current_key_id())
    statement = sql.SQL(
        "SELECT id, {person} AS person, {column} FROM {table} WHERE id > %s "
        "AND {column} IS NOT NULL AND substring({column} FROM 1 FOR 1) <> %s "
        "AND (substring({column} FROM 1 FOR %s) <> %s OR {person} IS NOT NULL) "
        "ORDER BY id LIMIT %s FOR UPDATE"
    ).format(person=_person(column), **_names(column))
    asked: list[Any] = [after, personal_keys.FORMAT, len(head), head, ROWS_AT_ONCE]
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)
        rows = cursor.fetchall()
    yield from ((row_id, person_id, bytes(sealed)) for row_id, person_id, sealed in rows)


def _person(column: Column) -> sql.Composable:
    """Return what says whose own key a row's value should have; a visitor is nobody."""
    if not column.is_personal:
        return sql.SQL("NULL")
    table = sql.Identifier(column.table)
    return sql.SQL("(SELECT u.id FROM users u WHERE u.id = {}.user_id)").format(table)


def _names(column: Column) -> dict[str, sql.Identifier]:
    return {"table": sql.Identifier(column.table), "column": sql.Identifier(column.name)}
