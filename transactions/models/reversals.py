"""How much of a posting was given back."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from typing_extensions import override


class ReversedPosting(models.Model):
    """The running total of one posting's reversals; its CHECK keeps them within the original.

    Whoever reverses adds to this row first, so that two who race meet here. ``user_id`` is the
    transaction's own; ``posting`` counts from 0.
    """

    never_deleted: ClassVar = True

    pk = models.CompositePrimaryKey("transaction_id", "posting", "user_id")
    transaction_id = models.UUIDField()
    posting = models.SmallIntegerField()
    user_id = models.UUIDField()
    amount = models.BigIntegerField()
    reversed = models.BigIntegerField()

    class Meta:
        db_table = "reversed_posting"
        default_permissions: ClassVar = []
        constraints: ClassVar = [
            models.CheckConstraint(
                name="reversed_posting_within_original",
                condition=models.Q(reversed__gt=0, reversed__lte=models.F("amount")),
            )
        ]

    @override
    def __str__(self) -> str:
        return f"{self.reversed} of {self.amount}"
