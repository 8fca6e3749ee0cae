"""Locking people out and letting them in again, ending their logins, closing accounts."""

from __future__ import annotations

import uuid

from django.db.models import F

from accounts.models import User
from accounts.services.notices import tell
from core import audit, clock, db, hooks, outbox
from core.principals import Principal


def set_active(*, user: User, is_active: bool, actor: Principal, reason: str) -> None:
    """Lock a person out, or let them in again; locking ends all their sessions in the same commit.

    The person is told by mail that it happened, not why. Commits its own transaction or joins
    the caller's.
    """

    def change() -> None:
        locked = {"locked_at": clock.now(), "lock_reason": reason}
        changes = {"locked_at": None, "lock_reason": ""} if is_active else locked
        User.objects.filter(pk=user.pk).update(
            is_active=is_active, version=F("version") + 1, **changes
        )
        hooks.fire(hooks.USER_ACCESS_CHANGED, user_id=user.pk, is_active=is_active)
        if not is_active:
            end_logins(user_id=user.pk, actor=actor, reason="locked")
        word = "unlock" if is_active else "lock"
        _tell_everybody(user, word, actor=actor, reason=reason)

    db.run_in_transaction(change)
    user.refresh_from_db()


def end_logins(
    *,
    user_id: uuid.UUID,
    actor: Principal,
    reason: str,
    kept_session_id: uuid.UUID | None = None,
) -> None:
    """Let no login of this person count any more, but for one session; joins the transaction."""
    User.objects.filter(pk=user_id).update(session_epoch=F("session_epoch") + 1)
    hooks.fire(
        hooks.LOGINS_ENDED,
        user_id=user_id,
        actor=actor,
        reason=reason,
        kept_session_id=kept_session_id,
    )


def end_every_login() -> None:
    """Let no login of anybody count any more: the database was brought back from a backup.

    What was revoked since must not come to life again. Joins the caller's transaction.
    """
    User.objects.update(session_epoch=F("session_epoch") + 1)


def _tell_everybody(user: User, word: str, *, actor: Principal, reason: str) -> None:
    audit.record(
        action=f"account.{word}",
        actor=actor,
        user_id=user.pk,
        target_type="user",
        target_id=user.pk,
        reason=reason,
    )
    outbox.announce(topic=f"account.{word}ed", user_id=user.pk, object_id=user.pk)
    tell(user, f"account_{word}ed")
