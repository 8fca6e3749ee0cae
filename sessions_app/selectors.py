"""Reading sessions."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from accounts.models import User
from core import clock
from core.pagination import Page, PageRequest
from core.principals import Principal
from sessions_app import constants
from sessions_app.models import RefreshFamily, Session
from sessions_app.querysets import SessionQuerySet
from sessions_app.tokens import TokenKey


def live_sessions(*, user_id: uuid.UUID, actor: Principal, asked: PageRequest) -> Page[Session]:
    """Return a page of one person's live sessions, newest first, as far as ``actor`` may see."""
    rows = Session.objects.visible_to(actor).of_user(user_id).live(clock.now())
    if asked.position is not None:
        (last_id,) = asked.position
        rows = rows.filter(id__gt=last_id) if asked.backwards else rows.filter(id__lt=last_id)
    ordered = rows.order_by("id" if asked.backwards else "-id")
    return Page(list(ordered[: asked.limit + 1]), asked, key=lambda row: [str(row.pk)])


def session_of_token(key: TokenKey, *, at: dt.datetime) -> Session | None:
    """Return the session of this bearer token if it is valid ``at``, with its person joined.

    The admin's sessions are not for the API: their data says who is logged in there.
    """
    return _valid(Session.objects.of_token(key).exclude(kind=constants.KIND_STAFF), at)


def staff_session_of_token(key: TokenKey, *, at: dt.datetime) -> Session | None:
    """Return the admin's session of this token if it is valid ``at``, with its person joined."""
    return _valid(Session.objects.of_token(key).filter(kind=constants.KIND_STAFF), at)


def session_by_id(session_id: uuid.UUID, user_id: uuid.UUID, *, at: dt.datetime) -> Session | None:
    """Return this session if it is valid ``at``, with its person joined."""
    return _valid(Session.objects.filter(pk=session_id, user_id=user_id), at)


def refresh_family(family_id: uuid.UUID, user_id: uuid.UUID) -> RefreshFamily | None:
    """Return this family, ended or not."""
    return RefreshFamily.objects.filter(pk=family_id, user_id=user_id).first()


def _valid(rows: SessionQuerySet, at: dt.datetime) -> Session | None:
    """Return the session if it is not revoked, within both time limits, of the person's current
    epoch, and the person is active. A guest is nobody yet, and has no epoch.
    """
    session = rows.select_related("user").live(at).first()
    if session is None:
        return None
    if at - session.last_seen_at > dt.timedelta(seconds=session.idle_timeout_s):
        return None
    if session.kind == constants.KIND_GUEST:
        return session
    user = session.user
    if user is None or not user.is_active or session.epoch != user.session_epoch:
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
        "token_valid_until": session.token_expires_at and session.token_expires_at.timestamp(),
        "valid_until": min(
            session.expires_at,
            session.last_seen_at + dt.timedelta(seconds=session.idle_timeout_s),
        ).timestamp(),
    }
