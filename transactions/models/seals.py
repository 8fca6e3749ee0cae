"""The chain of hashes over what was posted."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from typing_extensions import override


class Seal(models.Model):
    """A block of transactions in the order of their commits, chained to the block before it.

    ``members`` holds 48 bytes for each: its id and the SHA-256 of its canonical bytes. ``hash``
    covers them and ``previous_hash``; ``last_epoch``, ``last_xid`` and ``last_id`` say how far
    the chain reaches.
    """

    append_only: ClassVar = True

    number = models.BigIntegerField(primary_key=True)
    transactions = models.IntegerField()
    last_epoch = models.SmallIntegerField()
    last_xid = models.BigIntegerField()
    last_id = models.UUIDField()
    previous_hash = models.BinaryField(max_length=32)
    hash = models.BinaryField(max_length=32)
    members = models.BinaryField()
    sealed_at = models.DateTimeField("sealed")

    class Meta:
        db_table = "seal"
        ordering: ClassVar = ["-number"]
        default_permissions: ClassVar = ["view"]
        constraints: ClassVar = [
            models.CheckConstraint(name="seal_not_empty", condition=models.Q(transactions__gte=1)),
        ]

    @override
    def __str__(self) -> str:
        return str(self.number)
