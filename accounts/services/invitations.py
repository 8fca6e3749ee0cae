"""Letting somebody in whom staff know: an account without a password, and a link to choose one."""

from __future__ import annotations

import uuid

from django.contrib.auth.hashers import is_password_usable, make_password

from accounts import constants, errors, selectors
from accounts.models import OneTimeToken, User
from accounts.services.emails import read_email
from accounts.services.links import require_pause, send_link, void_links
from accounts.services.password_changes import take_password_by_link
from accounts.services.registration import create_user
from core import audit, db, step_up
from core.principals import Principal


def invite(
    *, email: str, actor: Principal, name: str = "", role: str | None = None
) -> OneTimeToken:
    """Open an account without a password and mail its owner a link to choose one.

    Who was invited before and has not answered is sent a new link, and the older one stops
    working. ``role`` makes them staff. Commits its own transaction or joins the caller's.

    Raises:
        PermissionRefused: ``actor`` may not invite, or not give roles.
        StepUpRequired: a role is given and the login is not fresh.
        EmailInvalid: not an address.
        EmailTaken: somebody has this address.
        LinkTooSoon: the last link went out a moment ago.
    """
    actor.require("accounts.add_user")
    if role is not None:
        actor.require("accounts.change_user")
        step_up.require_fresh_login(actor)
    address = read_email(email)

    def send() -> OneTimeToken:
        user = User.objects.filter(email_normalized=address.normalized).first()
        if user is None:
            user = create_user(
                email=address, password=make_password(None), actor=actor, name=name, role=role
            )
        elif not _has_not_answered(user):
            raise errors.EmailTaken("Somebody has this e-mail address.")
        require_pause(user=user, purpose=constants.INVITE)
        send_link(user=user, purpose=constants.INVITE, actor=actor)
        return OneTimeToken.objects.select_related("user").get(user=user, purpose=constants.INVITE)

    return db.run_in_transaction(send)


def withdraw_invitation(*, invitation_id: uuid.UUID, actor: Principal, reason: str) -> None:
    """Let the invitation's link open nothing; the account stays closed until invited again.

    Commits its own transaction or joins the caller's.

    Raises:
        PermissionRefused: ``actor`` may not invite.
        InvitationNotFound: there is no such open invitation.
    """
    actor.require("accounts.add_user")

    def withdraw() -> None:
        invitation = selectors.get_invitation(invitation_id=invitation_id, actor=actor)
        void_links(user_id=invitation.user_id, purposes=(constants.INVITE,))
        audit.record(
            action="account.invite_withdraw",
            actor=actor,
            user_id=invitation.user_id,
            target_type="user",
            target_id=invitation.user_id,
            reason=reason,
        )

    db.run_in_transaction(withdraw)


def accept_invitation(*, token: str, password: str) -> None:
    """Give the invited person the password they chose; the link proves the address.

    Commits its own transaction or joins the caller's.

    Raises:
        LinkSpent: the link cannot be used any more.
        PasswordWeak: the link stays usable.
    """
    take_password_by_link(token=token, password=password, purpose=constants.INVITE)


def _has_not_answered(user: User) -> bool:
    return (
        user.email_verified_at is None and user.is_active and not is_password_usable(user.password)
    )
