"""New passwords: by mailed link, by knowing the old one, or because staff insist."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import F
from django.db.models.functions import Coalesce

from accounts import constants, errors
from accounts.models import User
from accounts.services.access import end_logins
from accounts.services.links import owner_of_link, use_link_token, void_links
from accounts.services.login import prove_password
from accounts.services.notices import tell
from accounts.services.passwords import prepare_password, remember_password
from core import audit, clock, db, outbox, step_up
from core.principals import Principal


def reset_password(*, token: str, password: str) -> None:
    """Give the owner of the link a new password and end all of their logins.

    The link proves the mailbox, so it verifies the address too. Second factors stay. Commits its
    own transaction or joins the caller's.

    Raises:
        LinkSpent: the link cannot be used any more.
        PasswordWeak: the link stays usable.
    """
    take_password_by_link(token=token, password=password, purpose=constants.RESET)


def change_password(*, old_password: str, password: str, actor: Principal) -> None:
    """Replace the caller's password; the session that asks stays, all other logins end.

    Commits its own transaction or joins the caller's.

    Raises:
        StepUpRequired: the login is not fresh.
        PasswordWrong: the old password is another one.
        RateLimited: too many wrong ones.
        PasswordWeak: the new one breaks a rule.
    """
    step_up.require_fresh_login(actor)
    user = User.objects.get(pk=actor.user_id)
    _require_password(user, old_password)
    encoded = prepare_password(user=user, password=password)
    db.run_in_transaction(
        lambda: _store(user, encoded, actor=actor, kept_session_id=actor.session_id)
    )


def take_password_by_link(*, token: str, password: str, purpose: str) -> None:
    """Give the owner of a link of ``purpose`` the password they chose; see the callers."""
    owner = owner_of_link(token, purpose=purpose)
    # Hashing takes a while: no row waits for it.
    encoded = prepare_password(user=owner, password=password)

    def take() -> None:
        user = use_link_token(token, purpose=purpose).user
        _store(user, encoded, actor=Principal(kind="user", user_id=user.pk))

    db.run_in_transaction(take)


def _require_password(user: User, password: str) -> None:
    try:
        prove_password(user, password)
    except errors.LoginRefused:
        # Not 401: the session that asks is as good as before.
        detail = "The old password is wrong."
        fault = {"pointer": "#/old_password", "code": errors.PasswordWrong.code, "detail": detail}
        raise errors.PasswordWrong(detail, errors=[fault]) from None


def _store(
    user: User, encoded: str, *, actor: Principal, kept_session_id: uuid.UUID | None = None
) -> None:
    changes: dict[str, Any] = {
        "password": encoded,
        "has_one_time_password": False,
        "version": F("version") + 1,
    }
    if kept_session_id is None:
        changes["email_verified_at"] = Coalesce("email_verified_at", clock.now())
    remember_password(user=user)
    User.objects.filter(pk=user.pk).update(**changes)
    void_links(user_id=user.pk, purposes=constants.PURPOSES)
    end_logins(
        user_id=user.pk,
        actor=actor,
        reason="password_changed",
        kept_session_id=kept_session_id,
    )
    audit.record(
        action="account.password_change",
        actor=actor,
        user_id=user.pk,
        target_type="user",
        target_id=user.pk,
    )
    outbox.announce(topic="account.password_changed", user_id=user.pk, object_id=user.pk)
    tell(user, "password_changed")
