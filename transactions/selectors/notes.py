"""Reading remarks."""

from __future__ import annotations

import uuid

from core.pagination import Page, PageRequest, page_by_id
from core.principals import Principal
from transactions.models import TransactionNote


def notes(
    *, transaction_id: uuid.UUID, actor: Principal, asked: PageRequest
) -> Page[TransactionNote]:
    """Return a page of what the actor wrote about a transaction, newest first; staff see all."""
    rows = TransactionNote.objects.filter(transaction_id=transaction_id)
    if not actor.may("transactions.view_transactionnote"):
        rows = rows.filter(user_id=actor.user_id)
    return page_by_id(rows, asked)
