"""Opening accounts."""

from __future__ import annotations

import secrets
from typing import Any, Final

from django.contrib.auth.hashers import is_password_usable, make_password
from django.contrib.auth.models import Group
from django.db import IntegrityError
from django.db.models import F

from accounts import constants, errors
from accounts.models import User
from accounts.services.acceptances import accept_as_said
from accounts.services.emails import Email, read_email
from accounts.services.links import send_link, use_link_token, was_just_sent
from accounts.services.notices import tell
from core import audit, cache, clock, db, hooks, ids, outbox
from core.principals import SYSTEM, Principal

ONE_TIME_PASSWORD_BYTES: Final = 18


def open_account(
    *, email: str, encoded_password: str, name: str = "", said: dict[str, Any] | None = None
) -> None:
    """Create an account and mail the link that makes it usable.

    Where two register one address before anybody has proved to own it, neither password counts,
    for nobody knows whose mailbox it is: its reader gets a link to choose one. Everybody else
    gets a mail that they have an account. ``said`` is what the new person agreed to. Commits its
    own transaction or joins the caller's: person, audit row, event, link and mail together.

    Raises:
        EmailInvalid: not an address.
    """
    address = read_email(email)

    def open_or_tell() -> None:
        user = User.objects.select_for_update().filter(email_normalized=address.normalized).first()
        if user is None:
            user = create_user(email=address, password=encoded_password, name=name)
            if said:
                accept_as_said(said, user_id=user.pk)
        elif _is_unclaimed(user):
            # Somebody who sends the form twice at once is one person, with one password.
            if not was_just_sent(user=user, purpose=constants.VERIFY_EMAIL):
                User.objects.filter(pk=user.pk).update(password=make_password(None))
                send_link(user=user, purpose=constants.RESET, template="registered_twice")
            return
        else:
            _tell_once(user)
            return
        send_link(user=user, purpose=constants.VERIFY_EMAIL)

    db.run_in_transaction(open_or_tell)


def verify_email(*, token: str) -> None:
    """Let the person in whose mailbox the token was in. Commits or joins.

    Raises:
        LinkSpent: the link cannot be used any more.
    """

    def verify() -> None:
        user = use_link_token(token, purpose=constants.VERIFY_EMAIL).user
        User.objects.filter(pk=user.pk).update(
            email_verified_at=clock.now(), version=F("version") + 1
        )
        audit.record(
            action="account.verify_email",
            actor=Principal(kind="user", user_id=user.pk),
            user_id=user.pk,
            target_type="user",
            target_id=user.pk,
        )
        outbox.announce(topic="account.verified", user_id=user.pk, object_id=user.pk)

    db.run_in_transaction(verify)


def create_staff_user(
    *, email: str, role: str, actor: Principal = SYSTEM, is_superuser: bool = False
) -> str:
    """Create a member of staff and return the one-time password, which is kept nowhere else.

    It opens nothing until it is replaced.

    Raises:
        EmailInvalid: not an address.
        EmailTaken: somebody has this address.
    """
    address = read_email(email)
    password = secrets.token_urlsafe(ONE_TIME_PASSWORD_BYTES)
    encoded = make_password(password)

    def create() -> None:
        user = create_user(
            email=address, password=encoded, actor=actor, role=role, is_superuser=is_superuser
        )
        # Whoever runs the command vouches for the address, and knows the password.
        User.objects.filter(pk=user.pk).update(
            email_verified_at=clock.now(), has_one_time_password=True
        )

    db.run_in_transaction(create)
    return password


def create_user(
    *,
    email: Email,
    password: str,
    actor: Principal | None = None,
    name: str = "",
    role: str | None = None,
    is_superuser: bool = False,
) -> User:
    """Create a person who still has to prove the address; ``role`` makes them staff.

    Joins the caller's transaction. Without ``actor`` the person did it.

    Raises:
        EmailTaken: somebody has this address.
    """
    user = User(
        id=ids.uuid7(),
        email=email.address,
        email_normalized=email.normalized,
        password=password,
        name=name,
        is_staff=role is not None,
        is_superuser=is_superuser,
    )
    try:
        user.save(force_insert=True)
    except IntegrityError as exc:
        if db.violated_constraint(exc) != "users_email_once":
            raise
        raise errors.EmailTaken("Somebody has this e-mail address.") from exc
    if role is not None:
        user.groups.add(Group.objects.get(name=role))
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


def _is_unclaimed(user: User) -> bool:
    """Return whether ``user`` registered and never proved the address; the invited are not."""
    return (
        user.email_verified_at is None
        and user.is_active
        and not user.is_staff
        and is_password_usable(user.password)
    )


def _tell_once(user: User) -> None:
    """Mail the owner of a known address, unless a mail like this went out a moment ago."""
    mark = ids.uuid7().bytes
    kept = cache.put_if_absent(f"known_address:{user.pk}", mark, ttl_s=constants.LINK_PAUSE_S)
    if user.is_active and kept in (mark, None):
        tell(user, "known_address")
