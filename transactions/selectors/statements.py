"""Statements by either clock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any, Final

from django.db import connection

from transactions.models import LedgerAccount
from transactions.selectors.balances import Clock, balance_at

STATEMENT_CHUNK: Final = 1_000
# A plain join would tempt PostgreSQL to hash every transaction for one page of lines.
# Each branch comes in the order of its own index; entries of archived months come as sums of
# days, at the days' beginnings.
_ENTRIES: Final = """
    (SELECT e.{at} AS at, e.account_seq, e.transaction_id, e.amount, e.recorded_at,
            1::bigint AS entries
     FROM entry e
     WHERE e.account_id = %(account)s AND e.{at} >= %(since)s AND e.{at} < %(until)s
       AND (e.{at}, e.account_seq) > (%(after_at)s, %(after_seq)s) {only}
     ORDER BY e.{at}, e.account_seq LIMIT %(limit)s)
"""
_ARCHIVED: Final = """
    (SELECT r.{day}::timestamp AT TIME ZONE 'UTC', r.last_seq, NULL::uuid, r.amount,
            r.recorded_day::timestamp AT TIME ZONE 'UTC', r.last_seq - r.first_seq + 1
     FROM archived_run r
     WHERE r.account_id = %(account)s
       AND r.{day} >= (%(since)s AT TIME ZONE 'UTC')::date
       AND r.{day}::timestamp AT TIME ZONE 'UTC' < %(until)s
       AND (r.{day}::timestamp AT TIME ZONE 'UTC', r.last_seq) > (%(after_at)s, %(after_seq)s)
     ORDER BY r.{day}, r.last_seq LIMIT %(limit)s)
"""
_BRANCHES: Final[dict[Clock, tuple[str, ...]]] = {
    "recorded": (
        _ENTRIES.format(at="recorded_at", only=""),
        _ARCHIVED.format(day="recorded_day"),
    ),
    "effective": (
        _ENTRIES.format(at="recorded_at", only="AND e.effective_at IS NULL"),
        _ENTRIES.format(at="effective_at", only=""),
        _ARCHIVED.format(day="effective_day"),
    ),
}
LINES: Final[dict[Clock, str]] = {
    by: f"""
    SELECT line.*, t.reference, t.description
    FROM ({" UNION ALL ".join(branches)} ORDER BY at, account_seq LIMIT %(limit)s) AS line
    LEFT JOIN LATERAL (
        SELECT reference, description FROM "transaction" WHERE id = line.transaction_id LIMIT 1
    ) AS t ON true
    ORDER BY line.at, line.account_seq
    """  # noqa: S608 - fixed fragments
    for by, branches in _BRANCHES.items()
}
_BEFORE_ALL: Final = (dt.datetime(1, 1, 1, tzinfo=dt.UTC), 0)


def statement_lines(
    account: LedgerAccount,
    *,
    since: dt.datetime,
    until: dt.datetime,
    by: Clock,
    after: tuple[dt.datetime, int] | None = None,
    limit: int = STATEMENT_CHUNK,
) -> list[dict[str, Any]]:
    """Return up to ``limit`` lines in [since, until) by the given clock, after a position.

    A line of an archived month stands for ``entries`` entries and names no transaction.
    """
    after_at, after_seq = after or _BEFORE_ALL
    with connection.cursor() as cursor:
        cursor.execute(
            LINES[by],
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
        lines = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    for line in lines:
        if line["transaction_id"] is None:
            line["description"] = f"{line['entries']} archived entries"
    return lines


def statement_stream(
    account: LedgerAccount, *, since: dt.datetime, until: dt.datetime, by: Clock
) -> Iterator[dict[str, Any]]:
    """Return every line of a statement with its running balance, read a chunk at a time.

    Raises:
        MomentArchived: see :func:`balance_at`.
    """
    balance_at(account, until, by=by, inclusive=False)  # refuses before the first line is sent
    opening = balance_at(account, since, by=by, inclusive=False)
    return _running(account, opening, since=since, until=until, by=by)


def _running(
    account: LedgerAccount, balance: int, *, since: dt.datetime, until: dt.datetime, by: Clock
) -> Iterator[dict[str, Any]]:
    after = None
    while True:
        lines = statement_lines(account, since=since, until=until, by=by, after=after)
        for line in lines:
            balance += line["amount"]
            yield {**line, "balance": balance}
        if len(lines) < STATEMENT_CHUNK:
            return
        after = (lines[-1]["at"], lines[-1]["account_seq"])
