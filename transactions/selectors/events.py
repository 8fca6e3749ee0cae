"""Reading what happened."""

from __future__ import annotations

from core import errors, outbox
from core.principals import Principal


def events(*, actor: Principal, after: outbox.Position, limit: int) -> list[outbox.Announced]:
    """Return up to ``limit`` final events after a position; see :mod:`core.outbox`.

    Raises:
        PermissionRefused: the feed tells of everybody.
    """
    if not actor.may("core.view_outboxevent"):
        raise errors.PermissionRefused("The feed tells of everybody; it takes a permission.")
    return outbox.final_events(after=after, limit=limit)
