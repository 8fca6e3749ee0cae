"""What anybody may ask for: no answer depends on who has an account.

The request checks the shape of what was sent, does the same work for everybody and writes one
encrypted job. Only the worker looks whose address it is. So neither the answer nor the time it
takes can tell, and the truth goes where only its owner reads: into the mailbox.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.contrib.auth.hashers import make_password
from django.db import DatabaseError
from procrastinate.contrib.django import app

from accounts import constants
from accounts.errors import EmailTaken
from accounts.models import User
from accounts.services.acceptances import said_by_stranger
from accounts.services.doors import require_registration_open
from accounts.services.emails import comparable_email, read_email
from accounts.services.guessing import limit_requests
from accounts.services.links import send_link, was_just_sent
from accounts.services.passwords import require_strong_password
from accounts.services.registration import open_account
from core import db, jobs, sealed_facts
from core.retries import SpreadRetry

JOB: Final = "answer_stranger"
_REGISTER: Final = "register"


def register_user(
    *,
    email: str,
    password: str,
    name: str = "",
    accepts: Sequence[tuple[str, int]] = (),
) -> None:
    """Ask for an account; the answer comes by mail. Joins the caller's transaction.

    ``accepts`` are kinds and versions of notices that whoever registers agrees to.

    Raises:
        NoticeChanged: one of them is not in force.
        RegistrationClosed: staff let nobody register for now.
        EmailInvalid: not an address.
        PasswordWeak: the password breaks a rule; extension ``errors``.
        RateLimited: too many from this address, or for it.
    """
    require_registration_open()
    address = read_email(email)
    said = said_by_stranger(accepts) if accepts else None
    limit_requests(purpose=_REGISTER, subject=address.normalized)
    require_strong_password(password, context_words=(address.normalized, name))
    _leave_to_worker(
        _REGISTER,
        email=address.address,
        encoded_password=make_password(password),
        name=name,
        said=said,
    )


def ask_for_verification(*, email: str) -> None:
    """Send a new verification link to whoever still has to use one.

    Raises:
        RateLimited: too many from this address, or for it.
    """
    _ask_for_link(constants.VERIFY_EMAIL, email)


def ask_for_reset(*, email: str) -> None:
    """Send a link for choosing a new password to whoever has this address.

    Raises:
        RateLimited: too many from this address, or for it.
    """
    _ask_for_link(constants.RESET, email)


def _ask_for_link(purpose: str, email: str) -> None:
    limit_requests(purpose=purpose, subject=comparable_email(email))
    _leave_to_worker(purpose, email=email)


def _leave_to_worker(wish: str, **facts: Any) -> None:
    answer_stranger.defer(
        sealed=sealed_facts.seal({"wish": wish, **facts}, job=JOB), **jobs.origin()
    )


@app.task(
    name=JOB,
    retry=SpreadRetry(
        max_attempts=8, exponential_wait=4, retry_exceptions=[DatabaseError, EmailTaken]
    ),
)
def answer_stranger(sealed: str) -> None:
    """Do what a stranger asked for, if there is somebody to do it for."""
    facts = sealed_facts.unseal(sealed, job=JOB)
    wish = facts.pop("wish")
    if wish == _REGISTER:
        open_account(**facts)
    else:
        db.run_in_transaction(lambda: _send_link(wish, facts["email"]))


def _send_link(wish: str, email: str) -> None:
    user: User | None = User.objects.filter(email_normalized=comparable_email(email)).first()
    if user is None or not user.is_active or was_just_sent(user=user, purpose=wish):
        return
    if wish == constants.VERIFY_EMAIL and user.email_verified_at is not None:
        return
    # To the address that was verified, never to what was typed: two addresses may fold to one.
    send_link(user=user, purpose=wish)
