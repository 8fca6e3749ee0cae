"""How tables are named, and that what others refer to cannot be taken away."""

from __future__ import annotations

import psycopg
import pytest

from tests.people import make_person
from transactions.tests.money import open_account

# Libraries name theirs in their own ways.
TABLES = """
    SELECT oid, relname AS name FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition
    AND relnamespace = 'public'::regnamespace
    AND relname !~ '^(django|auth|procrastinate)_|^users_(groups|user_permissions)$'
"""
COLUMNS = f"""
    SELECT t.name AS "table", attname AS name, format_type(atttypid, atttypmod) AS kind
    FROM ({TABLES}) t JOIN pg_attribute ON attrelid = t.oid AND attnum > 0 AND NOT attisdropped
"""
# The part of a hash that Django gives a name it makes up; its indexes for LIKE cannot be named.
MADE_UP = "_[0-9a-f]{8}(_(fk|uniq|check).*)?$"
ODD = {
    f"""SELECT "table", name FROM ({COLUMNS}) c
        WHERE "table" || ' ' || name !~ '^[a-z]+(_[a-z0-9]+)* [a-z][a-z0-9]*(_[a-z0-9]+)*$'""": [],
    f"""SELECT "table", name FROM ({COLUMNS}) c
        WHERE kind LIKE 'timestamp%' AND name !~ '_(at|until)$'""": [("traffic_count", "minute")],
    f"""SELECT "table", name FROM ({COLUMNS}) c WHERE kind LIKE 'timestamp without%'""": [],
    f"""SELECT "table", name FROM ({COLUMNS}) c WHERE kind = 'uuid' AND name !~ '^id$|_id$'
        ORDER BY 1""": [("idempotency_key", "key_hash"), ("reconciliation_line", "resolved_by")],
    f"""SELECT t.name, conname FROM pg_constraint JOIN ({TABLES}) t ON t.oid = conrelid
        WHERE conname ~ '{MADE_UP}'""": [],
    f"""SELECT t.name, relname FROM pg_index JOIN pg_class i ON i.oid = indexrelid
        JOIN ({TABLES}) t ON t.oid = indrelid WHERE relname ~ '{MADE_UP}'""": [],
}


@pytest.mark.parametrize(("question", "expected"), ODD.items(), ids=range(len(ODD)))
def test_tables_columns_and_constraints_are_named_alike(db, connect, question, expected):
    assert connect("owner").execute(question).fetchall() == expected


def test_naming_looks_at_all_tables(db, connect):
    ((columns,),) = connect("owner").execute(f"SELECT count(*) FROM ({COLUMNS}) c").fetchall()
    assert columns > 400


def test_person_with_money_cannot_be_deleted(committed_db, connect):
    ada = make_person("ada@example.org")
    open_account(ada.principal)
    mighty = connect("superuser")
    for table in ("users", "ledger", "asset"):
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            mighty.execute(f"DELETE FROM {table}")
    assert mighty.execute("SELECT count(*) FROM users").fetchone() != (0,)
