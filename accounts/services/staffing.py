"""What staff do for people and to them; each deed has a reason, which the audit trail keeps."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.auth.hashers import is_password_usable, make_password
from django.contrib.auth.models import Group
from django.db.models import F

from accounts import constants, errors, selectors
from accounts.models import User
from accounts.services.access import end_logins, set_active
from accounts.services.links import require_pause, send_link, void_links
from accounts.services.notices import tell
from accounts.services.profile import update_profile
from core import audit, clock, db, hooks, outbox, step_up
from core.principals import Principal


def lock_user(*, user_id: uuid.UUID, reason: str, actor: Principal) -> User:
    """Lock a person out, at once and everywhere; return them. Commits or joins.

    Raises:
        PermissionRefused: ``actor`` may not, or not to staff.
        AccountNotFound: no such person, or not for ``actor`` to see.
        OwnAccount: that is ``actor``.
    """
    user = _within_reach(user_id, actor, "accounts.lock_user")
    set_active(user=user, is_active=False, actor=actor, reason=reason)
    return user


def unlock_user(*, user_id: uuid.UUID, reason: str, actor: Principal) -> User:
    """Let a person in again; return them. Commits or joins.

    Raises:
        PermissionRefused, AccountNotFound, OwnAccount: see :func:`lock_user`.
    """
    user = _within_reach(user_id, actor, "accounts.lock_user")
    set_active(user=user, is_active=True, actor=actor, reason=reason)
    return user


def force_password_reset(*, user_id: uuid.UUID, reason: str, actor: Principal) -> User:
    """Switch a person's password off, end their logins and mail them a link to choose a new one.

    Nobody but the reader of their mailbox gets in again. Commits or joins.

    Raises:
        PermissionRefused, AccountNotFound, OwnAccount: see :func:`lock_user`.
    """
    user = _within_reach(user_id, actor, "accounts.help_user")

    def force() -> None:
        User.objects.filter(pk=user.pk).update(
            password=make_password(None), version=F("version") + 1
        )
        void_links(user_id=user.pk, purposes=constants.PURPOSES)
        end_logins(user_id=user.pk, actor=actor, reason="reset_forced")
        send_link(user=user, purpose=constants.RESET, actor=actor, template="password_reset_forced")
        _record(user, "force_reset", actor, reason)

    db.run_in_transaction(force)
    user.refresh_from_db()
    return user


def resend_link(*, user_id: uuid.UUID, reason: str, actor: Principal) -> User:
    """Mail a person the link they still have to use: to prove the address, or the invitation.

    Commits or joins.

    Raises:
        PermissionRefused, AccountNotFound, OwnAccount: see :func:`lock_user`.
        EmailVerified: there is nothing left to prove.
        LinkTooSoon: the last link went out a moment ago.
    """
    user = _within_reach(user_id, actor, "accounts.help_user")
    if user.email_verified_at is not None:
        raise errors.EmailVerified("The e-mail address is verified.")
    invited = not is_password_usable(user.password)
    purpose = constants.INVITE if invited else constants.VERIFY_EMAIL

    def resend() -> None:
        require_pause(user=user, purpose=purpose)
        send_link(user=user, purpose=purpose, actor=actor)
        _record(user, "resend_link", actor, reason)

    db.run_in_transaction(resend)
    return user


def change_role(*, user_id: uuid.UUID, role: str | None, reason: str, actor: Principal) -> User:
    """Make a person staff with one role, or no staff at all; return them.

    What they may do changes with their next request. Commits or joins.

    Raises:
        StepUpRequired: the login is not fresh.
        PermissionRefused, AccountNotFound, OwnAccount: see :func:`lock_user`.
    """
    user = _within_reach(user_id, actor, "accounts.change_user")
    step_up.require_fresh_login(actor)

    def change() -> None:
        user.groups.set(Group.objects.filter(name=role) if role else [])
        User.objects.filter(pk=user.pk).update(
            is_staff=role is not None, is_superuser=False, version=F("version") + 1
        )
        hooks.fire(hooks.USER_ACCESS_CHANGED, user_id=user.pk, is_active=user.is_active)
        _record(user, "change_role", actor, reason, role=role)

    db.run_in_transaction(change)
    user.refresh_from_db()
    return user


def update_person(
    *, user_id: uuid.UUID, version: int, changes: dict[str, Any], actor: Principal
) -> User:
    """Change what staff may change of a person; return them. Commits or joins.

    Raises:
        PermissionRefused, AccountNotFound, OwnAccount: see :func:`lock_user`.
        PreconditionFailed, UsernameInvalid, UsernameTaken: see :func:`update_profile`.
    """
    _within_reach(user_id, actor, "accounts.change_user")
    return update_profile(user_id=user_id, version=version, changes=changes, actor=actor)


def delete_user(*, user_id: uuid.UUID, reason: str, actor: Principal) -> None:
    """Close a person's account; from now on there is no such person to anybody but the ledger.

    Commits or joins.

    Raises:
        StepUpRequired: the login is not fresh.
        PermissionRefused, AccountNotFound, OwnAccount: see :func:`lock_user`.
    """
    user = _within_reach(user_id, actor, "accounts.delete_user")
    step_up.require_fresh_login(actor)

    def delete() -> None:
        User.objects.filter(pk=user.pk).update(
            is_active=False, deleted_at=clock.now(), version=F("version") + 1
        )
        void_links(user_id=user.pk, purposes=constants.PURPOSES)
        hooks.fire(hooks.USER_ACCESS_CHANGED, user_id=user.pk, is_active=False)
        end_logins(user_id=user.pk, actor=actor, reason="deleted")
        _record(user, "delete", actor, reason)
        outbox.announce(topic="account.deleted", user_id=user.pk, object_id=user.pk)
        tell(user, "account_deleted")

    db.run_in_transaction(delete)


def _within_reach(user_id: uuid.UUID, actor: Principal, permission: str) -> User:
    """Return the person, if ``actor`` may do this to them; only who changes roles touches staff."""
    user = selectors.get_user(user_id=user_id, actor=actor)
    actor.require(permission)
    if user.is_staff:
        actor.require("accounts.change_user")
    if user.pk == actor.user_id:
        raise errors.OwnAccount("Ask somebody else to do this to your account.")
    return user


def _record(user: User, word: str, actor: Principal, reason: str, **data: Any) -> None:
    audit.record(
        action=f"account.{word}",
        actor=actor,
        user_id=user.pk,
        target_type="user",
        target_id=user.pk,
        reason=reason,
        **data,
    )
