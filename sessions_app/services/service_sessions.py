"""Sessions of services: what a key can do, for an hour, without the key."""

from __future__ import annotations

import uuid

from accounts.selectors import valid_api_key
from core import clock, db, errors
from core.principals import Principal
from sessions_app import constants, tokens
from sessions_app.models import Session
from sessions_app.services.endings import end_these
from sessions_app.services.sessions import begin_session, key_of


def start_service_session(*, actor: Principal) -> tuple[Session, str]:
    """Begin a session for the service that asks with its key; return it and its token.

    It can do what the key can at each moment, from where the key can, and ends after
    ``SERVICE_SESSION_TIMEOUT_S``, with the key, or when it is ended. No other session can be begun
    with it. Commits its own transaction or joins the caller's.

    Raises:
        PermissionRefused: the caller is no key, or has ended meanwhile.
    """

    def start() -> tuple[Session, str]:
        key = None
        if actor.key_id is not None and actor.session_id is None:
            key = valid_api_key(actor.key_id, actor.user_id, at=clock.now())
        if key is None:
            raise errors.PermissionRefused("Only a key begins sessions for its service.")
        token = tokens.make_token(actor.user_id)
        session = begin_session(
            user=key.user,
            key=key_of(token),
            kind=constants.KIND_SERVICE,
            actor=actor,
            api_key_id=key.pk,
        )
        return session, token

    return db.run_in_transaction(start)


def end_sessions_of_key(*, key_id: uuid.UUID, user_id: uuid.UUID, actor: Principal) -> None:
    """End what a service began with a key that was revoked; joins the caller's transaction."""
    begun = Session.objects.of_user(user_id).filter(api_key_id=key_id, revoked_at=None)
    end_these(list(begun), actor=actor, reason="key_revoked")
