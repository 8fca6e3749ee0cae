"""What a copy of the books must add up to."""

from __future__ import annotations

from typing import Any, Final

import psycopg

_TOTALS: Final = """
    SELECT e.asset_code, count(*), sum(e.amount) FILTER (WHERE e.amount > 0),
           -sum(e.amount) FILTER (WHERE e.amount < 0), sum(hashtextextended(e::text, 0)),
           count(DISTINCT t.id)
    FROM "transaction" t JOIN entry e ON e.transaction_id = t.id
    WHERE t.epoch < %(epoch)s OR t.epoch = %(epoch)s AND t.xid < %(xid)s::xid8
    GROUP BY e.asset_code ORDER BY e.asset_code
"""


def control_totals(
    *, connection: psycopg.Connection[Any], watermark: dict[str, Any]
) -> dict[str, Any]:
    """Return for each asset how much was moved below ``watermark``, and a sum over all entries."""
    return {
        f"ledger.{asset}": {
            "entries": entries,
            "debit": str(debit or 0),
            "credit": str(credit or 0),
            "hash": str(digest),
            "transactions": transactions,
        }
        for asset, entries, credit, debit, digest, transactions in connection.execute(
            _TOTALS, watermark
        )
    }
