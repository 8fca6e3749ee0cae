"""Transactions that are to happen later."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from typing_extensions import override

from core import ids
from transactions import constants
from transactions.models.accounts import Ledger


class Schedule(models.Model):
    """A draft and when to post it, in the name and within the reach of who scheduled it.

    ``draft`` holds the postings and what goes with them; ``transaction_id`` is what it became,
    ``failure_code`` and ``failure_detail`` say why it did not; ``attempts`` counts how often
    something broke that is no refusal.
    """

    never_deleted: ClassVar = True

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    user_id = models.UUIDField("scheduled by")
    ledger = models.ForeignKey(
        Ledger, on_delete=models.PROTECT, db_constraint=False, db_index=False
    )
    draft = models.JSONField()
    run_at = models.DateTimeField("due")
    status = models.CharField(
        max_length=16, choices=[(name, name) for name in constants.SCHEDULE_STATUSES]
    )
    may_take_from_any = models.BooleanField("may take from any account")
    actor_kind = models.CharField(max_length=16)
    session_id = models.UUIDField(null=True)
    api_key_id = models.UUIDField("scheduled with key", null=True)
    request_id = models.CharField(max_length=64)
    transaction_id = models.UUIDField("became", null=True)
    failure_code = models.CharField("failed with", max_length=64, blank=True, default="")
    failure_detail = models.CharField(
        "because",
        max_length=constants.REASON_LENGTH_MAX,
        blank=True,
        default="",
        db_default="",
    )
    attempts = models.PositiveSmallIntegerField("broken attempts", default=0, db_default=0)
    created_at = models.DateTimeField("made")
    closed_at = models.DateTimeField("closed", null=True)

    class Meta:
        db_table = "schedule"
        verbose_name = "scheduled transaction"
        ordering: ClassVar = ["-id"]
        default_permissions: ClassVar = ["view"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="schedule_status_known",
                condition=models.Q(status__in=constants.SCHEDULE_STATUSES),
            ),
            models.CheckConstraint(
                name="schedule_closed_with_status",
                condition=models.Q(status=constants.SCHEDULED, closed_at=None)
                | (~models.Q(status=constants.SCHEDULED) & models.Q(closed_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="schedule_posted_with_transaction",
                condition=models.Q(status=constants.SCHEDULE_POSTED, transaction_id__isnull=False)
                | (~models.Q(status=constants.SCHEDULE_POSTED) & models.Q(transaction_id=None)),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["user_id", "-id"], name="schedule_owner"),
            models.Index(
                fields=["run_at"],
                name="schedule_due",
                condition=models.Q(status=constants.SCHEDULED),
            ),
        ]

    @override
    def __str__(self) -> str:
        return str(self.pk)
