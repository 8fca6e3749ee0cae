"""What the database itself refuses, asked in raw SQL as the role that serves requests."""

from __future__ import annotations

import datetime as dt
import json

import psycopg
import pytest
from psycopg import errors

from core import clock, ids, partitions
from core.principals import HOUSE_USER_ID
from tests.people import make_person
from transactions.tests.money import move, open_account, post

HISTORY = ("entry", '"transaction"', "transaction_reference", "audit_event", "outbox_event")


@pytest.fixture
def posted(committed_db):
    """A committed transaction; returns its id and the two accounts."""
    ada = make_person("ada@example.org").principal
    source, destination = open_account(ada, balance=1_000), open_account(ada)
    done = post(move(source, destination, 100, reference="r-1"))
    return done.id, source, destination


@pytest.mark.parametrize("table", HISTORY)
@pytest.mark.parametrize("statement", ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {}"])
def test_application_role_cannot_change_history(posted, connect, table, statement):
    column = "transaction_id" if table in ("entry", "transaction_reference") else "id"
    text = statement.format(table, column, column)
    before = connect("superuser").execute(f"SELECT count(*) FROM {table}").fetchone()
    with pytest.raises(errors.InsufficientPrivilege):
        connect("app").execute(text)
    assert connect("superuser").execute(f"SELECT count(*) FROM {table}").fetchone() == before


@pytest.mark.parametrize("table", HISTORY)
@pytest.mark.parametrize("statement", ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {}"])
def test_triggers_refuse_even_the_superuser(posted, connect, table, statement):
    column = "transaction_id" if table in ("entry", "transaction_reference") else "id"
    with pytest.raises(psycopg.Error) as refused:
        connect("superuser").execute(statement.format(table, column, column))
    assert refused.value.sqlstate == "SR001"


def _entry(transaction_id, account, amount, leg=0):
    return (
        "INSERT INTO {} (transaction_id, leg, user_id, account_id, asset_code, amount, "
        "account_seq, balance_after, recorded_at) VALUES (%s, %s, %s, %s, 'USD', %s, 99, 1, now())",
        [transaction_id, leg, HOUSE_USER_ID, account, amount],
    )


def test_unbalanced_insert_fails(posted, connect):
    _, source, _ = posted
    text, values = _entry(ids.uuid7(), source, 5)
    with pytest.raises(psycopg.Error) as refused:
        connect("app").execute(text.format("entry"), values)
    assert refused.value.sqlstate == "SR002"


def test_insert_straight_into_a_partition_is_refused(posted, connect):
    """It would not fire the parent's zero-sum trigger."""
    _, source, _ = posted
    text, values = _entry(ids.uuid7(), source, 5)
    month = clock.now().strftime("entry_%Y_%m")
    with pytest.raises(errors.InsufficientPrivilege):
        connect("app").execute(text.format(month), values)


def test_zero_amount_is_refused(posted, connect):
    _, source, _ = posted
    text, values = _entry(ids.uuid7(), source, 0)
    with pytest.raises(errors.CheckViolation):
        connect("app").execute(text.format("entry"), values)


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("posted = -1", "balance_floor"),
        ("held_out = posted + 1", "balance_floor"),
        ("ceiling = posted - 1", "balance_ceiling"),
        ("held_in = -1", "balance_held_not_negative"),
    ],
)
def test_balance_outside_its_limits_is_refused(posted, connect, change, constraint):
    _, source, _ = posted
    with pytest.raises(errors.CheckViolation) as refused:
        connect("app").execute(f"UPDATE balance SET {change} WHERE account_id = %s", [source])
    assert refused.value.diag.constraint_name == constraint


def test_application_role_has_no_ddl(connect, committed_db):
    for statement in (
        "CREATE TABLE x (id int)",
        "DROP TABLE entry",
        "ALTER TABLE balance ADD x int",
    ):
        with pytest.raises(errors.InsufficientPrivilege):
            connect("app").execute(statement)


def test_row_without_a_month_is_refused(connect, committed_db):
    old = ids.first_uuid7_at(dt.datetime(1993, 1, 1, tzinfo=dt.UTC))
    with pytest.raises(errors.CheckViolation, match="no partition"):
        connect("owner").execute(
            "INSERT INTO outbox_event (id, user_id, topic, object_id) VALUES (%s, %s, 't', %s)",
            [old, HOUSE_USER_ID, old],
        )


@pytest.mark.parametrize(
    "query",
    [
        'SELECT * FROM "transaction" WHERE id = %s',
        "SELECT * FROM entry WHERE transaction_id = %s",
        "SELECT * FROM outbox_event WHERE id = %s",
    ],
)
def test_look_up_by_id_touches_one_partition_by_index(posted, connect, query):
    transaction_id, _, _ = posted
    connection = connect("app")
    connection.execute("SET enable_seqscan = off")
    ((plan,),) = connection.execute(f"EXPLAIN (FORMAT JSON) {query}", [transaction_id]).fetchall()
    text = json.dumps(plan)
    assert text.count('"Relation Name"') == 1
    assert "Append" not in text
    assert "Index" in text


def test_partitions_are_made_once_and_ahead(committed_db, connect):
    assert partitions.ensure_months() == []
    assert partitions.months_ahead() == partitions.MONTHS_AHEAD
    created = partitions.ensure_months(months_ahead=5)
    assert len(created) == 2 * len(partitions.partitioned_tables())
    assert partitions.months_ahead() == 5


def test_keys_contain_the_owner(connect, committed_db):
    """Or the tables could not be distributed by it."""
    rows = connect("owner").execute(
        "SELECT c.relname, array_agg(a.attname::text ORDER BY k.place) "
        "FROM pg_constraint p JOIN pg_class c ON c.oid = p.conrelid "
        "CROSS JOIN LATERAL unnest(p.conkey) WITH ORDINALITY AS k (number, place) "
        "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number "
        "WHERE p.contype = 'p' AND NOT c.relispartition GROUP BY 1"
    )
    keys = dict(rows.fetchall())
    assert keys["ledger_account"] == ["id", "user_id"]
    assert keys["balance"] == ["account_id", "user_id"]
    assert keys["transaction"] == ["id", "user_id"]
    assert keys["entry"] == ["transaction_id", "leg", "user_id"]
    assert keys["session"] == ["id", "user_id"]
    assert keys["audit_event"] == keys["outbox_event"] == ["id", "user_id"]
    assert keys["idempotency_key"] == ["user_id", "key_hash"]
