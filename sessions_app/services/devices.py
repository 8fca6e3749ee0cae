"""Devices that stay logged in, and devices that need no second factor.

Both are cookies of ours. A remembered device is as good as a password, so it gives the level of one
factor; routes that could hurt ask for more. A trusted device replaces the second factor only, after
the first one was right.
"""

from __future__ import annotations

import dataclasses
import uuid

from accounts.models import User
from core import audit, db
from core.principals import Principal
from sessions_app import chains, constants, selectors
from sessions_app.errors import CookieInvalid
from sessions_app.models import Cookie
from sessions_app.services.cookies import Handed, hand_out, use


@dataclasses.dataclass(frozen=True, slots=True)
class Remembered:
    """Who comes back on a remembered device, and the line that replaces its token."""

    user: User
    cookie_id: uuid.UUID
    set_cookie: str


def remember_device(*, user: User) -> str:
    """Remember the device on which ``user`` has just logged in; return the ``Set-Cookie`` line.

    Commits its own transaction or joins the caller's.
    """
    return _kept(user, constants.COOKIE_REMEMBER, constants.REMEMBER_NAME).set_cookie


def resolve_remembered(*, token: str) -> Remembered:
    """Return who comes back with the token of a remembered device. Commits its own transaction.

    The caller begins a session of one factor with it.

    Raises:
        CookieInvalid: not a token that works; a token used before ends all of the person's
            sessions and devices first.
    """
    handed = _used(token, constants.REMEMBER_NAME)
    person = selectors.person_of(handed.cookie) if handed else None
    if handed is None or person is None:
        raise CookieInvalid("Log in again.")
    return Remembered(person, handed.cookie.pk, handed.set_cookie)


def trust_device(*, user: User) -> str:
    """Let a device on which both factors were right skip the second one; return the line.

    Commits its own transaction or joins the caller's.
    """
    return _kept(user, constants.COOKIE_DEVICE, constants.DEVICE_NAME).set_cookie


def trusted_device(*, user: User, token: str) -> str | None:
    """Return the line that replaces the token of a device ``user`` trusts, or ``None``.

    ``None`` means: ask for the second factor. Commits its own transaction.
    """
    link = chains.parse(token)
    if link is None or link.user_id != user.pk:
        return None
    handed = _used(token, constants.DEVICE_NAME)
    return handed.set_cookie if handed else None


def _used(token: str, name: str) -> Handed | None:
    link = chains.parse(token)
    return use(link, name=name) if link else None


def _kept(user: User, kind: str, name: str) -> Handed:
    def keep() -> Handed:
        definition = selectors.get_definition_named(name)
        handed = hand_out(Cookie(user=user, definition=definition, kind=kind))
        audit.record(
            action=f"cookie.{kind}",
            actor=Principal(kind="user", user_id=user.pk),
            user_id=user.pk,
            target_type="cookie",
            target_id=handed.cookie.pk,
        )
        return handed

    return db.run_in_transaction(keep)
