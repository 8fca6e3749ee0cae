"""Announce a fact to the outside world, in the same transaction as the change itself."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import transaction

from core import commit_order, ids, metrics, tracing
from core.commit_order import Position
from core.models import OutboxEvent


def announce(
    *, topic: str, user_id: uuid.UUID, object_id: uuid.UUID, payload: dict[str, Any] | None = None
) -> None:
    """Add an event; joins the caller's transaction, so a rollback announces nothing."""
    made(topic=topic, user_id=user_id, object_id=object_id, payload=payload).save(force_insert=True)


def made(
    *, topic: str, user_id: uuid.UUID, object_id: uuid.UUID, payload: dict[str, Any] | None = None
) -> OutboxEvent:
    """Return an event that is not written yet, for who announces many at once.

    It is counted, too.
    """
    count(topic)
    return OutboxEvent(
        id=ids.uuid7(),
        topic=topic,
        user_id=user_id,
        object_id=object_id,
        payload=payload,
        traceparent=tracing.traceparent(),
    )


def count(topic: str, times: int = 1) -> None:
    """Count what happens in this transaction, once it commits.

    Topics are words of ours, never of a caller, so that series stay few. What PostgreSQL's own
    functions announce is counted by who calls them.
    """
    transaction.on_commit(lambda: metrics.EVENTS.labels(topic=topic).inc(times))


def final_events(
    *, after: Position = commit_order.START, limit: int
) -> list[tuple[Position, OutboxEvent]]:
    """Return up to ``limit`` events after a position; see :mod:`core.commit_order`."""
    positions = commit_order.final_after("outbox_event", after, limit=limit)
    events = OutboxEvent.objects.in_bulk([position.id for position in positions])
    return [(position, events[position.id]) for position in positions]
