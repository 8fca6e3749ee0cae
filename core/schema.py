"""Migration operations for what Django cannot say: composite keys, partitions, append-only tables.

Every table with a ``user_id`` has it in its primary key, after the id, so that the same
migrations run on Citus; Django's state keeps the single ``id`` (its admin cannot register models
with composite keys).
"""

from __future__ import annotations

from django.db import migrations
from django.db.migrations.operations.base import Operation


def composite_key(table: str, *columns: str) -> Operation:
    """Replace the primary key of ``table`` by one over ``columns``."""
    return migrations.RunSQL(
        sql=[
            f'ALTER TABLE "{table}" DROP CONSTRAINT "{table}_pkey"',
            f'ALTER TABLE "{table}" ADD CONSTRAINT "{table}_pkey" PRIMARY KEY ({_list(columns)})',
        ],
        reverse_sql=[
            f'ALTER TABLE "{table}" DROP CONSTRAINT "{table}_pkey"',
            f'ALTER TABLE "{table}" ADD CONSTRAINT "{table}_pkey" PRIMARY KEY ("{columns[0]}")',
        ],
    )


def foreign_key(
    table: str, columns: tuple[str, ...], *, to: str, to_columns: tuple[str, ...]
) -> Operation:
    """Let ``columns`` of ``table`` refer to ``to_columns`` of ``to``; checked at the statement."""
    name = f"{table}_{columns[0]}_fk"
    return migrations.RunSQL(
        sql=f'ALTER TABLE "{table}" ADD CONSTRAINT "{name}" FOREIGN KEY ({_list(columns)}) '
        f'REFERENCES "{to}" ({_list(to_columns)}) NOT DEFERRABLE',
        reverse_sql=f'ALTER TABLE "{table}" DROP CONSTRAINT "{name}"',
    )


def in_state_only(operation: Operation, *, sql: str, reverse_sql: str) -> Operation:
    """Tell Django's state about ``operation`` while the database runs ``sql`` instead."""
    return migrations.SeparateDatabaseAndState(
        database_operations=[migrations.RunSQL(sql=sql, reverse_sql=reverse_sql)],
        state_operations=[operation],
    )


def refuse_change_function() -> Operation:
    """Create the trigger function behind :func:`append_only`; SQLSTATE SR001."""
    return migrations.RunSQL(
        sql="""
            CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
                    USING ERRCODE = 'SR001';
            END $$
        """,
        reverse_sql="DROP FUNCTION refuse_change()",
    )


def append_only(table: str) -> Operation:
    """Refuse UPDATE, DELETE and TRUNCATE of ``table``, whoever asks."""
    return migrations.RunSQL(
        sql=[
            f'CREATE TRIGGER "{table}_append_only" BEFORE UPDATE OR DELETE ON "{table}" '
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()",
            f'CREATE TRIGGER "{table}_no_truncate" BEFORE TRUNCATE ON "{table}" '
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
        ],
        reverse_sql=[
            f'DROP TRIGGER "{table}_append_only" ON "{table}"',
            f'DROP TRIGGER "{table}_no_truncate" ON "{table}"',
        ],
    )


def ordered_by_commit(table: str) -> Operation:
    """Let ``table`` be read in the order of commits: its ``xid`` within an ``epoch``."""
    return migrations.RunSQL(
        sql=[
            f'ALTER TABLE "{table}" ADD COLUMN epoch smallint NOT NULL DEFAULT 1',
            f'CREATE INDEX "{table}_commit_order" ON "{table}" (epoch, xid, id)',
        ],
        reverse_sql=f'ALTER TABLE "{table}" DROP COLUMN epoch',
    )


def _list(columns: tuple[str, ...]) -> str:
    return ", ".join(f'"{column}"' for column in columns)
