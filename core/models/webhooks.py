"""Whom we tell of events, what became of each telling, and how far we have come."""

from __future__ import annotations

import uuid
from typing import ClassVar, Final

from django.db import models
from django.db.models.functions import Now
from typing_extensions import override

from core import ids

URL_LENGTH_MAX: Final = 500
DUE: Final = "due"
DELIVERED: Final = "delivered"
DEAD: Final = "dead"
DISCARDED: Final = "discarded"
STATES: Final = (DUE, DELIVERED, DEAD, DISCARDED)


class WebhookEndpoint(models.Model):
    """An address that hears of its owner's events, or with ``sees_all`` of everybody's.

    ``topics`` are names or prefixes such as ``transaction.*``. During a rotation the previous
    secret signs beside the current one until ``previous_until``.
    """

    sealed_places: ClassVar = dict.fromkeys(
        ("secret_sealed", "previous_secret_sealed"), "webhook_endpoint.secret"
    )
    sealed_personally: ClassVar = True

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    user_id = models.UUIDField("owner")
    url = models.CharField("address", max_length=URL_LENGTH_MAX)
    description = models.CharField(max_length=200, blank=True)
    topics = models.JSONField()
    sees_all = models.BooleanField("hears of everybody", default=False)
    batch_size = models.PositiveSmallIntegerField("events in one call", default=1)
    is_enabled = models.BooleanField("enabled", default=True)
    disabled_reason = models.CharField("why disabled", max_length=200, blank=True)
    secret_sealed = models.BinaryField(editable=False)
    previous_secret_sealed = models.BinaryField(null=True, editable=False)
    previous_until = models.DateTimeField("old secret signs until", null=True)
    # One sender at a time: its lease, which ends by itself should the sender die.
    busy_until = models.DateTimeField(null=True, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField("made", db_default=Now())

    class Meta:
        db_table = "webhook_endpoint"
        verbose_name = "webhook endpoint"
        ordering: ClassVar = ["-id"]
        default_permissions: ClassVar = ["view", "change"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="webhook_endpoint_batch_size",
                condition=models.Q(batch_size__gte=1, batch_size__lte=100),
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["user_id", "-id"], name="webhook_endpoint_owner")]

    @override
    def __str__(self) -> str:
        return self.url


class WebhookDelivery(models.Model):
    """One event on its way to one endpoint; the dead-letter list is those that are ``dead``.

    A claim sets ``next_attempt_at`` ahead before the call: should the worker die, the delivery
    is due again then, with the same event id. ``attempts_log`` is what people read.
    """

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    user_id = models.UUIDField("owner of the endpoint")
    endpoint_id = models.UUIDField("endpoint")
    event_id = models.UUIDField("event")
    topic = models.CharField(max_length=64)
    batch_id = models.UUIDField("sent in one call", null=True)
    state = models.CharField(max_length=16, default=DUE, choices=[(s, s) for s in STATES])
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField("next try")
    first_failed_at = models.DateTimeField("failed first", null=True)
    last_failed_at = models.DateTimeField("failed last", null=True)
    last_fault = models.CharField("last fault", max_length=200, blank=True)
    delivered_at = models.DateTimeField("delivered", null=True)
    attempts_log = models.JSONField("tries", default=list)
    payload_redacted = models.JSONField("what was sent", null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "webhook_delivery"
        verbose_name = "webhook delivery"
        verbose_name_plural = "webhook deliveries"
        ordering: ClassVar = ["-id"]
        default_permissions: ClassVar = ["view", "change"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="webhook_delivery_once", fields=["endpoint_id", "event_id", "user_id"]
            ),
            models.CheckConstraint(
                name="webhook_delivery_state_known", condition=models.Q(state__in=STATES)
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["endpoint_id", "-id"], name="webhook_delivery_log"),
            models.Index(
                fields=["endpoint_id", "next_attempt_at"],
                name="webhook_delivery_due",
                condition=models.Q(state=DUE),
            ),
            models.Index(
                fields=["-id"],
                name="webhook_delivery_dead",
                condition=models.Q(state=DEAD),
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.topic} {self.event_id}"


class WebhookRelay(models.Model):
    """How far the events have been handed out: the position of the last one, one row."""

    name = models.CharField(primary_key=True, max_length=16)
    epoch = models.SmallIntegerField(default=0)
    xid = models.BigIntegerField(default=0)
    event_id = models.UUIDField(default=uuid.UUID(int=0))

    class Meta:
        db_table = "webhook_relay"
        default_permissions: ClassVar = []

    @override
    def __str__(self) -> str:
        return self.name
