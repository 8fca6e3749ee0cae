"""Reading transactions as they are sealed, and the seals."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, Final

import orjson
from django.db import connection

from core import errors as core_errors
from core.principals import Principal
from transactions import canonical, errors
from transactions.models import Seal

_TRANSACTIONS: Final = """
    SELECT id, user_id, ledger_id, epoch, xid::text::bigint AS xid, kind, reference, description,
           effective_at, recorded_at, metadata, actor_id, actor_kind, session_id, request_id,
           reverses_id, hold_id
    FROM "transaction" WHERE id = ANY (%s)
"""
_ENTRIES: Final = """
    SELECT transaction_id, leg, user_id, account_id, asset_code, amount, account_seq,
           balance_after, recorded_at, effective_at
    FROM entry WHERE transaction_id = ANY (%s) ORDER BY transaction_id, leg
"""


def transaction_digests(transaction_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, bytes]:
    """Return the digest of each of these transactions that is there."""
    wanted = list(transaction_ids)
    entries: dict[uuid.UUID, list[dict[str, Any]]] = {identifier: [] for identifier in wanted}
    for entry in _rows(_ENTRIES, wanted):
        entries[entry["transaction_id"]].append(entry)
    digests = {}
    for row in _rows(_TRANSACTIONS, wanted):
        # Django leaves JSON of raw statements as text.
        row["metadata"] = orjson.loads(row["metadata"]) if row["metadata"] else None
        digests[row["id"]] = canonical.transaction_digest(row, entries[row["id"]])
    return digests


def head_seal(*, actor: Principal) -> Seal:
    """Return the newest seal.

    Raises:
        PermissionRefused: seals are for staff.
        SealNotFound: nothing has been sealed yet.
    """
    if not actor.may("transactions.view_seal"):
        raise core_errors.PermissionRefused("Seals are for staff.")
    head = last_seal()
    if head is None:
        raise errors.SealNotFound("Nothing has been sealed yet.")
    return head


def last_seal() -> Seal | None:
    """Return the newest seal, without its members."""
    return Seal.objects.defer("members").order_by("-number").first()


def _rows(statement: str, wanted: list[uuid.UUID]) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, [wanted])
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
