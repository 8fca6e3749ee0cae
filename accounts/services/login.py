"""Proving who somebody is."""

from __future__ import annotations

import uuid

from django.contrib.auth.hashers import check_password, make_password

from accounts import device_tokens, errors, selectors
from accounts.models import User
from accounts.services.doors import require_login_open
from accounts.services.emails import comparable_login_name
from accounts.services.guessing import counted_guess
from core import metrics


def verify_login(*, email: str, password: str, device_token: str = "") -> User:
    """Return the person whose e-mail address (or user name) and password these are.

    Unknown, wrong, locked out and unverified are one refusal after the same work. A password
    hashed with earlier parameters is hashed again. ``device_token`` is what an earlier login on
    the same device was answered with.

    Raises:
        LoginRefused: always with the same words.
        RateLimited: too many wrong guesses at this account, or from this address.
        HashingBusy: too many logins at once.
        LoginClosed: staff let nobody in for now.
    """
    normalized = comparable_login_name(email)
    user = selectors.person_by_login_name(normalized)
    with counted_guess(
        purpose="login",
        subject=user.pk if user else normalized,
        device_id=_known_device(user, device_token) if user else None,
    ):
        if user is None:
            make_password(password)
        elif password_matches(user, password) and user.may_log_in:
            require_login_open(user)
            metrics.LOGINS.labels(outcome="accepted").inc()
            return user
        metrics.LOGINS.labels(outcome="refused").inc()
        raise errors.LoginRefused("The e-mail or the password is wrong.")


def prove_password(user: User, password: str) -> None:
    """Let through who knows the password of somebody who is logged in already.

    Raises:
        LoginRefused: it is another one.
        RateLimited: too many wrong ones.
    """
    with counted_guess(purpose="password", subject=user.pk):
        if not password_matches(user, password):
            raise errors.LoginRefused("The password is wrong.")


def make_device_token(*, user: User) -> str:
    """Return what lets the device of a login in while strangers are throttled."""
    return device_tokens.make_device_token(user_id=user.pk, epoch=user.session_epoch)


def _known_device(user: User, device_token: str) -> uuid.UUID | None:
    return device_tokens.known_device(device_token, user_id=user.pk, epoch=user.session_epoch)


def password_matches(user: User, password: str) -> bool:
    """Return whether this is the person's password; hash it again if the parameters are old."""

    checked = user.password

    def store_again(raw: str) -> None:
        # Only over the hash that was checked: a password chosen meanwhile stays.
        User.objects.filter(pk=user.pk, password=checked).update(password=make_password(raw))

    return check_password(password, checked, store_again)
