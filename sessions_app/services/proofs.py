"""Proving again, in the middle of a session, who one is (RFC 9470)."""

from __future__ import annotations

from typing import Any

from accounts import constants as accounts_constants
from accounts import services as accounts
from accounts.models import User
from core import audit, db, errors
from core.principals import Principal
from sessions_app.models import Session
from sessions_app.services.sessions import replace_token


def prove_again(*, password: str, actor: Principal) -> accounts.Question | tuple[Session, str]:
    """Make the session that asks a fresh one, under a new token; the one it had ends.

    Whoever has a second factor is asked for it instead, to go on with :func:`finish_proof`.
    Commits its own transaction.

    Raises:
        LoginRefused: another password.
        RateLimited: too many wrong ones.
        PermissionRefused: the caller has no session of their own.
    """
    _require_own_session(actor)
    user = User.objects.get(pk=actor.user_id)
    accounts.prove_password(user, password)
    question = accounts.ask_for_factor(user=user, session_id=actor.session_id)
    return question or _freshen(actor, assurance_level=1)


def finish_proof(
    *,
    challenge: str,
    actor: Principal,
    code: str | None = None,
    credential: dict[str, Any] | None = None,
) -> tuple[Session, str]:
    """Answer the question for the second factor; the session is fresh at its full level.

    Commits its own transactions.

    Raises:
        ChallengeEnded: not the question of this session, or it has ended.
        FactorRefused: the answer is wrong.
        RateLimited: too many wrong ones.
        PermissionRefused: the caller has no session of their own.
    """
    _require_own_session(actor)
    accounts.answer_challenge(
        token=challenge,
        purpose=accounts_constants.REAUTHENTICATION,
        session_id=actor.session_id,
        code=code,
        credential=credential,
    )
    return _freshen(actor, assurance_level=2)


def _require_own_session(actor: Principal) -> None:
    if actor.session_id is None or actor.is_projection or actor.impersonator_id is not None:
        raise errors.PermissionRefused("Only a session itself can be made fresh.")


def _freshen(actor: Principal, *, assurance_level: int) -> tuple[Session, str]:
    def freshen() -> tuple[Session, str]:
        session, token = replace_token(actor=actor, assurance_level=assurance_level)
        audit.record(
            action="session.reauthenticate",
            actor=actor,
            user_id=actor.user_id,
            target_type="session",
            target_id=session.pk,
            level=assurance_level,
        )
        return session, token

    return db.run_in_transaction(freshen)
