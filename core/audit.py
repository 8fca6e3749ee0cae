"""Write down who did what, in the same transaction as the deed."""

from __future__ import annotations

import uuid
from typing import Any

from core import context, ids
from core.models import AuditEvent
from core.principals import Principal


def record(
    *,
    action: str,
    actor: Principal,
    user_id: uuid.UUID,
    target_type: str,
    target_id: object,
    outcome: str = "done",
    **data: Any,
) -> None:
    """Add an audit event about ``user_id``; joins the caller's transaction."""
    event = made(
        action=action,
        actor=actor,
        user_id=user_id,
        target_type=target_type,
        target_id=target_id,
        outcome=outcome,
        **data,
    )
    event.save(force_insert=True)


def made(
    *,
    action: str,
    actor: Principal,
    user_id: uuid.UUID,
    target_type: str,
    target_id: object,
    outcome: str = "done",
    **data: Any,
) -> AuditEvent:
    """Return an audit event about ``user_id`` that is not written yet, for who writes many at once.

    ``data`` must be JSON and free of secrets: names and ids, never tokens or passwords. What a
    key did names the key, and what was done for a member of staff who acts as somebody names them.
    The session is the request's where the caller's name came without one, as in the admin.
    """
    running = context.current()
    if actor.key_id is not None:
        data["key_id"] = str(actor.key_id)
    asking = running.principal
    impersonator_id = actor.impersonator_id or (asking.impersonator_id if asking else None)
    session_id = actor.session_id
    if session_id is None and asking is not None and asking.user_id == actor.user_id:
        session_id = asking.session_id
    return AuditEvent(
        id=ids.uuid7(),
        user_id=user_id,
        actor_id=actor.user_id,
        actor_kind=actor.kind,
        impersonator_id=impersonator_id,
        session_id=session_id,
        action=action,
        target_type=target_type,
        target_id=str(target_id),
        outcome=outcome,
        request_id=running.request_id,
        client_address=running.client_address or None,
        data=data,
    )
