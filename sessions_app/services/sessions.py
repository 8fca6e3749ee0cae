"""Beginning sessions, and checking the tokens that speak for them."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from typing import Any

from django.conf import settings

from accounts import services as accounts
from accounts.models import User
from core import clock, context, db, ids, metrics
from core.principals import Principal
from sessions_app import constants, selectors, session_cache, tokens
from sessions_app.errors import SessionNotFound, TokenExpired, TokenInvalid
from sessions_app.models import Session
from sessions_app.services.endings import forget_cached_sessions
from sessions_app.services.lifetimes import Lifetime, end_of_token, lifetime_of
from sessions_app.services.records import tell


def start_session(*, user: User, assurance_level: int = 1) -> tuple[Session, str]:
    """Begin a session for somebody who has just proved who they are; return it and its token.

    ``assurance_level`` is 2 when they proved two things. Commits its own transaction or joins the
    caller's: session, audit row and event together.
    The token is returned once and stored only as a hash.
    """
    token = tokens.make_token(user.pk)
    session = begin_session(
        user=user,
        key=key_of(token),
        kind=constants.KIND_USER,
        assurance_level=assurance_level,
    )
    return session, token


def begin_session(
    *,
    user: User | None,
    key: tokens.TokenKey,
    kind: str,
    actor: Principal | None = None,
    lifetime: Lifetime | None = None,
    **facts: Any,
) -> Session:
    """Write down a session of ``kind`` under the hash of its token.

    Without a ``user`` it is a guest's. ``actor`` is the person unless somebody else begins it,
    ``lifetime`` that of its kind unless it is given; ``facts`` are columns. Commits its own
    transaction or joins the caller's.
    """
    user_id = user.pk if user else key.user_id
    now, running = clock.now(), context.current()
    limits = lifetime or lifetime_of(kind)

    def begin() -> Session:
        session = Session.objects.create(
            id=ids.uuid7(),
            user_id=user_id,
            token_sha256=key.sha256,
            token_expires_at=end_of_token(limits.token_s) if limits.token_s else None,
            kind=kind,
            epoch=user.session_epoch if user else 0,
            authenticated_at=now,
            last_seen_at=now,
            idle_timeout_s=limits.idle_s,
            expires_at=now + dt.timedelta(seconds=limits.absolute_s),
            client_address=running.client_address or None,
            user_agent=running.user_agent[: constants.USER_AGENT_LENGTH_MAX],
            created_at=now,
            **facts,
        )
        tell(
            session,
            action="session.start",
            topic="session.started",
            actor=actor or Principal(kind="user", user_id=user_id),
            data=None,
        )
        return session

    return db.run_in_transaction(begin)


def replace_token(*, actor: Principal, assurance_level: int | None = None) -> tuple[Session, str]:
    """Give the session that asks a new token; the one it had ends at once, for every worker.

    With ``assurance_level``, the person has just proved who they are, at that level. Commits its
    own transaction or joins the caller's.

    Raises:
        SessionNotFound: the caller came without a session, or it has ended.
    """

    def replace() -> tuple[Session, str]:
        now = clock.now()
        session = selectors.current_session(actor=actor)
        token = tokens.make_token(actor.user_id)
        changes: dict[str, Any] = {"token_sha256": key_of(token).sha256}
        if session.token_expires_at is not None:
            changes["token_expires_at"] = end_of_token(settings.ENV.access_token_ttl_s)
        if assurance_level is not None:
            changes |= {"assurance_level": assurance_level, "authenticated_at": now}
            changes["cookie_id"] = None
        if not Session.objects.unless_ended(session).update(**changes):
            raise SessionNotFound("There is no session to go on with.")
        for name, value in changes.items():
            setattr(session, name, value)
        forget_cached_sessions(user_id=actor.user_id)
        return session, token

    return db.run_in_transaction(replace)


def key_of(token: str) -> tokens.TokenKey:
    """Return where to look for ``token``, which we have just made ourselves."""
    key = tokens.key_of(token)
    assert key is not None, "our own tokens have the form of our tokens"
    return key


def authenticate(token: str) -> Principal:
    """Return who ``token`` speaks for.

    Warm, this is one cache round trip and no SQL; cold, one indexed row, and at most once a
    minute a write of the last use.

    Raises:
        TokenInvalid: malformed, unknown, expired, revoked, or of a deactivated person.
        KeyInvalid: of a service, from outside the networks of its key.
        TokenExpired: the session lives, but its token must be renewed with the refresh token.
    """
    key = tokens.key_of(token)
    if key is None:
        raise TokenInvalid("Log in again.")
    facts = live_facts(
        session_cache.name_of_token(key),
        user_id=key.user_id,
        read=lambda at: selectors.session_of_token(key, at=at),
    )
    token_ends_s = facts["token_valid_until"]
    if token_ends_s and clock.now().timestamp() >= token_ends_s:
        raise TokenExpired("Send the refresh token to auth/refresh, then repeat the request.")
    principal = principal_of(facts)
    if principal.key_id is not None:
        accounts.require_allowed_network(facts["allowed_cidrs"])
    return principal


def live_facts(
    name: str, *, user_id: uuid.UUID, read: Callable[[dt.datetime], Session | None]
) -> dict[str, Any]:
    """Return what is known of a valid session: remembered under ``name``, or else read.

    Raises:
        TokenInvalid: there is no such session, or it has ended.
    """
    facts, generation = session_cache.recall(name, user_id=user_id)
    if facts is not None:
        metrics.SESSION_LOOKUPS.labels(source="cache").inc()
    else:
        metrics.SESSION_LOOKUPS.labels(source="database").inc()
        session = read(clock.now())
        if session is None:
            raise TokenInvalid("Log in again.")
        _note_use(session)
        facts = selectors.facts_of(session)
        session_cache.remember(name, facts, generation=generation)
    if clock.now().timestamp() >= facts["valid_until"]:
        raise TokenInvalid("Log in again.")
    return facts


def principal_of(facts: dict[str, Any], *, is_projection: bool = False) -> Principal:
    """Return the caller whom ``facts`` describe."""
    proved_at, impersonator = facts["authenticated_at"], facts["impersonator_id"]
    key_id = facts.get("key_id")
    return Principal(
        kind=facts["kind"],
        user_id=uuid.UUID(facts["user_id"]),
        session_id=uuid.UUID(facts["session_id"]),
        permissions=frozenset(facts["permissions"]),
        assurance_level=facts["assurance_level"],
        assurance_level_required=facts["assurance_level_required"],
        epoch=facts["epoch"],
        owes=facts["owes"],
        authenticated_at=proved_at and dt.datetime.fromtimestamp(proved_at, tz=dt.UTC),
        impersonator_id=impersonator and uuid.UUID(impersonator),
        is_projection=is_projection,
        key_id=key_id and uuid.UUID(key_id),
        scopes=frozenset(facts.get("scopes", ())),
        audience=facts.get("audience", ""),
    )


def _note_use(session: Session) -> None:
    """Write down the last use, at most once a minute."""
    now = clock.now()
    if now - session.last_seen_at >= dt.timedelta(seconds=constants.LAST_SEEN_PRECISION_S):
        session.last_seen_at = now
        Session.objects.unless_ended(session).update(last_seen_at=now)
