"""Signatures of Standard Webhooks 1.0: ``v1``, HMAC-SHA256 over id, time and body."""

from __future__ import annotations

import base64
import datetime as dt
import secrets
import uuid
from typing import Final

from standardwebhooks.webhooks import Webhook

from core import clock, personal_keys
from core.models import WebhookEndpoint

SECRET_BYTES: Final = 32
SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - what secrets start with, not one of them


def make_secret() -> str:
    """Return a new secret in the form receivers' libraries take."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def sealed(secret: str, *, endpoint_id: uuid.UUID, user_id: uuid.UUID) -> bytes:
    """Encrypt ``secret`` for the row of its endpoint, with its owner's key."""
    place = f"webhook_endpoint.secret:{endpoint_id}"
    return personal_keys.Box(user_id).seal(secret.encode(), bound_to=place)


def headers_for(endpoint: WebhookEndpoint, *, message_id: str, body: bytes) -> dict[str, str]:
    """Return the headers that let the receiver check ``body``; two signatures in a rotation."""
    now = clock.now()
    signatures = [
        Webhook(_unsealed(box, endpoint)).sign(message_id, _as_library_expects(now), body.decode())
        for box in _boxes(endpoint, now)
    ]
    return {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def _boxes(endpoint: WebhookEndpoint, now: dt.datetime) -> list[bytes]:
    boxes = [endpoint.secret_sealed]
    if endpoint.previous_secret_sealed and (endpoint.previous_until or now) > now:
        boxes.append(endpoint.previous_secret_sealed)
    return [bytes(box) for box in boxes]


def _unsealed(box: bytes, endpoint: WebhookEndpoint) -> str:
    own = personal_keys.Box(endpoint.user_id)
    return own.unseal(box, bound_to=f"webhook_endpoint.secret:{endpoint.pk}").decode()


def _as_library_expects(moment: dt.datetime) -> dt.datetime:
    # It replaces the zone by UTC without converting.
    return moment.astimezone(dt.UTC)
