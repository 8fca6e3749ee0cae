"""Money set aside until it is captured, released or expired."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from typing_extensions import override

from core import ids
from transactions import constants
from transactions.models.accounts import Ledger, LedgerAccount
from transactions.querysets import HoldQuerySet


class Hold(models.Model):
    """An amount of ``source`` that only ``destination`` can get, until ``expires_at``.

    Its terms never change. ``captured`` counts up to ``amount``; what is left of a pending hold
    is part of ``held_out`` and ``held_in`` of the two balances.
    """

    never_deleted: ClassVar = True

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    user_id = models.UUIDField("owner of the source")
    ledger = models.ForeignKey(
        Ledger, on_delete=models.PROTECT, db_constraint=False, db_index=False
    )
    source = models.ForeignKey(
        LedgerAccount,
        on_delete=models.PROTECT,
        db_constraint=False,
        db_index=False,
        related_name="holds",
    )
    destination = models.ForeignKey(
        LedgerAccount,
        on_delete=models.PROTECT,
        db_constraint=False,
        db_index=False,
        related_name="promised_holds",
    )
    destination_user_id = models.UUIDField("owner of the destination")
    asset_code = models.CharField("asset", max_length=16)
    amount = models.BigIntegerField()
    captured = models.BigIntegerField(default=0)
    status = models.CharField(
        max_length=16, choices=[(name, name) for name in constants.HOLD_STATUSES]
    )
    expires_at = models.DateTimeField("expires")
    description = models.CharField(max_length=constants.DESCRIPTION_LENGTH_MAX, null=True)  # noqa: DJ001 - absent is not empty
    metadata = models.JSONField(null=True)
    actor_id = models.UUIDField("placed by")
    actor_kind = models.CharField(max_length=16)
    session_id = models.UUIDField(null=True)
    request_id = models.CharField(max_length=64)
    created_at = models.DateTimeField("placed")
    closed_at = models.DateTimeField("closed", null=True)

    objects = HoldQuerySet.as_manager()

    class Meta:
        db_table = "hold"
        ordering: ClassVar = ["-id"]
        default_permissions: ClassVar = ["view"]
        constraints: ClassVar = [
            models.CheckConstraint(name="hold_amount_positive", condition=models.Q(amount__gt=0)),
            models.CheckConstraint(
                name="hold_captured_range",
                condition=models.Q(captured__gte=0, captured__lte=models.F("amount")),
            ),
            models.CheckConstraint(
                name="hold_status_known",
                condition=models.Q(status__in=constants.HOLD_STATUSES),
            ),
            models.CheckConstraint(
                name="hold_closed_with_status",
                condition=models.Q(status=constants.HOLD_PENDING, closed_at=None)
                | (~models.Q(status=constants.HOLD_PENDING) & models.Q(closed_at__isnull=False)),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["user_id", "-id"], name="hold_owner"),
            models.Index(fields=["destination_user_id", "-id"], name="hold_destination_owner"),
            models.Index(fields=["source", "-id"], name="hold_source"),
            models.Index(fields=["destination", "-id"], name="hold_destination"),
            models.Index(
                fields=["-id"],
                name="hold_pending",
                condition=models.Q(status=constants.HOLD_PENDING),
            ),
            models.Index(
                fields=["expires_at"],
                name="hold_expiring",
                condition=models.Q(status=constants.HOLD_PENDING),
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.amount} {self.asset_code}"

    @property
    def remaining(self) -> int:
        """What can still be captured, expiry aside."""
        return self.amount - self.captured if self.status == constants.HOLD_PENDING else 0
