"""Reading what was given back."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Final

from core import ids
from transactions.models import ReversedPosting, Transaction

# Clocks of processes may differ by this much at most.
_CLOCK_SKEW: Final = dt.timedelta(minutes=5)


def reversed_amounts(transaction: Transaction) -> dict[int, int]:
    """Return how much of each posting was given back, by its number from 0."""
    rows = ReversedPosting.objects.filter(
        transaction_id=transaction.pk, user_id=transaction.user_id
    )
    return dict(rows.values_list("posting", "reversed"))


def reversals_of(transaction_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the transactions that give back this one, oldest first.

    A reversal is younger than its original, so the months before are not looked at.
    """
    earliest = ids.first_uuid7_at(ids.made_at(transaction_id) - _CLOCK_SKEW)
    rows = Transaction.objects.filter(reverses_id=transaction_id, id__gte=earliest)
    return list(rows.order_by("id").values_list("pk", flat=True))
