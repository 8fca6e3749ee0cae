"""Sessions of people who have not logged in yet, and what becomes of them when they do."""

from __future__ import annotations

import uuid

from core import audit, clock, db, errors, ids
from core.principals import Principal
from sessions_app import constants, selectors, tokens
from sessions_app.errors import SessionNotFound
from sessions_app.models import Session
from sessions_app.services.endings import end_these
from sessions_app.services.session_data import require_storable
from sessions_app.services.sessions import begin_session, key_of, replace_token


def start_guest_session(*, actor: Principal) -> tuple[Session, str]:
    """Begin a session for somebody nobody knows; return it and its token.

    The guest has an id of their own, which no account has. Commits its own transaction or joins
    the caller's.

    Raises:
        PermissionRefused: the caller is neither a key nor the system.
    """
    if actor.kind not in ("key", "system"):
        raise errors.PermissionRefused("Only a key begins sessions for guests.")
    token = tokens.make_token(ids.uuid7())
    session = begin_session(
        user=None, key=key_of(token), kind=constants.KIND_GUEST, actor=actor, assurance_level=0
    )
    return session, token


def attach_guest_session(
    *, session_id: uuid.UUID, guest_token: str, actor: Principal
) -> tuple[Session, str]:
    """Take over what a guest had put aside into the session that asks, which gets a new token.

    The guest's session ends. So whoever fixed a token before a login has nothing after it. What
    the person's session already has is kept; the guest's members are added to it. Commits its own
    transaction or joins the caller's.

    Raises:
        SessionNotFound: no such guest session, not this token's, or the caller has none.
        SessionDataTooLarge: both together are too large.
    """

    def attach() -> tuple[Session, str]:
        guest = _guest_session(session_id, guest_token)
        session, token = replace_token(actor=actor)
        session.data = {**guest.data, **session.data}
        session.data_version += 1
        require_storable(session.data)
        Session.objects.unless_ended(session).update(
            data=session.data, data_version=session.data_version
        )
        end_these([guest], actor=actor, reason="attached")
        audit.record(
            action="session.attach",
            actor=actor,
            user_id=actor.user_id,
            target_type="session",
            target_id=session.pk,
            guest_session_id=str(guest.pk),
        )
        return session, token

    return db.run_in_transaction(attach)


def _guest_session(session_id: uuid.UUID, guest_token: str) -> Session:
    key = tokens.key_of(guest_token)
    guest = key and selectors.session_of_token(key, at=clock.now())
    if not guest or guest.pk != session_id or guest.kind != constants.KIND_GUEST:
        raise SessionNotFound("There is no such guest session.")
    return guest
