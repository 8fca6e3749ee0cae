"""Reading sessions."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from accounts.selectors import facts_of_api_key, valid_api_key
from accounts.services import must_have_factor
from core import clock
from core.pagination import Page, PageRequest, page_by_id
from core.principals import Debt, Principal
from sessions_app import constants
from sessions_app.errors import SessionNotFound
from sessions_app.models import RefreshFamily, Session, SigningKey
from sessions_app.querysets import SessionQuerySet
from sessions_app.tokens import TokenKey, key_of


def live_sessions(*, user_id: uuid.UUID, actor: Principal, asked: PageRequest) -> Page[Session]:
    """Return a page of one person's live sessions, newest first, as far as ``actor`` may see."""
    rows = Session.objects.readable_by(actor).of_user(user_id).live(clock.now())
    return page_by_id(rows.defer("token_sha256"), asked)


def session_of_token(key: TokenKey, *, at: dt.datetime) -> Session | None:
    """Return the session of this bearer token if it is valid ``at``, with its person joined.

    The admin's sessions are not for the API: their data says who is logged in there.
    """
    return _valid(Session.objects.of_token(key).exclude(kind=constants.KIND_STAFF), at)


def staff_session_of_token(key: TokenKey, *, at: dt.datetime) -> Session | None:
    """Return the admin's session of this token if it is valid ``at``, with its person joined."""
    return _valid(Session.objects.of_token(key).filter(kind=constants.KIND_STAFF), at)


def is_of_ended_session(token: str) -> bool:
    """Return whether ``token`` was once that of a session outside the admin, which has ended."""
    key = key_of(token)
    rows = Session.objects.exclude(kind=constants.KIND_STAFF)
    return (
        key is not None
        and rows.of_token(key).exists()
        and not session_of_token(key, at=clock.now())
    )


def session_by_id(session_id: uuid.UUID, user_id: uuid.UUID, *, at: dt.datetime) -> Session | None:
    """Return this session if it is valid ``at``, with its person joined."""
    return _valid(Session.objects.filter(pk=session_id, user_id=user_id), at)


def refresh_family(family_id: uuid.UUID, user_id: uuid.UUID) -> RefreshFamily | None:
    """Return this family, ended or not."""
    return RefreshFamily.objects.filter(pk=family_id, user_id=user_id).first()


def current_session(*, actor: Principal) -> Session:
    """Return the session that asks.

    Raises:
        SessionNotFound: the caller came without one, or it has ended.
    """
    session = actor.session_id and session_by_id(actor.session_id, actor.user_id, at=clock.now())
    if not session:
        raise SessionNotFound("There is no session to speak of.")
    return session


def admin_session(session_key: str | None) -> Session | None:
    """Return the row of a session of the admin, by what its cookie holds."""
    key = key_of(session_key or "")
    rows = Session.objects.filter(kind=constants.KIND_STAFF, revoked_at=None)
    return rows.filter(token_sha256=key.sha256).first() if key else None


def _valid(rows: SessionQuerySet, at: dt.datetime) -> Session | None:
    """Return the session if it is not revoked, within both time limits, of the person's current
    epoch, and the person is active. A guest is nobody yet, and has no epoch.
    """
    # A filter by user_id makes Django join inwards, and a guest has no account to join.
    found = rows.with_factor().live(at).not_idle(at)
    guests = found.filter(kind=constants.KIND_GUEST)
    session = found.select_related("user").first() or guests.first()
    if session is None:
        return None
    if session.kind == constants.KIND_GUEST:
        return session
    if session.api_key_id is not None:
        return _with_its_key(session, at)
    user = session.user
    if user is None or not user.is_active or session.epoch != user.session_epoch:
        return None
    return session


def _with_its_key(session: Session, at: dt.datetime) -> Session | None:
    """Return a service's session with its key if that is valid: it says who is allowed what."""
    assert session.api_key_id is not None
    assert session.user_id is not None
    key = valid_api_key(session.api_key_id, session.user_id, at=at)
    if key is None:
        return None
    session.api_key = key
    return session


def facts_of(session: Session) -> dict[str, Any]:
    """Return what a request needs to know of a valid session, as JSON; staff with permissions.

    Staff who must prove two things and have proved one have none of the powers of staff. Whoever
    acts as somebody else has not proved to be them: no such session is a fresh login. A service's
    session is its key by another name, until the first of both ends.
    """
    if session.kind == constants.KIND_SERVICE:
        return _facts_of_service(session)
    user = None if session.kind == constants.KIND_GUEST else session.user
    is_staff = user is not None and user.is_staff
    needs_factor = session.has_factor or (user is not None and must_have_factor(user))
    level_required = 2 if needs_factor else 1
    has_powers = is_staff and session.assurance_level >= level_required
    # Neither who acts as somebody else nor a device that remembers has proved anything just now.
    has_proved = session.kind != constants.KIND_IMPERSONATION and session.cookie_id is None
    kind = "staff" if is_staff else "user"
    return {
        "session_id": str(session.pk),
        "user_id": str(session.user_id),
        "kind": constants.KIND_GUEST if user is None else kind,
        "permissions": sorted(user.get_all_permissions()) if user and has_powers else [],
        "assurance_level": session.assurance_level,
        "assurance_level_required": level_required,
        "epoch": session.epoch,
        "owes": _owed_in(session),
        "authenticated_at": session.authenticated_at.timestamp() if has_proved else None,
        "impersonator_id": session.impersonator_id and str(session.impersonator_id),
        "token_valid_until": session.token_expires_at and session.token_expires_at.timestamp(),
        "valid_until": _end_of(session).timestamp(),
    }


def _facts_of_service(session: Session) -> dict[str, Any]:
    facts = facts_of_api_key(session.api_key)
    return {
        **facts,
        "session_id": str(session.pk),
        "kind": "key",
        "assurance_level": session.assurance_level,
        "assurance_level_required": 1,
        "epoch": session.epoch,
        "owes": "",
        "authenticated_at": None,
        "impersonator_id": None,
        "token_valid_until": None,
        "valid_until": min(_end_of(session).timestamp(), facts["valid_until"]),
    }


def _end_of(session: Session) -> dt.datetime:
    idle_end = session.last_seen_at + dt.timedelta(seconds=session.idle_timeout_s)
    return min(session.expires_at, idle_end)


def _owed_in(session: Session) -> Debt:
    """Return what its person must do first. The factor comes before the password, which takes it.

    A guest owes nothing, nor does whoever acts as somebody, in their name.
    """
    if session.kind in (constants.KIND_GUEST, constants.KIND_IMPERSONATION):
        return ""
    user = session.user
    assert user is not None, "only a guest's session is nobody's"
    if must_have_factor(user) and not session.has_factor:
        return "factor"
    return "password" if user.has_one_time_password else ""


def usable_signing_key(key_id: uuid.UUID) -> SigningKey | None:
    """Return the key if signatures made with it count."""
    return SigningKey.objects.filter(pk=key_id, state__in=constants.SIGNING_STATES_TRUSTED).first()


def published_signing_keys() -> list[SigningKey]:
    """Return the keys that others should know: the coming one, the current one, the last ones."""
    return list(SigningKey.objects.exclude(state=constants.SIGNING_RETIRED).order_by("id"))
