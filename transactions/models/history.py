"""Transactions and their entries: append-only, partitioned by month."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from typing_extensions import override

from core import ids
from transactions import constants
from transactions.models.accounts import Ledger, LedgerAccount
from transactions.querysets import EntryQuerySet


class Transaction(models.Model):
    """An atomic set of postings, for ever. ``user_id`` owns the first source account."""

    append_only: ClassVar = True
    partitioned_by: ClassVar = "id"
    ordered_by_commit: ClassVar = True

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    user_id = models.UUIDField()
    ledger = models.ForeignKey(
        Ledger, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    kind = models.CharField(max_length=16, default="posting")
    reference = models.CharField(max_length=constants.REFERENCE_LENGTH_MAX, null=True)  # noqa: DJ001 - absent is not empty
    description = models.CharField(max_length=constants.DESCRIPTION_LENGTH_MAX, null=True)  # noqa: DJ001 - as above
    effective_at = models.DateTimeField("takes effect")
    recorded_at = models.DateTimeField("recorded")
    metadata = models.JSONField(null=True)
    actor_id = models.UUIDField("posted by")
    actor_kind = models.CharField(max_length=16)
    session_id = models.UUIDField(null=True)
    request_id = models.CharField(max_length=64)
    reverses_id = models.UUIDField(null=True)
    hold_id = models.UUIDField(null=True)

    class Meta:
        db_table = "transaction"
        ordering: ClassVar = ["-id"]
        default_permissions: ClassVar = ["view"]
        permissions: ClassVar = [
            ("post_any_transaction", "Can move money between any ledger accounts")
        ]

    @override
    def __str__(self) -> str:
        return self.reference or str(self.pk)


class Entry(models.Model):
    """One side of a posting on one ledger account.

    ``account_seq`` counts the account's entries without gaps; ``balance_after`` is its balance
    once this entry counts. ``effective_at`` is null when it equals ``recorded_at``.
    """

    append_only: ClassVar = True
    partitioned_by: ClassVar = "transaction_id"

    pk = models.CompositePrimaryKey("transaction_id", "leg", "user_id")
    transaction_id = models.UUIDField()
    leg = models.SmallIntegerField()
    user_id = models.UUIDField()
    account_id = models.UUIDField()
    asset_code = models.CharField(max_length=16)
    amount = models.BigIntegerField()
    account_seq = models.BigIntegerField()
    balance_after = models.BigIntegerField()
    recorded_at = models.DateTimeField()
    effective_at = models.DateTimeField(null=True)

    objects = EntryQuerySet.as_manager()

    class Meta:
        db_table = "entry"
        verbose_name_plural = "entries"
        default_permissions: ClassVar = []

    @override
    def __str__(self) -> str:
        return f"{self.amount} {self.asset_code}"


class TransactionReference(models.Model):
    """Which transaction has a reference: unique in its ledger for ever, across all months."""

    append_only: ClassVar = True

    pk = models.CompositePrimaryKey("ledger_id", "reference")
    ledger_id = models.UUIDField()
    reference = models.CharField(max_length=constants.REFERENCE_LENGTH_MAX)
    transaction_id = models.UUIDField()

    class Meta:
        db_table = "transaction_reference"
        default_permissions: ClassVar = []

    @override
    def __str__(self) -> str:
        return self.reference


class EntryLine(models.Model):
    """An entry as staff read it: a view with one key, because the admin needs one."""

    append_only: ClassVar = True
    is_view: ClassVar = True

    id = models.CharField(primary_key=True, max_length=48)
    transaction = models.ForeignKey(
        Transaction, on_delete=models.DO_NOTHING, db_constraint=False, related_name="lines"
    )
    leg = models.SmallIntegerField()
    account = models.ForeignKey(
        LedgerAccount, on_delete=models.DO_NOTHING, db_constraint=False, related_name="lines"
    )
    asset_code = models.CharField("asset", max_length=16)
    amount = models.BigIntegerField()
    account_seq = models.BigIntegerField("number")
    balance_after = models.BigIntegerField()
    recorded_at = models.DateTimeField("recorded")
    effective_at = models.DateTimeField("takes effect")

    class Meta:
        db_table = "entry_line"
        managed = False
        verbose_name = "entry"
        verbose_name_plural = "entries"
        ordering: ClassVar = ["-transaction_id", "leg"]
        default_permissions: ClassVar = ["view"]

    @override
    def __str__(self) -> str:
        return f"{self.amount} {self.asset_code}"
