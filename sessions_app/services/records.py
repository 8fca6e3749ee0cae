"""Writing down and announcing what happens to a session."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core import audit, outbox
from core.models import AuditEvent, OutboxEvent
from core.principals import Principal
from sessions_app.models import Session


def tell(
    session: Session, *, action: str, topic: str, actor: Principal, data: dict[str, Any] | None
) -> None:
    """Add an audit row and an event about ``session``; joins the caller's transaction."""
    tell_each([session], action=action, topic=topic, actor=actor, data=data)


def tell_each(
    sessions: Sequence[Session],
    *,
    action: str,
    topic: str,
    actor: Principal,
    data: dict[str, Any] | None,
) -> None:
    """Do the same for many sessions, with one statement for all rows and one for all events."""
    owned = [(session.pk, session.user_id) for session in sessions if session.user_id is not None]
    assert len(owned) == len(sessions), "only in Django's eyes does a session have no owner"
    AuditEvent.objects.bulk_create(
        audit.made(
            action=action,
            actor=actor,
            user_id=user_id,
            target_type="session",
            target_id=session_id,
            **(data or {}),
        )
        for session_id, user_id in owned
    )
    OutboxEvent.objects.bulk_create(
        outbox.made(topic=topic, user_id=user_id, object_id=session_id, payload=data or None)
        for session_id, user_id in owned
    )
