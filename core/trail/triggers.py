"""Audit triggers: one for each way in which a table changes, kept equal to the data map."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

from django.db import connection, connections, models
from psycopg import sql

from core.privacy import data_map
from core.privacy.data_map import PERSONAL, SECRET, Table

_WAYS: Final = {
    "insert": "AFTER INSERT ON {table} REFERENCING NEW TABLE AS new_rows",
    "update": ("AFTER UPDATE ON {table} REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows"),
    "delete": "AFTER DELETE ON {table} REFERENCING OLD TABLE AS old_rows",
}
_MADE: Final = """
    SELECT c.relname || ' ' || t.tgname, obj_description(t.oid, 'pg_trigger')
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    JOIN pg_proc p ON p.oid = t.tgfoid WHERE p.proname = 'audit_changes'
"""


def ensure() -> list[str]:
    """Give every audited table its triggers; return those that were made or made anew.

    Idempotent, as the owner role. A trigger's comment is the fingerprint of what it does, so that
    no table is locked where nothing changed.
    """
    made = []
    with connections["owner"].cursor() as cursor:
        cursor.execute(_MADE)
        known = dict(cursor.fetchall())
        for model, table in data_map.mapped_models():
            for way in _WAYS:
                name = _table(model)
                trigger = f"{name}_audit_{way}"
                wanted = None if table.unaudited else _fingerprint(model, table)
                if known.get(f"{name} {trigger}") == wanted:
                    continue
                _drop(cursor, name, trigger)
                if wanted is not None:
                    _make(cursor, model, table, way, wanted)
                    made.append(trigger)
    return made


def missing() -> list[str]:
    """Return the audited tables on which a trigger is not there, or switched off."""
    with connection.cursor() as cursor:
        cursor.execute(f"{_MADE} AND t.tgenabled IN ('O', 'A')")
        known = {name for name, _ in cursor.fetchall()}
    return sorted(
        _table(model)
        for model, table in data_map.mapped_models()
        if not table.unaudited
        and not all(f"{_table(model)} {_table(model)}_audit_{way}" in known for way in _WAYS)
    )


def _make(cursor: Any, model: type[models.Model], table: Table, way: str, mark: str) -> None:
    name = _table(model)
    trigger = sql.Identifier(f"{name}_audit_{way}")
    arguments = sql.SQL(", ").join(sql.Literal(text) for text in _arguments(model, table))
    cursor.execute(
        sql.SQL(
            "CREATE TRIGGER {} " + _WAYS[way] + " FOR EACH STATEMENT EXECUTE FUNCTION "
            "audit_changes({arguments})"
        ).format(trigger, table=sql.Identifier(name), arguments=arguments)
    )
    cursor.execute(
        sql.SQL("COMMENT ON TRIGGER {} ON {} IS {}").format(
            trigger, sql.Identifier(name), sql.Literal(mark)
        )
    )


def _drop(cursor: Any, name: str, trigger: str) -> None:
    cursor.execute(
        sql.SQL("DROP TRIGGER IF EXISTS {} ON {}").format(
            sql.Identifier(trigger), sql.Identifier(name)
        )
    )


def _arguments(model: type[models.Model], table: Table) -> list[str]:
    hidden = {column: f"[{kind}]" for kind in (PERSONAL, SECRET) for column in table.columns(kind)}
    key = model._meta.pk  # noqa: SLF001 - Django's documented Model._meta API
    assert key is not None
    names = key.column.split() if key.column else ["id"]
    return [
        table.whose if not table.through else "",
        "{" + ",".join(names) + "}",
        json.dumps(hidden, sort_keys=True),
        "{" + ",".join(sorted(table.noise.split())) + "}",
    ]


def _fingerprint(model: type[models.Model], table: Table) -> str:
    return hashlib.sha256(json.dumps(_arguments(model, table)).encode()).hexdigest()


def _table(model: type[models.Model]) -> str:
    return model._meta.db_table  # noqa: SLF001 - as above
