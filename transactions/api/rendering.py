"""How money is answered."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any

from core import clock
from transactions import constants
from transactions.models import Entry, LedgerAccount, Transaction
from transactions.services import Draft, PostedEntry, PostedTransaction


def balance(account: LedgerAccount) -> dict[str, Any]:
    """Render the balance an account has now."""
    row = account.balance
    spendable = None if row.floor is None else row.posted - row.held_out - row.floor
    return {
        "account": str(account.pk),
        "asset": row.asset_code,
        "posted": row.posted,
        "available": spendable,
        "held_out": row.held_out,
        "held_in": row.held_in,
        "entry_seq": row.entry_seq,
    }


def posted(
    draft: Draft, done: PostedTransaction, ledger: str, *, kind: str = constants.KIND_POSTING
) -> dict[str, Any]:
    """Render what a draft became; a replay renders the same, because the draft is the same."""
    return {
        "id": str(done.id),
        "status": "posted",
        "kind": kind,
        "ledger": ledger,
        "reference": draft.reference,
        "description": draft.description,
        "postings": [
            {
                "source": str(posting.source),
                "destination": str(posting.destination),
                "amount": posting.amount_minor,
                "asset": posting.asset,
            }
            for posting in draft.postings
        ],
        "entries": [_leg(entry) for entry in done.entries],
        "metadata": draft.metadata or {},
        "reverses": str(draft.reverses_id) if draft.reverses_id else None,
        "reversed_by": [],
        "hold": None,
        "effective_at": clock.as_rfc3339(draft.effective_at or done.recorded_at),
        "recorded_at": clock.as_rfc3339(done.recorded_at),
    }


def posted_briefly(done: PostedTransaction) -> dict[str, Any]:
    """Render what was recorded, for answers that are about something else."""
    return {
        "transaction": str(done.id),
        "entries": [_leg(entry) for entry in done.entries],
        "recorded_at": clock.as_rfc3339(done.recorded_at),
    }


def transaction(
    row: Transaction, entries: Sequence[Entry], *, reversed_by: Sequence[uuid.UUID]
) -> dict[str, Any]:
    """Render a stored transaction; its entries come in pairs, a posting's two sides."""
    return {
        "id": str(row.pk),
        "status": "posted",
        "kind": row.kind,
        "ledger": row.ledger.code,
        "reference": row.reference,
        "description": row.description,
        "postings": [
            {
                "source": str(source.account_id),
                "destination": str(destination.account_id),
                "amount": destination.amount,
                "asset": destination.asset_code,
            }
            for source, destination in zip(entries[::2], entries[1::2], strict=True)
        ],
        "entries": [_leg(entry) for entry in entries],
        "metadata": row.metadata or {},
        "reverses": str(row.reverses_id) if row.reverses_id else None,
        "reversed_by": [str(identifier) for identifier in reversed_by],
        "hold": str(row.hold_id) if row.hold_id else None,
        "effective_at": clock.as_rfc3339(row.effective_at),
        "recorded_at": clock.as_rfc3339(row.recorded_at),
    }


def _leg(entry: Entry | PostedEntry) -> dict[str, Any]:
    return {
        "account": str(entry.account_id),
        "amount": entry.amount,
        "account_seq": entry.account_seq,
        "balance_after": entry.balance_after,
    }


def statement_line(line: dict[str, Any]) -> dict[str, Any]:
    """Render one line of a statement."""
    at: dt.datetime = line["at"]
    return {
        "at": clock.as_rfc3339(at),
        "transaction": line["transaction_id"] and str(line["transaction_id"]),
        "reference": line["reference"],
        "description": line["description"],
        "amount": line["amount"],
        "entries": line["entries"],
        "balance": line["balance"],
        "account_seq": line["account_seq"],
    }
