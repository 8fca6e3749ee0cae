"""Reading sessions."""

from __future__ import annotations

import datetime as dt
from typing import Any

from accounts.models import User
from core import clock
from core.pagination import Page, PageRequest
from core.principals import Principal
from sessions_app.models import Session
from sessions_app.tokens import TokenKey


def live_sessions(*, actor: Principal, asked: PageRequest) -> Page[Session]:
    """Return a page of the caller's own live sessions, newest first."""
    rows = Session.objects.of_user(actor.user_id).live(clock.now())
    if asked.position is not None:
        (last_id,) = asked.position
        rows = rows.filter(id__gt=last_id) if asked.backwards else rows.filter(id__lt=last_id)
    ordered = rows.order_by("id" if asked.backwards else "-id")
    return Page(list(ordered[: asked.limit + 1]), asked, key=lambda row: [str(row.pk)])


def stored_session(key: TokenKey, *, at: dt.datetime) -> Session | None:
    """Return the session of this token if it is valid ``at``, with its person joined.

    Valid: not revoked, within both time limits, of the person's current epoch, and the person
    active.
    """
    session = (
        Session.objects.select_related("user")
        .filter(token_sha256=key.sha256, user_id=key.user_id)
        .live(at)
        .first()
    )
    if session is None or session.user is None:
        return None
    idle_since = at - session.last_seen_at
    if idle_since > dt.timedelta(seconds=session.idle_timeout_s):
        return None
    if not session.user.is_active or session.epoch != session.user.session_epoch:
        return None
    return session


def facts_of(session: Session, user: User) -> dict[str, Any]:
    """Return what a request needs to know of a valid session, as JSON; staff with permissions."""
    permissions = sorted(user.get_all_permissions()) if user.is_staff else []
    return {
        "session_id": str(session.pk),
        "user_id": str(user.pk),
        "kind": "staff" if user.is_staff else "user",
        "permissions": permissions,
        "assurance_level": session.assurance_level,
        "authenticated_at": session.authenticated_at.timestamp(),
        "valid_until": min(
            session.expires_at,
            session.last_seen_at + dt.timedelta(seconds=session.idle_timeout_s),
        ).timestamp(),
    }
