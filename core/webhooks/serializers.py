"""Shapes of the webhook endpoints."""

from __future__ import annotations

from typing import Any, Final

from rest_framework import serializers

from core import fields
from core.models import WebhookDelivery, WebhookEndpoint
from core.models.webhooks import URL_LENGTH_MAX
from core.webhooks.endpoints import OVERLAP_S_DEFAULT, OVERLAP_S_MAX

TOPIC_PATTERN: Final = r"\*|[a-z_]+(\.[a-z_]+)*(\.\*)?"
ENDPOINT_EXAMPLE: Final = {
    "id": "01a1fc81-77d0-7aa2-b0b5-6d2f8e9c3b32",
    "url": "https://shop.example/hooks/strongroom",
    "description": "Orders",
    "topics": ["transaction.*"],
    "sees_all": False,
    "batch_size": 1,
    "is_enabled": True,
    "disabled_reason": "",
    "created_at": "2026-11-20T10:00:00.000000Z",
}
NEW_ENDPOINT_EXAMPLE: Final = {
    **ENDPOINT_EXAMPLE,
    "secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
}
DELIVERY_EXAMPLE: Final = {
    "id": "01a1fc81-77d0-7aa2-b0b5-6d2f8e9c3b40",
    "endpoint": "01a1fc81-77d0-7aa2-b0b5-6d2f8e9c3b32",
    "event": "01a1fc81-0102-7aa2-b0b5-6d2f8e9c3b11",
    "topic": "transaction.posted",
    "state": "dead",
    "attempts": 5,
    "tries": [{"at": "2026-11-20T10:00:05.000000Z", "status": 400, "fault": "It answered 400."}],
    "last_fault": "It answered 400.",
    "first_failed_at": "2026-11-20T10:00:05.000000Z",
    "last_failed_at": "2026-11-20T10:12:40.000000Z",
    "delivered_at": None,
    "payload": {
        "type": "transaction.posted",
        "data": {"object_id": "01a1fc81-0102-7aa2-b0b5-6d2f8e9c3b11"},
    },
}


def _topics(**given: Any) -> fields.StrictListField:
    return fields.StrictListField(
        child=fields.StrictTextField(max_length=64, pattern=TOPIC_PATTERN),
        min_length=1,
        max_length=50,
        help_text="Names or prefixes: `transaction.posted`, `session.*`, `*`.",
        **given,
    )


class EndpointInput(fields.StrictSerializer):
    url = fields.StrictTextField(max_length=URL_LENGTH_MAX)
    topics = _topics()
    description = fields.StrictTextField(max_length=200, min_length=0, required=False, default="")
    batch_size = fields.StrictIntegerField(minimum=1, maximum=100, required=False, default=1)
    sees_all = fields.StrictBooleanField(
        required=False, default=False, help_text="Hear of everybody; takes a permission."
    )


class EndpointChange(fields.StrictSerializer):
    url = fields.StrictTextField(max_length=URL_LENGTH_MAX, required=False)
    topics = _topics(required=False)
    description = fields.StrictTextField(max_length=200, min_length=0, required=False)
    batch_size = fields.StrictIntegerField(minimum=1, maximum=100, required=False)
    is_enabled = fields.StrictBooleanField(required=False)


class RotateSecretInput(fields.StrictSerializer):
    overlap_s = fields.StrictIntegerField(
        minimum=0,
        maximum=OVERLAP_S_MAX,
        required=False,
        default=OVERLAP_S_DEFAULT,
        help_text="How long the old secret signs beside the new one.",
    )


class EndpointOutput(serializers.Serializer[WebhookEndpoint]):
    id = fields.StrictUUIDField()
    url = serializers.CharField()
    description = serializers.CharField()
    topics = serializers.ListField(child=serializers.CharField())
    sees_all = serializers.BooleanField()
    batch_size = serializers.IntegerField()
    is_enabled = serializers.BooleanField()
    disabled_reason = serializers.CharField()
    created_at = fields.InstantField()


class NewEndpointOutput(EndpointOutput):
    secret = serializers.CharField(help_text="Shown only now: it checks our signatures.")


class EndpointPage(serializers.Serializer[Any]):
    items = EndpointOutput(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class DeliveryOutput(serializers.Serializer[WebhookDelivery]):
    id = fields.StrictUUIDField()
    endpoint = fields.StrictUUIDField(source="endpoint_id")
    event = fields.StrictUUIDField(source="event_id")
    topic = serializers.CharField()
    state = serializers.CharField()
    attempts = serializers.IntegerField()
    tries = serializers.JSONField(source="attempts_log")
    last_fault = serializers.CharField()
    first_failed_at = fields.InstantField(allow_null=True)
    last_failed_at = fields.InstantField(allow_null=True)
    delivered_at = fields.InstantField(allow_null=True)
    payload = fields.ForeignObjectField(source="payload_redacted", allow_null=True)


class DeliveryPage(serializers.Serializer[Any]):
    items = DeliveryOutput(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
