"""Proving who somebody is."""

from __future__ import annotations

from django.contrib.auth.hashers import check_password, make_password

from accounts import errors
from accounts.models import User
from accounts.services.emails import comparable_email
from core import metrics


def verify_login(*, email: str, password: str) -> User:
    """Return the person whose e-mail and password these are.

    Unknown, wrong and deactivated are one refusal after the same work. A password hashed with
    earlier parameters is hashed again.

    Raises:
        LoginRefused: always with the same words.
    """
    user: User | None = User.objects.filter(email_normalized=comparable_email(email)).first()
    if user is None:
        make_password(password)
    elif _password_matches(user, password) and user.is_active:
        metrics.LOGINS.labels(outcome="accepted").inc()
        return user
    metrics.LOGINS.labels(outcome="refused").inc()
    raise errors.LoginRefused("The e-mail or the password is wrong.")


def _password_matches(user: User, password: str) -> bool:
    def store_again(raw: str) -> None:
        user.password = make_password(raw)
        user.save(update_fields=["password"])

    return check_password(password, user.password, store_again)
