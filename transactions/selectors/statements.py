"""Balances at an instant and statements, by either clock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any, Final, Literal

from django.db import connection

from transactions.models import LedgerAccount

Clock = Literal["recorded", "effective"]
STATEMENT_CHUNK: Final = 1_000

_RECORDED_BALANCE: Final = """
    SELECT balance_after FROM entry
    WHERE account_id = %(account)s AND recorded_at <= %(at)s
    ORDER BY recorded_at DESC, account_seq DESC LIMIT 1
"""
_EFFECTIVE_BALANCE: Final = """
    SELECT (
        coalesce((
            SELECT balance_after FROM entry
            WHERE account_id = %(account)s AND recorded_at <= %(at)s
            ORDER BY recorded_at DESC, account_seq DESC LIMIT 1
        ), 0)
        + coalesce((
            SELECT sum(amount) FROM entry
            WHERE account_id = %(account)s AND effective_at <= %(at)s AND recorded_at > %(at)s
        ), 0)
        - coalesce((
            SELECT sum(amount) FROM entry
            WHERE account_id = %(account)s AND effective_at > %(at)s AND recorded_at <= %(at)s
        ), 0)
    )::bigint
"""


def balance_at(
    account: LedgerAccount, at: dt.datetime, *, by: Clock, inclusive: bool = True
) -> int:
    """Return the balance at ``at`` in minor units; exclusive of it when asked.

    By the recorded clock: what the ledger knew then, one index probe. By the effective clock:
    that, corrected by the few entries whose two clocks fall on different sides of ``at``.
    """
    if not inclusive:
        # Instants are exact to a microsecond here and in PostgreSQL.
        at -= dt.timedelta(microseconds=1)
    statement = _EFFECTIVE_BALANCE if by == "effective" else _RECORDED_BALANCE
    with connection.cursor() as cursor:
        cursor.execute(statement, {"account": account.pk, "at": at})
        row = cursor.fetchone()
    return int(row[0]) if row else 0


def statement_lines(
    account: LedgerAccount,
    *,
    since: dt.datetime,
    until: dt.datetime,
    by: Clock,
    after: tuple[dt.datetime, int] | None = None,
    limit: int = STATEMENT_CHUNK,
) -> list[dict[str, Any]]:
    """Return up to ``limit`` lines in [since, until) by the given clock, after a position."""
    at = "coalesce(e.effective_at, e.recorded_at)" if by == "effective" else "e.recorded_at"
    in_range = (
        "((e.effective_at >= %(since)s AND e.effective_at < %(until)s) OR "
        "(e.effective_at IS NULL AND e.recorded_at >= %(since)s AND e.recorded_at < %(until)s))"
        if by == "effective"
        else "e.recorded_at >= %(since)s AND e.recorded_at < %(until)s"
    )
    position = f"AND ({at}, e.account_seq) > (%(after_at)s, %(after_seq)s)" if after else ""
    after_at, after_seq = after or (None, None)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {at} AS at, e.account_seq, e.transaction_id, e.amount, t.reference, "  # noqa: S608 - fixed fragments, bound values
            "t.description, e.recorded_at FROM entry e "
            'JOIN "transaction" t ON t.id = e.transaction_id '
            f"WHERE e.account_id = %(account)s AND {in_range} {position} "
            f"ORDER BY {at}, e.account_seq LIMIT %(limit)s",
            {
                "account": account.pk,
                "since": since,
                "until": until,
                "after_at": after_at,
                "after_seq": after_seq,
                "limit": limit,
            },
        )
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def statement_stream(
    account: LedgerAccount, *, since: dt.datetime, until: dt.datetime, by: Clock
) -> Iterator[dict[str, Any]]:
    """Yield every line of a statement with its running balance, a chunk of rows at a time."""
    balance = balance_at(account, since, by=by, inclusive=False)
    after = None
    while True:
        lines = statement_lines(account, since=since, until=until, by=by, after=after)
        for line in lines:
            balance += line["amount"]
            yield {**line, "balance": balance}
        if len(lines) < STATEMENT_CHUNK:
            return
        after = (lines[-1]["at"], lines[-1]["account_seq"])
