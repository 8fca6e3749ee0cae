"""Locking people out and letting them in again."""

from __future__ import annotations

from accounts.models import User
from core import audit, db, hooks
from core.principals import Principal


def set_active(*, user: User, is_active: bool, actor: Principal) -> None:
    """Lock a person out, or let them in again; locking ends all their sessions in the same commit.

    Commits its own transaction or joins the caller's.
    """

    def change() -> None:
        user.is_active = is_active
        if not is_active:
            user.session_epoch += 1
        user.save(update_fields=["is_active", "session_epoch"])
        hooks.fire(hooks.USER_ACCESS_CHANGED, user_id=user.pk, is_active=is_active)
        audit.record(
            action="account.unlock" if is_active else "account.lock",
            actor=actor,
            user_id=user.pk,
            target_type="user",
            target_id=user.pk,
        )

    db.run_in_transaction(change)
