"""The newest migration of each app goes back and forth on filled tables, and no row changes."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from django.core.management import call_command
from django.db import connections
from django.db.migrations.loader import MigrationLoader
from psycopg import sql

from tests.people import make_person
from transactions.tests.money import move, open_account, post

Connect = Callable[[str], psycopg.Connection]
# Upkeep and what migrating itself writes.
LEFT_OUT = "django_migrations|epoch|partition|procrastinate_.*|.*_y?[0-9]{4}_?[0-9]{2}"


@pytest.mark.parametrize("app", ["accounts", "core", "sessions_app", "transactions"])
def test_newest_migration_goes_back_and_forth(committed_db: str, connect: Connect, app: str):
    ada = make_person("ada@example.org").principal
    source, destination = open_account(ada, balance=1_000), open_account(ada)
    for _ in range(5):
        post(move(source, destination, 10))
    superuser = connect("superuser")
    columns, graph = _columns(superuser), MigrationLoader(connections["owner"]).graph
    (newest,) = graph.leaf_nodes(app)
    (before,) = [node.key for node in graph.node_map[newest].parents if node.key[0] == app]
    sums = _sums(superuser, columns)
    call_command("migrate", app, before[1], verbosity=0)
    stayed = {name: kept & columns[name] for name, kept in _columns(superuser).items()}
    fewer = _sums(superuser, stayed)
    call_command("migrate", verbosity=0)
    assert _columns(superuser) == columns
    assert _sums(superuser, stayed) == fewer
    # What the migration did not touch is the same in every column.
    assert {name: sums[name] for name in stayed if stayed[name] == columns[name]} == {
        name: total for name, total in fewer.items() if stayed[name] == columns[name]
    }
    assert any(rows for rows, _ in fewer.values())


def _columns(connection: psycopg.Connection) -> dict[str, set[str]]:
    rows = connection.execute(
        """
        SELECT table_name, column_name FROM information_schema.columns NATURAL JOIN
            information_schema.tables
        WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND NOT table_name ~ %s
        """,
        [f"^({LEFT_OUT})$"],
    )
    found: dict[str, set[str]] = {}
    for table, column in rows:
        found.setdefault(table, set()).add(column)
    return found


def _sums(
    connection: psycopg.Connection, columns: dict[str, set[str]]
) -> dict[str, tuple[int, str | None]]:
    """Count each table's rows and hash them, in these columns alone."""
    found = {}
    for table, names in columns.items():
        row = sql.SQL("ROW({})::text").format(
            sql.SQL(", ").join(map(sql.Identifier, sorted(names)))
        )
        asked = sql.SQL("SELECT count(*), md5(string_agg({row}, '|' ORDER BY {row})) FROM {table}")
        rows = connection.execute(asked.format(row=row, table=sql.Identifier(table))).fetchall()
        ((count, total),) = rows
        found[table] = (count, total)
    return found
