"""Keeping a session up with refresh tokens (IETF BCP 240, section 4.14).

A token may be used once, yet parallel requests with it, and a request repeated because its answer
was lost, must not log anybody out. So rotation is one compare-and-set whose loser, for a short
grace, is given what the winner was given. A token that was replaced longer ago is in two hands:
its family and its session end.
"""

from __future__ import annotations

import dataclasses
import datetime as dt

from django.conf import settings
from django.db.models import F

from accounts.models import User
from accounts.services import notices
from core import audit, clock, crypto, db, ids, outbox
from core.principals import SYSTEM
from sessions_app import constants, refresh_tokens, selectors
from sessions_app.errors import RefreshRefused
from sessions_app.models import RefreshFamily, Session
from sessions_app.refresh_tokens import RefreshToken
from sessions_app.services.endings import forget_cached_sessions
from sessions_app.services.lifetimes import end_of_token, lifetime_of
from sessions_app.services.sessions import begin_session, key_of


@dataclasses.dataclass(frozen=True, slots=True)
class Grant:
    """What a client is given to go on with; tokens are shown once."""

    session: Session
    token: str
    refresh_token: str


def start_refreshed_session(*, user: User, assurance_level: int = 1) -> Grant:
    """Begin a long session whose bearer token is short-lived and renewed by a refresh token.

    Commits its own transaction or joins the caller's.
    """

    def start() -> Grant:
        family_id, key_id = ids.uuid7(), crypto.current_key_id()
        first = refresh_tokens.first_token(user.pk, family_id, key_id)
        access_token = first.access_token(key_id)
        session = begin_session(
            user=user,
            key=key_of(access_token),
            kind=constants.KIND_USER,
            assurance_level=assurance_level,
            lifetime=lifetime_of(constants.KIND_USER, is_refreshed=True),
        )
        RefreshFamily.objects.create(
            id=family_id,
            user_id=user.pk,
            session_id=session.pk,
            key_id=key_id,
            current_sha256=first.sha256,
            rotated_at=session.created_at,
            expires_at=session.expires_at,
            created_at=session.created_at,
        )
        return Grant(session, access_token, first.text)

    return db.run_in_transaction(start)


def refresh_session(*, token: str) -> Grant:
    """Exchange a refresh token for its successor and a new bearer token; the old one ends.

    The same answer is given again for ``REFRESH_GRACE_S``. A token replaced before that ends the
    family and the session, with one audit row, one event and one mail. Commits its own
    transaction.

    Raises:
        RefreshRefused: malformed, forged, expired, ended, or used before; never says which.
    """
    # Taken once, before anything is waited for: a busy server must not make an honest client late.
    asked_at = clock.now()
    presented = refresh_tokens.parse(token)
    granted = presented and db.run_in_transaction(lambda: _rotate_or_end(presented, asked_at))
    if not granted:
        raise RefreshRefused("Log in again.")
    return granted


def _rotate_or_end(presented: RefreshToken, now: dt.datetime) -> Grant | None:
    family = selectors.refresh_family(presented.family_id, presented.user_id)
    if family is None or not presented.is_authentic(family.key_id):
        return None
    session = selectors.session_by_id(family.session_id, family.user_id, at=now)
    if session is None or family.revoked_at is not None or family.expires_at <= now:
        return None
    successor = presented.successor(family.key_id)
    won = RefreshFamily.objects.filter(
        pk=family.pk,
        user_id=family.user_id,
        current_sha256=presented.sha256,
        revoked_at=None,
    ).update(
        previous_sha256=F("current_sha256"),
        current_sha256=successor.sha256,
        generation=F("generation") + 1,
        rotated_at=now,
    )
    if won:
        return _renewed(session, successor, family.key_id)
    return _given_again_or_ended(presented, successor, session, now)


def _renewed(session: Session, successor: RefreshToken, key_id: str) -> Grant:
    """Put the successor's bearer token in the place of the session's last one."""
    assert session.user_id is not None
    access_token = successor.access_token(key_id)
    session.token_sha256 = key_of(access_token).sha256
    session.token_expires_at = end_of_token(settings.ENV.access_token_ttl_s)
    session.last_seen_at = clock.now()
    alive = Session.objects.unless_ended(session).update(
        token_sha256=session.token_sha256,
        token_expires_at=session.token_expires_at,
        last_seen_at=session.last_seen_at,
    )
    if not alive:
        raise RefreshRefused("Log in again.")
    forget_cached_sessions(user_id=session.user_id)
    return Grant(session, access_token, successor.text)


def _given_again_or_ended(
    presented: RefreshToken, successor: RefreshToken, session: Session, now: dt.datetime
) -> Grant | None:
    """Answer somebody who came second: in time with the winner's answer, too late with the end."""
    family = selectors.refresh_family(presented.family_id, presented.user_id)
    if family is None or family.revoked_at is not None:
        return None
    grace = dt.timedelta(seconds=settings.ENV.refresh_grace_s)
    if grace and now - family.rotated_at <= grace:
        if bytes(family.previous_sha256 or b"") != presented.sha256:
            # Older still: on its way while others refreshed twice. Nobody waits for its answer.
            return None
        session.refresh_from_db(fields=["token_expires_at"])
        return Grant(session, successor.access_token(family.key_id), successor.text)
    _end_stolen(family, session)
    return None


def _end_stolen(family: RefreshFamily, session: Session) -> None:
    """End family and session, once however many come with used tokens."""
    now = clock.now()
    ended = RefreshFamily.objects.filter(
        pk=family.pk, user_id=family.user_id, revoked_at=None
    ).update(revoked_at=now, reuse_detected_at=now)
    if not ended:
        return
    Session.objects.unless_ended(session).update(revoked_at=now, revoke_reason="refresh_reuse")
    audit.record(
        action="session.reuse_detected",
        actor=SYSTEM,
        user_id=family.user_id,
        target_type="session",
        target_id=session.pk,
        outcome="ended",
    )
    outbox.announce(topic="session.reuse_detected", user_id=family.user_id, object_id=session.pk)
    assert session.user is not None, "a guest has no refresh token"
    began = session.created_at.strftime("%d %B %Y at %H:%M UTC")
    notices.tell(session.user, "refresh_reuse", began=began)
    forget_cached_sessions(user_id=family.user_id)
