"""A bank's statement beside ours."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from typing_extensions import override

from core import ids
from transactions import bank_statements, constants
from transactions.models.accounts import LedgerAccount


class Reconciliation(models.Model):
    """One uploaded statement, compared with an account's entries from day to day."""

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    user_id = models.UUIDField("owner of the account")
    account = models.ForeignKey(
        LedgerAccount,
        on_delete=models.PROTECT,
        db_constraint=False,
        db_index=False,
        related_name="reconciliations",
    )
    first_day = models.DateField("from")
    last_day = models.DateField("to")
    days_apart_max = models.PositiveSmallIntegerField("days apart at most")
    file_sha256 = models.CharField("SHA-256 of the file", max_length=64)
    matched = models.IntegerField()
    unexpected = models.IntegerField()
    missing = models.IntegerField()
    actor_id = models.UUIDField("uploaded by")
    created_at = models.DateTimeField("uploaded")

    class Meta:
        db_table = "reconciliation"
        ordering: ClassVar = ["-id"]
        default_permissions: ClassVar = ["view", "add", "change"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="reconciliation_days_in_order",
                condition=models.Q(first_day__lte=models.F("last_day")),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["account", "-id"], name="reconciliation_account"),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.first_day} to {self.last_day}"


class ReconciliationLine(models.Model):
    """A line that both say, only the bank says (unexpected), or only we say (missing)."""

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    user_id = models.UUIDField()
    reconciliation = models.ForeignKey(
        Reconciliation,
        on_delete=models.PROTECT,
        db_constraint=False,
        db_index=False,
        related_name="lines",
    )
    state = models.CharField(
        max_length=16, choices=[(name, name) for name in constants.RECONCILIATION_STATES]
    )
    rule = models.CharField("matched by", max_length=32, blank=True)
    day = models.DateField()
    amount = models.BigIntegerField()
    reference = models.CharField(max_length=bank_statements.TEXT_LENGTH_MAX, blank=True)
    description = models.CharField(max_length=bank_statements.TEXT_LENGTH_MAX, blank=True)
    transaction_id = models.UUIDField("transaction", null=True)
    account_seq = models.BigIntegerField("entry number", null=True)
    reason = models.CharField(max_length=constants.REASON_LENGTH_MAX, blank=True)
    resolved_by = models.UUIDField(null=True)
    resolved_at = models.DateTimeField("resolved", null=True)

    class Meta:
        db_table = "reconciliation_line"
        verbose_name = "reconciliation line"
        ordering: ClassVar = ["-id"]
        default_permissions: ClassVar = ["view"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="reconciliation_line_state_known",
                condition=models.Q(state__in=constants.RECONCILIATION_STATES),
            ),
            models.CheckConstraint(
                name="reconciliation_line_sides",
                condition=models.Q(state=constants.UNEXPECTED, transaction_id=None)
                | (
                    ~models.Q(state=constants.UNEXPECTED)
                    & models.Q(transaction_id__isnull=False, account_seq__isnull=False)
                ),
            ),
            models.CheckConstraint(
                name="reconciliation_line_resolved_with_reason",
                condition=models.Q(resolved_at=None, resolved_by=None, reason="")
                | (
                    models.Q(resolved_at__isnull=False, resolved_by__isnull=False)
                    & ~models.Q(reason="")
                    & ~models.Q(state=constants.MATCHED)
                ),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["reconciliation", "id"], name="reconciliation_line_order"),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.day}: {self.amount}"
