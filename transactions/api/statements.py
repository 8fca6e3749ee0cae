"""A statement's pages and its CSV rows."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from core import clock
from core.pagination import PageRequest, link_after
from transactions import selectors
from transactions.api import rendering
from transactions.models import LedgerAccount
from transactions.selectors import Clock

CSV_HEADER: Final = (
    "at",
    "transaction",
    "reference",
    "description",
    "amount_minor",
    "balance_minor",
    "asset",
)


def statement_page(
    account: LedgerAccount,
    asked: PageRequest,
    *,
    since: dt.datetime,
    until: dt.datetime,
    by: Clock,
) -> dict[str, Any]:
    """Return one page of a statement; the cursor carries the running balance and the end."""
    opening = selectors.balance_at(account, since, by=by, inclusive=False)
    after, balance = None, opening
    if asked.position is not None:
        at, seq, balance, end = asked.position
        after = (dt.datetime.fromisoformat(at), seq)
        # The first page fixed what "until now" means for all of them.
        until = dt.datetime.fromisoformat(end)
    lines = selectors.statement_lines(
        account, since=since, until=until, by=by, after=after, limit=asked.limit + 1
    )
    shown = lines[: asked.limit]
    for line in shown:
        balance += line["amount"]
        line["balance"] = balance
    following = None
    if len(lines) > asked.limit:
        last = shown[-1]
        position = [last["at"].isoformat(), last["account_seq"], balance, until.isoformat()]
        following = link_after(asked, position)
    return {
        "account": str(account.pk),
        "asset": account.asset_id,
        "since": clock.as_rfc3339(since),
        "until": clock.as_rfc3339(until),
        "clock": by,
        "opening_balance": opening,
        "closing_balance": selectors.balance_at(account, until, by=by, inclusive=False),
        "items": [rendering.statement_line(line) for line in shown],
        "next": following,
    }


def csv_row(line: dict[str, Any], asset: str) -> list[object]:
    """Return the cells of one line."""
    return [
        clock.as_rfc3339(line["at"]),
        str(line["transaction_id"] or ""),
        line["reference"] or "",
        line["description"] or "",
        line["amount"],
        line["balance"],
        asset,
    ]
