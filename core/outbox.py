"""Announce a fact to the outside world, in the same transaction as the change itself.

Events are read in the order of their commits, and only once every transaction that could still
add an earlier one has ended: a reader who remembers a position never skips and never doubles.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from typing import Any, Final

import orjson
from django.db import connection

from core import ids
from core.models import Epoch, OutboxEvent

# Below xmin every transaction has ended; the ids of earlier epochs say nothing about running ones.
# One epoch at a time: PostgreSQL would estimate a comparison of all three columns by the first
# alone, expect nothing and sort everything.
_FINAL_AFTER: Final = """
    SELECT o.epoch, o.xid::text::bigint, o.id, o.topic, o.user_id, o.object_id, o.payload::text,
           o.recorded_at
    FROM outbox_event o
    WHERE o.epoch = %(epoch)s
      AND (o.xid, o.id) > (%(xid)s::text::xid8, %(id)s::uuid)
      AND o.xid < (
          SELECT CASE WHEN max(number) = %(epoch)s THEN pg_snapshot_xmin(pg_current_snapshot())
              ELSE '18446744073709551615'::xid8 END
          FROM epoch
      )
    ORDER BY o.epoch, o.xid, o.id LIMIT %(limit)s
"""


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in the order of commits."""

    epoch: int
    xid: int
    id: uuid.UUID


START: Final = Position(0, 0, uuid.UUID(int=0))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """An event that is final, and where it stands."""

    position: Position
    id: uuid.UUID
    topic: str
    user_id: uuid.UUID
    object_id: uuid.UUID
    payload: dict[str, Any] | None
    recorded_at: dt.datetime


def announce(
    *, topic: str, user_id: uuid.UUID, object_id: uuid.UUID, payload: dict[str, Any] | None = None
) -> None:
    """Add an event; joins the caller's transaction, so a rollback announces nothing."""
    OutboxEvent.objects.create(
        id=ids.uuid7(), topic=topic, user_id=user_id, object_id=object_id, payload=payload
    )


def final_events(*, after: Position = START, limit: int) -> list[Announced]:
    """Return up to ``limit`` events after a position, in the order of their commits.

    A transaction that stays open holds back what committed after it began.
    """
    epochs = Epoch.objects.filter(number__gte=after.epoch).order_by("number")
    found: list[Announced] = []
    for number in epochs.values_list("number", flat=True):
        first = after if number == after.epoch else dataclasses.replace(START, epoch=number)
        found += _of_epoch(first, limit - len(found))
        if len(found) == limit:
            break
    return found


def _of_epoch(after: Position, limit: int) -> list[Announced]:
    with connection.cursor() as cursor:
        cursor.execute(
            _FINAL_AFTER,
            {"epoch": after.epoch, "xid": after.xid, "id": after.id, "limit": limit},
        )
        return [
            Announced(
                position=Position(epoch, xid, identifier),
                id=identifier,
                topic=topic,
                user_id=user_id,
                object_id=object_id,
                payload=orjson.loads(payload) if payload is not None else None,
                recorded_at=recorded_at,
            )
            for epoch, xid, identifier, topic, user_id, object_id, payload, recorded_at in cursor
        ]
