"""Reading remarks."""

from __future__ import annotations

import uuid

from core.pagination import Page, PageRequest
from core.principals import Principal
from transactions.models import TransactionNote


def notes(
    *, transaction_id: uuid.UUID, actor: Principal, asked: PageRequest
) -> Page[TransactionNote]:
    """Return a page of what the actor wrote about a transaction, newest first; staff see all."""
    rows = TransactionNote.objects.filter(transaction_id=transaction_id)
    if not actor.may("transactions.view_transactionnote"):
        rows = rows.filter(user_id=actor.user_id)
    if asked.position is not None:
        (last_id,) = asked.position
        rows = rows.filter(id__gt=last_id) if asked.backwards else rows.filter(id__lt=last_id)
    ordered = rows.order_by("id" if asked.backwards else "-id")
    return Page(list(ordered[: asked.limit + 1]), asked, key=lambda row: [str(row.pk)])
