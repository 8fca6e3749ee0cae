"""Keeping each account's daily balances, by both clocks and also for days long past."""

from __future__ import annotations

import uuid
from typing import Any, Final

from django.db import connection

from core import db

ACCOUNTS_AT_ONCE: Final = 500
_BEHIND: Final = """
    SELECT b.account_id FROM balance b
    LEFT JOIN snapshot_horizon h ON h.account_id = b.account_id AND h.user_id = b.user_id
    WHERE b.entry_seq > coalesce(h.entry_seq, 0) AND b.account_id > %s
    ORDER BY b.account_id LIMIT %s
"""
_NEW_HORIZONS: Final = """
    INSERT INTO snapshot_horizon (account_id, user_id, entry_seq, recorded_at)
    SELECT account_id, user_id, 0, '0001-01-01 00:00+00' FROM balance
    WHERE account_id = ANY (%s) ORDER BY account_id
    ON CONFLICT DO NOTHING
"""
_LOCK: Final = """
    SELECT FROM snapshot_horizon WHERE account_id = ANY (%s) ORDER BY account_id FOR UPDATE
"""
# Entries beyond the horizon are summed for each day; each day from the first of those on is what
# it was plus all changes up to it. So an entry of long ago moves every later day of its account.
_ADVANCE: Final = """
    WITH fresh AS MATERIALIZED (
        SELECT e.account_id, e.user_id, e.account_seq, e.amount, e.recorded_at,
               (e.recorded_at AT TIME ZONE 'UTC')::date AS recorded_day,
               (coalesce(e.effective_at, e.recorded_at) AT TIME ZONE 'UTC')::date AS effective_day
        FROM snapshot_horizon h
        JOIN entry e ON e.account_id = h.account_id AND e.recorded_at >= h.recorded_at
            AND e.account_seq > h.entry_seq
        WHERE h.account_id = ANY (%s)
    ),
    change AS MATERIALIZED (
        SELECT account_id, user_id, day,
               sum(recorded)::bigint AS recorded, sum(effective)::bigint AS effective
        FROM (
            SELECT account_id, user_id, recorded_day AS day, amount AS recorded, 0 AS effective
            FROM fresh
            UNION ALL
            SELECT account_id, user_id, effective_day, 0, amount FROM fresh
        ) AS moved
        GROUP BY account_id, user_id, day
    ),
    touched AS (
        SELECT account_id, user_id, day FROM change
        UNION
        SELECT s.account_id, s.user_id, s.day FROM balance_snapshot s
        JOIN (SELECT account_id, min(day) AS day FROM change GROUP BY account_id) AS first
            ON s.account_id = first.account_id AND s.day >= first.day
    ),
    moved_days AS (
        INSERT INTO balance_snapshot (account_id, user_id, day, recorded, effective)
        SELECT t.account_id, t.user_id, t.day,
               coalesce(was.recorded, 0) + (sum(coalesce(c.recorded, 0)) OVER up_to)::bigint,
               coalesce(was.effective, 0) + (sum(coalesce(c.effective, 0)) OVER up_to)::bigint
        FROM touched t
        LEFT JOIN change c ON c.account_id = t.account_id AND c.day = t.day
        LEFT JOIN LATERAL (
            SELECT s.recorded, s.effective FROM balance_snapshot s
            WHERE s.account_id = t.account_id AND s.day <= t.day ORDER BY s.day DESC LIMIT 1
        ) AS was ON true
        WINDOW up_to AS (PARTITION BY t.account_id ORDER BY t.day)
        ON CONFLICT (account_id, day, user_id)
            DO UPDATE SET recorded = excluded.recorded, effective = excluded.effective
    )
    UPDATE snapshot_horizon h SET entry_seq = x.entry_seq, recorded_at = x.recorded_at
    FROM (
        SELECT account_id, max(account_seq) AS entry_seq, max(recorded_at) AS recorded_at
        FROM fresh GROUP BY account_id
    ) AS x
    WHERE h.account_id = x.account_id
"""


def refresh_snapshots() -> int:
    """Bring the daily balances of every account up to its newest entry; return how many moved.

    In short transactions of some hundred accounts each, or in the caller's. Balances and
    statements are right before, during and after: they add the entries beyond the horizon.
    """
    moved, last = 0, uuid.UUID(int=0)
    while True:
        accounts = _behind(last)
        if not accounts:
            return moved
        db.run_in_transaction(lambda: _advance(accounts))  # noqa: B023 - runs at once
        moved += len(accounts)
        last = accounts[-1]


def _behind(last: uuid.UUID) -> list[uuid.UUID]:
    with connection.cursor() as cursor:
        cursor.execute(_BEHIND, [last, ACCOUNTS_AT_ONCE])
        return [row[0] for row in cursor.fetchall()]


def _advance(accounts: list[uuid.UUID]) -> None:
    with connection.cursor() as cursor:
        _run(cursor, _NEW_HORIZONS, accounts)
        _run(cursor, _LOCK, accounts)
        # The first time an account may have any number of entries.
        cursor.execute("SET LOCAL statement_timeout = 0")
        _run(cursor, _ADVANCE, accounts)


def _run(cursor: Any, statement: str, accounts: list[uuid.UUID]) -> None:
    cursor.execute(statement, [accounts])
