"""Opening accounts."""

from __future__ import annotations

import secrets
from typing import Final

import structlog
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.db import IntegrityError

from accounts import errors
from accounts.models import User
from accounts.services.emails import normalize_email
from accounts.services.passwords import require_strong_password
from core import audit, db, hooks, outbox
from core.principals import SYSTEM, Principal

ONE_TIME_PASSWORD_BYTES: Final = 18

log = structlog.get_logger(__name__)


def register_user(*, email: str, password: str, name: str = "") -> None:
    """Create an account, or do nothing when the e-mail has one: the caller cannot tell which.

    Both ways hash one password, so the answer takes the same time. Commits its own transaction
    (or joins the caller's): person, audit row and event together.

    Raises:
        EmailInvalid: not an address.
        PasswordWeak: the password breaks a rule; extension ``errors``.
    """
    normalized = normalize_email(email)
    require_strong_password(password, context_words=(normalized, name))
    encoded = make_password(password)
    try:
        db.run_in_transaction(
            lambda: _create_user(
                email=email, email_normalized=normalized, password=encoded, name=name, actor=None
            )
        )
    except IntegrityError as exc:
        if db.violated_constraint(exc) != "users_email_once":
            raise
        log.info("registration_of_known_email")


def create_staff_user(
    *, email: str, role: str, actor: Principal = SYSTEM, is_superuser: bool = False
) -> str:
    """Create a member of staff and return the one-time password, which is kept nowhere else.

    Raises:
        EmailInvalid: not an address.
        EmailTaken: somebody has this address.
    """
    normalized = normalize_email(email)
    password = secrets.token_urlsafe(ONE_TIME_PASSWORD_BYTES)
    encoded = make_password(password)

    def create() -> None:
        user = _create_user(
            email=email,
            email_normalized=normalized,
            password=encoded,
            actor=actor,
            is_staff=True,
            is_superuser=is_superuser,
        )
        user.groups.add(Group.objects.get(name=role))

    try:
        db.run_in_transaction(create)
    except IntegrityError as exc:
        if db.violated_constraint(exc) != "users_email_once":
            raise
        raise errors.EmailTaken("Somebody has this e-mail address.") from exc
    return password


def _create_user(  # noqa: PLR0913 - a person's fields, one by one
    *,
    email: str,
    email_normalized: str,
    password: str,
    actor: Principal | None,
    name: str = "",
    is_staff: bool = False,
    is_superuser: bool = False,
) -> User:
    user: User = User.objects.create(
        email=email,
        email_normalized=email_normalized,
        password=password,
        name=name,
        is_staff=is_staff,
        is_superuser=is_superuser,
    )
    audit.record(
        action="account.create",
        actor=actor or Principal(kind="user", user_id=user.pk),
        user_id=user.pk,
        target_type="user",
        target_id=user.pk,
    )
    hooks.fire(hooks.USER_CREATED, user_id=user.pk)
    outbox.announce(topic="account.created", user_id=user.pk, object_id=user.pk)
    return user
