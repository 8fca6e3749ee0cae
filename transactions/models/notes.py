"""What people wrote about transactions, and at which rate money was exchanged."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from typing_extensions import override

from core import ids
from transactions import constants


class TransactionNote(models.Model):
    """A remark on a transaction, for ever; ``user_id`` wrote it."""

    append_only: ClassVar = True

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    user_id = models.UUIDField("written by")
    transaction_id = models.UUIDField("about")
    text = models.CharField(max_length=constants.NOTE_LENGTH_MAX)
    created_at = models.DateTimeField("written")

    class Meta:
        db_table = "transaction_note"
        verbose_name = "note"
        ordering: ClassVar = ["-id"]
        default_permissions: ClassVar = ["view"]
        indexes: ClassVar = [
            models.Index(fields=["transaction_id", "id"], name="transaction_note_about")
        ]

    @override
    def __str__(self) -> str:
        return self.text


class Exchange(models.Model):
    """The terms of an exchange; ``id`` is its transaction's.

    One unit of the source's asset was worth ``rate`` / 10^``rate_scale`` units of the
    destination's.
    """

    append_only: ClassVar = True

    id = models.UUIDField(primary_key=True, editable=False)
    user_id = models.UUIDField("owner of the source")
    source_asset = models.CharField(max_length=16)
    source_amount = models.BigIntegerField()
    fee_amount = models.BigIntegerField("fee, in the source's asset")
    destination_asset = models.CharField(max_length=16)
    destination_amount = models.BigIntegerField()
    rate = models.BigIntegerField()
    rate_scale = models.PositiveSmallIntegerField()
    created_at = models.DateTimeField("recorded")

    class Meta:
        db_table = "exchange"
        ordering: ClassVar = ["-id"]
        default_permissions: ClassVar = ["view"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="exchange_amounts_positive",
                condition=models.Q(
                    source_amount__gt=0, destination_amount__gt=0, rate__gt=0, fee_amount__gte=0
                ),
            ),
            models.CheckConstraint(
                name="exchange_assets_differ",
                condition=~models.Q(source_asset=models.F("destination_asset")),
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.source_asset} to {self.destination_asset}"
