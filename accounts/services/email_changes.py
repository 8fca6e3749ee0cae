"""Moving an account to another e-mail address."""

from __future__ import annotations

from django.db import IntegrityError
from django.db.models import F

from accounts import constants, errors
from accounts.models import User
from accounts.services.emails import read_email
from accounts.services.links import require_pause, send_link, use_link_token, void_links
from accounts.services.notices import tell
from core import audit, clock, db, outbox, step_up
from core.principals import Principal


def ask_for_email_change(*, email: str, actor: Principal) -> None:
    """Mail a link to the new address and a notice to the old one; nothing changes yet.

    The caller cannot tell whether the new address has an account: its owner is told instead.
    Commits its own transaction or joins the caller's.

    Raises:
        StepUpRequired: the login is not fresh.
        EmailInvalid: not an address.
        LinkTooSoon: the last link went out a moment ago.
    """
    step_up.require_fresh_login(actor)
    address = read_email(email)

    def ask() -> None:
        user = User.objects.get(pk=actor.user_id)
        require_pause(user=user, purpose=constants.CHANGE_EMAIL)
        others = User.objects.filter(email_normalized=address.normalized).exclude(pk=user.pk)
        owner: User | None = others.first()
        send_link(
            user=user,
            purpose=constants.CHANGE_EMAIL,
            actor=actor,
            template="email_taken" if owner else "",
            to=owner.email if owner else address.address,
            payload={"email": address.address, "email_normalized": address.normalized},
        )
        tell(user, "email_change_asked")

    db.run_in_transaction(ask)


def confirm_email_change(*, token: str) -> None:
    """Move the account to the address whose mailbox the token was in.

    Links that were mailed to the old address open nothing any more. Commits its own transaction
    or joins the caller's.

    Raises:
        LinkSpent: the link cannot be used any more, or the address got an account meanwhile.
    """

    def confirm() -> None:
        used = use_link_token(token, purpose=constants.CHANGE_EMAIL)
        user = used.user
        try:
            User.objects.filter(pk=user.pk).update(
                **used.payload, email_verified_at=clock.now(), version=F("version") + 1
            )
        except IntegrityError as exc:
            if db.violated_constraint(exc) != "users_email_once":
                raise
            raise errors.LinkSpent("The address cannot be used.") from exc
        void_links(user_id=user.pk, purposes=constants.PURPOSES)
        audit.record(
            action="account.email_change",
            actor=Principal(kind="user", user_id=user.pk),
            user_id=user.pk,
            target_type="user",
            target_id=user.pk,
        )
        outbox.announce(topic="account.email_changed", user_id=user.pk, object_id=user.pk)
        tell(user, "email_changed")

    db.run_in_transaction(confirm)
