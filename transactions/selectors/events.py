"""Reading what happened."""

from __future__ import annotations

from core import errors, outbox
from core.commit_order import Position
from core.models import OutboxEvent
from core.principals import Principal


def events(*, actor: Principal, after: Position, limit: int) -> list[tuple[Position, OutboxEvent]]:
    """Return up to ``limit`` final events after a position; see :mod:`core.commit_order`.

    Raises:
        PermissionRefused: the feed tells of everybody.
    """
    if not actor.may("core.view_outboxevent"):
        raise errors.PermissionRefused("The feed tells of everybody; it takes a permission.")
    return outbox.final_events(after=after, limit=limit)
