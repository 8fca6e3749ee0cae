"""The audit trail of rows, and the seals on both audit trails."""

from __future__ import annotations

from typing import ClassVar, Final

from django.db import models
from django.db.models.functions import Now
from typing_extensions import override

from core import ids

OPERATIONS: Final = ("insert", "update", "delete")


class AuditChange(models.Model):
    """One row that changed, written by a trigger whoever changed it and however.

    ``user_id`` is whose row it was, the house's where it is nobody's. What is personal or secret
    shows only that it was there. ``database_role`` is who was logged in to PostgreSQL.
    """

    append_only: ClassVar = True
    partitioned_by: ClassVar = "id"

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    user_id = models.UUIDField("person")
    actor_id = models.UUIDField("done by")
    actor_kind = models.CharField(max_length=16)
    impersonator_id = models.UUIDField("acting as them", null=True)
    session_id = models.UUIDField(null=True)
    request_id = models.CharField(max_length=64)
    client_address = models.GenericIPAddressField("address", null=True)
    reason = models.TextField(blank=True)
    table_name = models.CharField("table", max_length=63)
    row_id = models.CharField("row", max_length=100)
    operation = models.CharField(max_length=8, choices=[(name, name) for name in OPERATIONS])
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    database_role = models.CharField(max_length=63)
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "audit_change"
        verbose_name = "changed row"
        ordering: ClassVar = ["-id"]
        default_permissions: ClassVar = ["view"]
        indexes: ClassVar = [
            models.Index(fields=["user_id", "-id"], name="audit_change_user"),
            models.Index(fields=["actor_id", "-id"], name="audit_change_actor"),
            models.Index(fields=["row_id", "-id"], name="audit_change_row"),
            models.Index(fields=["request_id"], name="audit_change_request"),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.operation} {self.table_name} {self.row_id}"


class AuditSeal(models.Model):
    """A seal on the next rows of one trail: their digests under a MAC that chains to the last.

    ``members`` are 16 bytes of id and 32 of digest for each row.
    """

    append_only: ClassVar = True

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    trail = models.CharField(max_length=63)
    number = models.PositiveIntegerField()
    rows = models.PositiveIntegerField()
    last_id = models.UUIDField()
    members = models.BinaryField()
    key_id = models.CharField("key", max_length=16)
    mac = models.BinaryField(max_length=32)
    sealed_at = models.DateTimeField("sealed", db_default=Now())

    class Meta:
        db_table = "audit_seal"
        verbose_name = "seal on the audit trail"
        verbose_name_plural = "seals on the audit trail"
        ordering: ClassVar = ["-id"]
        default_permissions: ClassVar = ["view"]
        constraints: ClassVar = [
            models.UniqueConstraint(name="audit_seal_number_once", fields=["trail", "number"]),
            models.CheckConstraint(name="audit_seal_not_empty", condition=models.Q(rows__gt=0)),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.trail} {self.number}"
