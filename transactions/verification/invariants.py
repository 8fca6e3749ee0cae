"""Does the ledger hold? Plain SQL over what is stored, sharing nothing with what wrote it."""

from __future__ import annotations

import dataclasses
from typing import Any, Final

from django.db import connection, transaction

EXAMPLES_MAX: Final = 10


@dataclasses.dataclass(frozen=True, slots=True)
class Check:
    """One invariant: ``sql`` returns a row (what, detail) for each place where it is broken."""

    name: str
    about: str
    sql: str


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """An invariant and where it is broken; ``examples`` are the first few places."""

    check: Check
    faults: int
    examples: list[tuple[str, str]]


CHECKS: Final = (
    Check(
        "zero_sum",
        "The entries of each transaction sum to zero for each asset.",
        """SELECT transaction_id::text, asset_code || ' is off by ' || sum(amount)
           FROM entry GROUP BY transaction_id, asset_code HAVING sum(amount) <> 0""",
    ),
    Check(
        "balance_is_sum",
        "Each balance is the sum of its entries, archived ones counted.",
        """SELECT b.account_id::text, 'balance ' || b.posted || ', entries ' || coalesce(e.total, 0)
           FROM balance b
           LEFT JOIN (
               SELECT account_id, sum(amount) AS total FROM (
                   SELECT account_id, amount FROM entry
                   UNION ALL SELECT account_id, amount FROM archived_run
               ) AS moved GROUP BY 1
           ) e USING (account_id)
           WHERE b.posted <> coalesce(e.total, 0)""",
    ),
    Check(
        "gapless",
        "Each account's entries are numbered 1, 2, 3 ... up to the balance's entry_seq.",
        """SELECT b.account_id::text,
               'entry_seq ' || b.entry_seq || ', entries ' || coalesce(e.entries, 0)
               || ', numbers ' || coalesce(e.numbers, 0) || ', last ' || coalesce(e.last, 0)
           FROM balance b
           LEFT JOIN (
               SELECT account_id, sum(entries) AS entries,
                      sum(entries) FILTER (WHERE is_next) AS numbers, min(first_seq) AS first,
                      max(last_seq) AS last
               FROM (
                   SELECT account_id, first_seq, last_seq, last_seq - first_seq + 1 AS entries,
                          first_seq = lag(last_seq, 1, 0::bigint) OVER (
                              PARTITION BY account_id ORDER BY first_seq
                          ) + 1 AS is_next
                   FROM (
                       SELECT account_id, account_seq AS first_seq, account_seq AS last_seq
                       FROM entry
                       UNION ALL SELECT account_id, first_seq, last_seq FROM archived_run
                   ) AS runs
               ) AS links GROUP BY 1
           ) e USING (account_id)
           WHERE b.entry_seq <> coalesce(e.entries, 0) OR coalesce(e.numbers, 0) <> b.entry_seq
              OR coalesce(e.last, 0) <> b.entry_seq OR coalesce(e.first, 1) <> 1""",
    ),
    Check(
        "running_chain",
        "Each entry's balance is the one before it plus its amount, and time never goes back.",
        """SELECT account_id::text, 'number ' || last_seq || ': ' || before || ' + ' || amount
               || ' is not ' || balance_after
           FROM (
               SELECT account_id, last_seq, amount, balance_after, recorded_at,
                      lag(balance_after, 1, 0::bigint) OVER running AS before,
                      lag(recorded_at) OVER running AS earlier
               FROM (
                   SELECT account_id, account_seq AS first_seq, account_seq AS last_seq, amount,
                          balance_after, recorded_at
                   FROM entry
                   UNION ALL
                   SELECT account_id, first_seq, last_seq, amount, balance_after, NULL
                   FROM archived_run
               ) AS runs
               WINDOW running AS (PARTITION BY account_id ORDER BY first_seq)
           ) AS chain
           WHERE before + amount <> balance_after OR recorded_at < earlier""",
    ),
    Check(
        "limits",
        "No balance lies outside its floor and ceiling, holds counted.",
        """SELECT account_id::text, 'balance ' || posted
           FROM balance
           WHERE posted - held_out < floor OR posted + held_in > ceiling
              OR held_out < 0 OR held_in < 0""",
    ),
    Check(
        "holds",
        "Each balance reserves what its pending holds have left.",
        """SELECT b.account_id::text, 'reserves ' || b.held_out || ' and ' || b.held_in
               || ', holds have ' || coalesce(h.going_out, 0) || ' and ' || coalesce(h.coming_in, 0)
           FROM balance b
           LEFT JOIN (
               SELECT s.account AS account_id, sum(s.going_out) AS going_out,
                      sum(s.coming_in) AS coming_in
               FROM hold, LATERAL (
                   VALUES (source_id, amount - captured, 0), (destination_id, 0, amount - captured)
               ) AS s (account, going_out, coming_in)
               WHERE status = 'pending' GROUP BY 1
           ) h USING (account_id)
           WHERE b.held_out <> coalesce(h.going_out, 0) OR b.held_in <> coalesce(h.coming_in, 0)""",
    ),
    Check(
        "captures",
        "Each hold was captured as far as its transactions say, and never beyond its amount.",
        """SELECT h.id::text, 'captured ' || h.captured || ' of ' || h.amount || ', posted '
               || coalesce(t.posted, 0)
           FROM hold h
           LEFT JOIN (
               SELECT t.hold_id, sum(e.amount) AS posted
               FROM "transaction" t JOIN entry e ON e.transaction_id = t.id AND e.amount > 0
               WHERE t.hold_id IS NOT NULL GROUP BY 1
           ) t ON t.hold_id = h.id
           WHERE h.captured < coalesce(t.posted, 0) OR h.captured > h.amount
              OR (h.captured > coalesce(t.posted, 0) AND NOT EXISTS (
                  SELECT FROM month_archive m WHERE m.restored_at IS NULL AND m.end_id > h.id
              ))
              OR (h.status = 'pending' AND h.captured = h.amount)""",
    ),
    Check(
        "reversals",
        "What was given back of each posting is what its reversals say, and never beyond it.",
        """SELECT coalesce(r.transaction_id, t.transaction_id)::text,
               'counted ' || coalesce(r.reversed, 0) || ', posted ' || coalesce(t.posted, 0)
           FROM (
               SELECT transaction_id, sum(reversed) AS reversed, sum(amount) AS amount
               FROM reversed_posting GROUP BY 1
           ) r
           FULL JOIN (
               SELECT t.reverses_id AS transaction_id, sum(e.amount) AS posted
               FROM "transaction" t JOIN entry e ON e.transaction_id = t.id AND e.amount > 0
               WHERE t.reverses_id IS NOT NULL GROUP BY 1
           ) t USING (transaction_id)
           WHERE coalesce(r.reversed, 0) < coalesce(t.posted, 0) OR r.reversed > r.amount
              OR (r.reversed > coalesce(t.posted, 0) AND NOT EXISTS (
                  SELECT FROM month_archive m
                  WHERE m.restored_at IS NULL AND m.end_id > r.transaction_id
              ))""",
    ),
    Check(
        "books_balance",
        "All balances of an asset in a ledger sum to zero.",
        """SELECT ledger_id::text, asset_code || ' is off by ' || sum(posted)
           FROM balance GROUP BY ledger_id, asset_code HAVING sum(posted) <> 0""",
    ),
    Check(
        "complete",
        "Each transaction has entries, each entry a transaction and an account of its asset.",
        """SELECT t.id::text, 'fewer than two entries' FROM "transaction" t
           LEFT JOIN entry e ON e.transaction_id = t.id
           GROUP BY t.id HAVING count(e.leg) < 2
           UNION ALL
           SELECT e.transaction_id::text, 'entry ' || e.leg || ' without transaction' FROM entry e
           WHERE NOT EXISTS (SELECT FROM "transaction" t WHERE t.id = e.transaction_id)
           UNION ALL
           SELECT e.transaction_id::text, 'entry ' || e.leg || ' on no such account' FROM entry e
           LEFT JOIN ledger_account a ON a.id = e.account_id AND a.user_id = e.user_id
               AND a.asset_code = e.asset_code
           WHERE a.id IS NULL
           UNION ALL
           SELECT a.id::text, 'account without balance' FROM ledger_account a
           LEFT JOIN balance b ON b.account_id = a.id AND b.user_id = a.user_id
               AND b.asset_code = a.asset_code AND b.ledger_id = a.ledger_id
           WHERE b.account_id IS NULL""",
    ),
    Check(
        "references",
        "Each reference names its transaction, and each transaction's reference is kept.",
        """SELECT coalesce(t.id, r.transaction_id)::text,
               coalesce(t.reference, r.reference) || ' is not on both sides'
           FROM (SELECT * FROM "transaction" WHERE reference IS NOT NULL) t
           FULL JOIN transaction_reference r
               ON r.transaction_id = t.id AND r.reference = t.reference
              AND r.ledger_id = t.ledger_id
           WHERE r.transaction_id IS NULL OR (t.id IS NULL AND NOT EXISTS (
               SELECT FROM month_archive m WHERE m.restored_at IS NULL
                 AND r.transaction_id >= m.first_id AND r.transaction_id < m.end_id
           ))""",
    ),
    Check(
        "snapshots",
        "Each day's balance, by either clock, is the sum of the entries up to the horizon.",
        """WITH moved AS (
               SELECT e.account_id, (e.recorded_at AT TIME ZONE 'UTC')::date AS recorded_day,
                      (coalesce(e.effective_at, e.recorded_at) AT TIME ZONE 'UTC')::date
                          AS effective_day,
                      e.amount
               FROM entry e JOIN snapshot_horizon h
                   ON h.account_id = e.account_id AND e.account_seq <= h.entry_seq
               UNION ALL
               SELECT account_id, recorded_day, effective_day, amount FROM archived_run
           ), days AS (
               SELECT account_id, day, sum(recorded) AS recorded, sum(effective) AS effective
               FROM (
                   SELECT account_id, recorded_day AS day, amount AS recorded, 0 AS effective
                   FROM moved
                   UNION ALL
                   SELECT account_id, effective_day, 0, amount FROM moved
               ) AS x GROUP BY account_id, day
           ), running AS (
               SELECT account_id, day, sum(recorded) OVER w AS recorded,
                      sum(effective) OVER w AS effective
               FROM days WINDOW w AS (PARTITION BY account_id ORDER BY day)
           )
           SELECT coalesce(s.account_id, r.account_id)::text,
               coalesce(s.day, r.day) || ': ' || coalesce(s.recorded::text, 'no row') || ' and '
               || coalesce(s.effective::text, 'no row') || ', entries ' ||
               coalesce(r.recorded, 0) || ' and ' || coalesce(r.effective, 0)
           FROM balance_snapshot s
           FULL JOIN running r ON r.account_id = s.account_id AND r.day = s.day
           WHERE s.recorded IS DISTINCT FROM r.recorded
              OR s.effective IS DISTINCT FROM r.effective""",
    ),
    Check(
        "answers",
        "Each key that was answered with a transaction names one that exists.",
        """SELECT k.object_id::text, 'answered but not stored' FROM idempotency_key k
           WHERE k.object_id IS NOT NULL
             AND NOT EXISTS (SELECT FROM "transaction" t WHERE t.id = k.object_id)
             AND NOT EXISTS (
                 SELECT FROM month_archive m WHERE m.restored_at IS NULL
                   AND k.object_id >= m.first_id AND k.object_id < m.end_id
             )""",
    ),
    Check(
        "events",
        "Each transaction was announced exactly once.",
        """SELECT t.id::text, count(o.id) || ' events' FROM "transaction" t
           LEFT JOIN outbox_event o ON o.id = t.id AND o.topic = 'transaction.posted'
           GROUP BY t.id HAVING count(o.id) <> 1""",
    ),
)


def verify() -> list[Finding]:
    """Run every check in one snapshot; return a finding for each, with zero faults or more."""
    is_outermost = not connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        if is_outermost:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute("SET LOCAL statement_timeout = 0")
        return [_run(cursor, check) for check in CHECKS]


def totals() -> dict[str, int]:
    """Return how much was looked at."""
    with connection.cursor() as cursor:
        cursor.execute(
            'SELECT (SELECT count(*) FROM "transaction"), (SELECT count(*) FROM entry), '
            "(SELECT count(*) FROM balance)"
        )
        row = cursor.fetchone() or (0, 0, 0)
    return {"transactions": row[0], "entries": row[1], "accounts": row[2]}


def _run(cursor: Any, check: Check) -> Finding:
    cursor.execute(check.sql)
    examples = cursor.fetchmany(EXAMPLES_MAX)
    faults = cursor.rowcount
    return Finding(check, faults, [(str(what), str(detail)) for what, detail in examples])
