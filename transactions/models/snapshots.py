"""What is derived from history so that any day's balance is near, and outlives its entries."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from typing_extensions import override

from transactions.models.accounts import LedgerAccount


class BalanceSnapshot(models.Model):
    """An account's balance at the end of a day (UTC) by either clock.

    Covers the entries up to the account's horizon; there is a row for each day on which one of
    them was recorded or took effect.
    """

    pk = models.CompositePrimaryKey("account_id", "day", "user_id")
    account_id = models.UUIDField()
    user_id = models.UUIDField()
    day = models.DateField()
    recorded = models.BigIntegerField()
    effective = models.BigIntegerField()

    class Meta:
        db_table = "balance_snapshot"
        default_permissions: ClassVar = []

    @override
    def __str__(self) -> str:
        return f"{self.account_id} on {self.day}"


class SnapshotHorizon(models.Model):
    """How far an account's snapshots reach: every entry up to ``entry_seq`` is in them."""

    pk = models.CompositePrimaryKey("account_id", "user_id")
    account_id = models.UUIDField()
    user_id = models.UUIDField()
    entry_seq = models.BigIntegerField()
    recorded_at = models.DateTimeField()

    class Meta:
        db_table = "snapshot_horizon"
        default_permissions: ClassVar = []

    @override
    def __str__(self) -> str:
        return f"{self.account_id} up to {self.entry_seq}"


class ArchivedRun(models.Model):
    """Consecutive entries of an account that lie in an archived month, as one sum.

    All of them were recorded on one day and took effect on one day (UTC), so balances and
    statements by days stay right without them.
    """

    pk = models.CompositePrimaryKey("account_id", "first_seq", "user_id")
    user_id = models.UUIDField()
    account_id = models.UUIDField()
    archive_id = models.UUIDField()
    recorded_day = models.DateField()
    effective_day = models.DateField()
    first_seq = models.BigIntegerField()
    last_seq = models.BigIntegerField()
    amount = models.BigIntegerField()
    balance_after = models.BigIntegerField()

    class Meta:
        db_table = "archived_run"
        default_permissions: ClassVar = []
        constraints: ClassVar = [
            models.CheckConstraint(
                name="archived_run_in_order",
                condition=models.Q(first_seq__lte=models.F("last_seq")),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["account_id", "recorded_day"], name="archived_run_recorded"),
            models.Index(fields=["account_id", "effective_day"], name="archived_run_effective"),
            models.Index(fields=["archive_id"], name="archived_run_archive"),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.account_id} {self.first_seq} to {self.last_seq}"


class SnapshotLine(models.Model):
    """A snapshot as staff read it: a view with one key, because the admin needs one."""

    is_view: ClassVar = True

    id = models.CharField(primary_key=True, max_length=48)
    account = models.ForeignKey(
        LedgerAccount, on_delete=models.DO_NOTHING, db_constraint=False, related_name="snapshots"
    )
    day = models.DateField()
    recorded = models.BigIntegerField("by time of recording")
    effective = models.BigIntegerField("by date of effect")

    class Meta:
        db_table = "snapshot_line"
        managed = False
        verbose_name = "daily balance"
        # As the table's key has it: by day alone all days of everybody would be sorted.
        ordering: ClassVar = ["-account_id", "-day"]
        default_permissions: ClassVar = ["view"]

    @override
    def __str__(self) -> str:
        return f"{self.account_id} on {self.day}"
