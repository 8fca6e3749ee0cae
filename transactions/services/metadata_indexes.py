"""Indexes for the metadata keys that lists may be filtered by."""

from __future__ import annotations

from django.conf import settings
from django.db import connections
from psycopg import sql


def ensure() -> None:
    """Make the missing index of each key in ``METADATA_INDEXED_KEYS``, without stopping writers.

    As the owner role: the empty parent index first, then one partition after the other beside
    running transactions, each attached once it is built. New months get theirs by themselves.
    """
    with connections["owner"].cursor() as cursor:
        for key in settings.ENV.metadata_indexed_keys:
            index = f"transaction_metadata_{key}"
            cursor.execute(_statement("CREATE INDEX IF NOT EXISTS {} ON ONLY {} ", index, key))
            cursor.execute(
                "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
                "WHERE i.inhparent = '\"transaction\"'::regclass AND NOT EXISTS ("
                "SELECT FROM pg_index x JOIN pg_inherits p ON p.inhrelid = x.indexrelid "
                "WHERE x.indrelid = c.oid AND p.inhparent = %s::regclass)",
                [index],
            )
            for (partition,) in cursor.fetchall():
                name = f"{partition}_metadata_{key}"
                cursor.execute(sql.SQL("DROP INDEX IF EXISTS {}").format(sql.Identifier(name)))
                cursor.execute(
                    _statement("CREATE INDEX CONCURRENTLY {} ON {} ", name, key, partition)
                )
                cursor.execute(
                    sql.SQL("ALTER INDEX {} ATTACH PARTITION {}").format(
                        sql.Identifier(index), sql.Identifier(name)
                    )
                )


def _statement(begin: str, name: str, key: str, table: str = "transaction") -> sql.Composed:
    head = sql.SQL(begin).format(sql.Identifier(name), sql.Identifier(table))
    return head + sql.SQL(
        "((metadata ->> {key}), id DESC) WHERE (metadata ->> {key}) IS NOT NULL"
    ).format(key=sql.Literal(key))
