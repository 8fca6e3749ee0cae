"""Deliveries of webhooks as rows, for tests that send nothing."""

from __future__ import annotations

import uuid
from typing import Any

from core import clock, ids
from core.models import WebhookDelivery, WebhookEndpoint


def make_endpoint(user_id: uuid.UUID) -> WebhookEndpoint:
    """Return an endpoint of this person that hears of everything of theirs."""
    return WebhookEndpoint.objects.create(
        user_id=user_id, url="https://x.example/", topics=["*"], secret_sealed=b""
    )


def make_delivery(endpoint: WebhookEndpoint, **facts: Any) -> WebhookDelivery:
    """Return a delivery to this endpoint that is due, unless ``facts`` say otherwise."""
    return WebhookDelivery.objects.create(
        user_id=endpoint.user_id,
        endpoint_id=endpoint.pk,
        event_id=ids.uuid7(),
        topic="thing.happened",
        next_attempt_at=clock.now(),
        **facts,
    )
