"""A statement as staff read and print it."""

from __future__ import annotations

import datetime as dt
from itertools import islice
from typing import Any, Final

from core import clock
from transactions import selectors
from transactions.admin.charts import balance_chart
from transactions.admin.columns import amount_of
from transactions.models import LedgerAccount

LINES_MAX: Final = 500


def statement_context(
    account: LedgerAccount, *, since: dt.datetime, until: dt.datetime
) -> dict[str, Any]:
    """Return what the page shows: balances, the first lines by date of effect, their chart.

    Raises:
        MomentArchived: ``since`` or ``until`` lies within an archived day.
    """
    opening = selectors.balance_at(account, since, by="effective", inclusive=False)
    closing = selectors.balance_at(account, until, by="effective", inclusive=False)
    lines = selectors.statement_stream(account, since=since, until=until, by="effective")
    shown = list(islice(lines, LINES_MAX + 1))
    chart = balance_chart(opening, [(line["at"], line["balance"]) for line in shown[:LINES_MAX]])
    return {
        "account": account,
        "title": f"Statement of {account.code}",
        "lines": [
            {
                **line,
                "amount": amount_of(account, line["amount"]),
                "balance": amount_of(account, line["balance"]),
            }
            for line in shown[:LINES_MAX]
        ],
        "is_cut": len(shown) > LINES_MAX,
        "lines_max": LINES_MAX,
        "opening": amount_of(account, opening),
        "closing": amount_of(account, closing),
        "until": clock.as_rfc3339(until),
        "chart": chart,
        "highest": amount_of(account, chart.highest) if chart else None,
        "lowest": amount_of(account, chart.lowest) if chart else None,
    }
