"""Writing down and announcing what happens to a session."""

from __future__ import annotations

from typing import Any

from core import audit, outbox
from core.principals import Principal
from sessions_app.models import Session


def tell(
    session: Session, *, action: str, topic: str, actor: Principal, data: dict[str, Any] | None
) -> None:
    """Add an audit row and an event about ``session``; joins the caller's transaction."""
    assert session.user_id is not None
    audit.record(
        action=action,
        actor=actor,
        user_id=session.user_id,
        target_type="session",
        target_id=session.pk,
        **(data or {}),
    )
    outbox.announce(
        topic=topic, user_id=session.user_id, object_id=session.pk, payload=data or None
    )
