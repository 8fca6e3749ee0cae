"""Staff who act as a person to help them: with a reason, for half an hour, and never in secret."""

from __future__ import annotations

import uuid
from typing import Any

from accounts.models import User
from accounts.selectors import get_user
from accounts.services import notices
from core import audit, db, errors, outbox
from core.principals import Principal
from core.step_up import require_fresh_login
from sessions_app import constants, tokens
from sessions_app.errors import ImpersonationRefused
from sessions_app.models import Session
from sessions_app.services.endings import end_current_session, end_these
from sessions_app.services.sessions import begin_session, key_of

PERMISSION = "sessions_app.impersonate_person"


def start_impersonation(
    *, user_id: uuid.UUID, reason: str, actor: Principal
) -> tuple[Session, str]:
    """Begin a session in which ``actor`` acts as a person; return it and its token.

    It ends after ``IMPERSONATION_TIMEOUT_S``, with the session it was begun from, or when either
    of the two is locked out. It changes nothing but what a view opens to it. The person is told by
    mail. Commits its own transaction or joins the caller's.

    Raises:
        PermissionRefused: without the permission, or acting as somebody already.
        StepUpRequired: the login is too old for this.
        AccountNotFound: no such person.
        ImpersonationRefused: staff, or somebody who cannot log in.
    """
    if actor.impersonator_id is not None or not actor.may(PERMISSION):
        raise errors.PermissionRefused("You may not act as anybody.")
    require_fresh_login(actor)
    person = get_user(user_id=user_id, actor=actor)
    if person.is_staff or person.is_superuser or not person.is_active:
        raise ImpersonationRefused("Nobody acts as staff, nor as somebody who cannot log in.")
    return db.run_in_transaction(lambda: _begin(person, reason, actor))


def end_impersonation(*, actor: Principal) -> None:
    """End the session in which the caller acts as somebody.

    Commits its own transaction or joins the caller's.

    Raises:
        PermissionRefused: the caller acts as nobody.
    """
    if actor.impersonator_id is None:
        raise errors.PermissionRefused("You act as nobody.")
    end_current_session(actor=actor)


def end_impersonations_by(*, user_id: uuid.UUID, actor: Principal, **_facts: Any) -> None:
    """End what a member of staff began whose own logins end; joins the caller's transaction."""
    begun = Session.objects.filter(impersonator_id=user_id, revoked_at=None)
    end_these(list(begun), actor=actor, reason="impersonator_out")


def _begin(person: User, reason: str, actor: Principal) -> tuple[Session, str]:
    token = tokens.make_token(person.pk)
    session = begin_session(
        user=person,
        key=key_of(token),
        kind=constants.KIND_IMPERSONATION,
        actor=actor,
        impersonator_id=actor.user_id,
        impersonator_session_id=actor.session_id,
        impersonation_reason=reason,
    )
    audit.record(
        action="session.impersonate",
        actor=actor,
        user_id=person.pk,
        target_type="session",
        target_id=session.pk,
        reason=reason,
    )
    outbox.announce(topic="session.impersonated", user_id=person.pk, object_id=session.pk)
    notices.tell(person, "impersonated")
    return session, token
