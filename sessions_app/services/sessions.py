"""What can be done with sessions: begin, check, end."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts.models import User
from core import audit, clock, context, db, ids, metrics, outbox
from core.principals import Principal
from sessions_app import constants, selectors, session_cache, tokens
from sessions_app.errors import SessionNotFound, TokenInvalid
from sessions_app.models import Session


def start_session(*, user: User) -> tuple[Session, str]:
    """Begin a session for somebody who has just proved who they are; return it and its token.

    Commits its own transaction or joins the caller's: session, audit row and event together.
    The token is returned once and stored only as a hash.
    """
    token = tokens.make_token(user.pk)
    key = tokens.key_of(token)
    assert key is not None
    return begin_session(user=user, key=key, kind=constants.KIND_USER), token


def begin_session(
    *, user: User, key: tokens.TokenKey, kind: str, data: dict[str, Any] | None = None
) -> Session:
    """Write down a session of ``kind`` under the hash of its token, with the limits of its kind.

    Commits its own transaction or joins the caller's.
    """
    now, running, env = clock.now(), context.current(), settings.ENV
    is_staff = kind == constants.KIND_STAFF
    idle_s = env.staff_session_idle_timeout_s if is_staff else env.session_idle_timeout_s
    absolute_s = (
        env.staff_session_absolute_timeout_s if is_staff else env.session_absolute_timeout_s
    )

    def begin() -> Session:
        session = Session.objects.create(
            id=ids.uuid7(),
            user_id=user.pk,
            token_sha256=key.sha256,
            kind=kind,
            epoch=user.session_epoch,
            authenticated_at=now,
            last_seen_at=now,
            idle_timeout_s=idle_s,
            expires_at=now + dt.timedelta(seconds=absolute_s),
            client_address=running.client_address or None,
            user_agent=running.user_agent[: constants.USER_AGENT_LENGTH_MAX],
            created_at=now,
            data=data or {},
        )
        _tell(session, "session.start", Principal(kind="user", user_id=user.pk))
        return session

    return db.run_in_transaction(begin)


def authenticate(token: str) -> Principal:
    """Return who ``token`` speaks for.

    Warm, this is one cache round trip and no SQL; cold, one indexed row, and at most once a
    minute a write of the last use.

    Raises:
        TokenInvalid: malformed, unknown, expired, revoked, or of a deactivated person.
    """
    key = tokens.key_of(token)
    if key is None:
        raise TokenInvalid("Log in again.")
    facts, generation = session_cache.recall(key)
    if facts is not None:
        metrics.SESSION_LOOKUPS.labels(source="cache").inc()
    else:
        facts = _read_facts(key)
        metrics.SESSION_LOOKUPS.labels(source="database").inc()
        if facts is not None:
            session_cache.remember(key, facts, generation=generation)
    if facts is None or clock.now().timestamp() >= facts["valid_until"]:
        raise TokenInvalid("Log in again.")
    return _principal(facts)


def end_session(*, session_id: uuid.UUID, actor: Principal, reason: str = "logout") -> None:
    """End a session now, for every worker. Ending an ended one changes nothing.

    Commits its own transaction or joins the caller's.

    Raises:
        SessionNotFound: no such session, or not one ``actor`` may end.
    """

    def end() -> None:
        session = Session.objects.visible_to(actor).filter(pk=session_id).first()
        if session is None:
            raise SessionNotFound("There is no such session.")
        _end([session], actor=actor, reason=reason)

    db.run_in_transaction(end)


def end_current_session(*, actor: Principal) -> None:
    """End the session that asks.

    Raises:
        SessionNotFound: the caller came without one.
    """
    if actor.session_id is None:
        raise SessionNotFound("There is no session to end.")
    end_session(session_id=actor.session_id, actor=actor)


def end_other_sessions(*, actor: Principal) -> int:
    """End all of the caller's sessions but the one that asks; return how many ended.

    Commits its own transaction or joins the caller's.
    """
    return db.run_in_transaction(
        lambda: end_sessions_of(
            user_id=actor.user_id,
            actor=actor,
            reason="ended_elsewhere",
            kept_session_id=actor.session_id,
        )
    )


def end_sessions_of(
    *,
    user_id: uuid.UUID,
    actor: Principal,
    reason: str,
    kept_session_id: uuid.UUID | None = None,
) -> int:
    """End a person's sessions, all or all but one; return how many ended.

    The kept one goes over to the person's current epoch. Joins the caller's transaction.
    """
    live = Session.objects.of_user(user_id).live(clock.now())
    ending = live
    if kept_session_id is not None:
        epoch = User.objects.filter(pk=user_id).values("session_epoch")
        live.filter(pk=kept_session_id).update(epoch=epoch)
        ending = live.exclude(pk=kept_session_id)
    forget_cached_sessions(user_id=user_id)
    return _end(list(ending), actor=actor, reason=reason)


def forget_cached_sessions(*, user_id: uuid.UUID, **_facts: Any) -> None:
    """Make the next request of this person be checked against the database; acts at commit."""
    transaction.on_commit(lambda: session_cache.forget_user(user_id))


def _end(sessions: list[Session], *, actor: Principal, reason: str) -> int:
    ended = 0
    for session in sessions:
        assert session.user_id is not None
        changed = Session.objects.filter(
            pk=session.pk, user_id=session.user_id, revoked_at=None
        ).update(revoked_at=clock.now(), revoke_reason=reason)
        if changed:
            ended += 1
            _tell(session, "session.end", actor, reason=reason)
    for user_id in {session.user_id for session in sessions}:
        if user_id is not None:
            forget_cached_sessions(user_id=user_id)
    return ended


def _read_facts(key: tokens.TokenKey) -> dict[str, Any] | None:
    now = clock.now()
    session = selectors.stored_session(key, at=now)
    if session is None or session.user is None:
        return None
    if now - session.last_seen_at >= dt.timedelta(seconds=constants.LAST_SEEN_PRECISION_S):
        session.last_seen_at = now
        Session.objects.filter(pk=session.pk, user_id=key.user_id).update(last_seen_at=now)
    return selectors.facts_of(session, session.user)


def _principal(facts: dict[str, Any]) -> Principal:
    return Principal(
        kind=facts["kind"],
        user_id=uuid.UUID(facts["user_id"]),
        session_id=uuid.UUID(facts["session_id"]),
        permissions=frozenset(facts["permissions"]),
        assurance_level=facts["assurance_level"],
        authenticated_at=dt.datetime.fromtimestamp(facts["authenticated_at"], tz=dt.UTC),
    )


def _tell(session: Session, action: str, actor: Principal, **data: Any) -> None:
    assert session.user_id is not None
    audit.record(
        action=action,
        actor=actor,
        user_id=session.user_id,
        target_type="session",
        target_id=session.pk,
        **data,
    )
    outbox.announce(
        topic=f"{action}ed" if action.endswith("start") else "session.ended",
        user_id=session.user_id,
        object_id=session.pk,
        payload=data or None,
    )
