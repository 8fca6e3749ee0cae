"""Tables every app writes to: who did what, what happened, and which requests were answered."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from typing_extensions import override

from core import ids


class AuditEvent(models.Model):
    """One thing somebody did. Append-only, partitioned by month of ``id``.

    ``user_id`` is the person it happened to (the shard key), ``actor_id`` the one who did it,
    ``impersonator_id`` the member of staff who acted in that one's name.
    """

    append_only: ClassVar = True
    partitioned_by: ClassVar = "id"

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    user_id = models.UUIDField("person")
    actor_id = models.UUIDField("done by")
    actor_kind = models.CharField(max_length=16)
    impersonator_id = models.UUIDField("by staff in their name", null=True)
    session_id = models.UUIDField(null=True)
    action = models.CharField(max_length=64)
    target_type = models.CharField(max_length=32)
    target_id = models.CharField(max_length=64)
    outcome = models.CharField(max_length=16, default="done")
    request_id = models.CharField(max_length=64)
    client_address = models.GenericIPAddressField("address", null=True)
    data = models.JSONField("details", default=dict)
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "audit_event"
        verbose_name = "audit event"
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["user_id", "-id"], name="audit_event_user"),
            models.Index(fields=["actor_id", "-id"], name="audit_event_actor"),
            models.Index(
                fields=["impersonator_id", "-id"],
                name="audit_event_impersonator",
                condition=models.Q(impersonator_id__isnull=False),
            ),
            models.Index(fields=["target_id", "-id"], name="audit_event_target"),
            models.Index(fields=["request_id"], name="audit_event_request"),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.action} {self.target_type} {self.target_id}"


class OutboxEvent(models.Model):
    """One fact for the outside world, committed with the change it tells of.

    ``object_id`` names what the event is about; immutable objects are read again at delivery, so
    ``payload`` only holds what would otherwise be lost. ``epoch`` and ``xid`` let a reader see no
    row before all earlier ones are final.
    """

    append_only: ClassVar = True
    partitioned_by: ClassVar = "id"
    ordered_by_commit: ClassVar = True

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    user_id = models.UUIDField()
    topic = models.CharField(max_length=64)
    object_id = models.UUIDField()
    payload = models.JSONField(null=True)
    # Of the request that made it, when it is traced; the ledger's functions leave it to the column.
    traceparent = models.CharField(max_length=55, blank=True, default="", editable=False)
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "outbox_event"
        verbose_name = "event"
        ordering: ClassVar = ["-id"]

    @override
    def __str__(self) -> str:
        return f"{self.topic} {self.object_id}"


class IdempotencyKey(models.Model):
    """The answer to one keyed request, written in the same commit as what it did.

    ``user_id`` is the caller; ``key_hash`` the first 128 bits of SHA-256 over scope and key. A
    posted transaction is immutable, so its answer is rendered again from ``object_id``; every
    other answer is kept in ``body``.
    """

    pk = models.CompositePrimaryKey("user_id", "key_hash")
    user_id = models.UUIDField()
    key_hash = models.UUIDField()
    fingerprint = models.BinaryField(max_length=32)
    status = models.SmallIntegerField()
    object_id = models.UUIDField(null=True)
    body = models.BinaryField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "idempotency_key"
        verbose_name = "answered request"
        indexes: ClassVar = [
            models.Index(fields=["created_at"], name="idempotency_key_created"),
        ]

    @override
    def __str__(self) -> str:
        return str(self.key_hash)
