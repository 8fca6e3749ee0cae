"""Remarks on transactions."""

from __future__ import annotations

import uuid

from core import clock, db, ids, outbox
from core.principals import Principal
from transactions import selectors
from transactions.models import TransactionNote


def add_note(*, transaction_id: uuid.UUID, text: str, actor: Principal) -> TransactionNote:
    """Write a remark on a transaction; it stays as it is. Commits its own or joins the caller's.

    Raises:
        TransactionNotFound: none, or not for ``actor`` to see.
    """
    selectors.get_transaction(transaction_id=transaction_id, actor=actor)

    def add() -> TransactionNote:
        note = TransactionNote.objects.create(
            id=ids.uuid7(),
            user_id=actor.user_id,
            transaction_id=transaction_id,
            text=text,
            created_at=clock.now(),
        )
        outbox.announce(topic="transaction.noted", user_id=actor.user_id, object_id=note.pk)
        return note

    return db.run_in_transaction(add)
