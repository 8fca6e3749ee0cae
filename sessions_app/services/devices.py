"""Devices that stay logged in, and devices that need no second factor.

Both are cookies of ours. A remembered device is as good as a password, so it gives the level of one
factor; routes that could hurt ask for more. A trusted device replaces the second factor only, after
the first one was right.
"""

from __future__ import annotations

from accounts import services as accounts
from accounts.models import User
from core import audit, db
from core.principals import HOUSE_USER_ID, Principal
from sessions_app import chains, constants, selectors
from sessions_app.errors import CookieInvalid
from sessions_app.models import Cookie, Session
from sessions_app.services.cookies import Handed, hand_out, revoke_cookie, use
from sessions_app.services.sessions import start_session


def remember_device(*, user: User) -> Handed:
    """Remember the device on which ``user`` has just logged in.

    Commits its own transaction or joins the caller's.
    """
    return _kept(user, constants.COOKIE_REMEMBER, constants.REMEMBER_NAME)


def resolve_remembered(*, token: str) -> tuple[User, Handed]:
    """Return who comes back on a remembered device, and the token to keep from now on.

    The caller begins a session with it that has the level of one factor and is never fresh.
    Commits its own transaction.

    Raises:
        CookieInvalid: not a token that works; a token used before ends all of the person's
            sessions and devices first.
    """
    handed = _used(token, constants.REMEMBER_NAME)
    person = selectors.person_of(handed.cookie) if handed else None
    if handed is None or person is None:
        raise CookieInvalid("Log in again.")
    return person, handed


def resume_session(*, token: str) -> tuple[Session, str, Handed]:
    """Begin a session for who comes back on a remembered device; return it, its token, the cookie.

    It has the level of one factor and is never fresh: what could hurt asks for a login first.
    Commits its own transactions.

    Raises:
        LoginClosed: staff let nobody in for now; the cookie stays as it was.
        CookieInvalid: as :func:`resolve_remembered`.
    """
    accounts.require_login_open()
    person, handed = resolve_remembered(token=token)

    def begin() -> tuple[Session, str]:
        session, session_token = start_session(user=person)
        session.cookie_id = handed.cookie.pk
        Session.objects.unless_ended(session).update(cookie_id=session.cookie_id)
        return session, session_token

    return *db.run_in_transaction(begin), handed


def forget_device(*, token: str) -> None:
    """Remember the device with this token no more; a token that is none changes nothing.

    Commits its own transaction.
    """
    handed = _used(token, constants.REMEMBER_NAME)
    if handed is not None:
        owner = Principal(kind="user", user_id=handed.cookie.user_id or HOUSE_USER_ID)
        revoke_cookie(cookie_id=handed.cookie.pk, actor=owner, reason="logout")


def trust_device(*, user: User) -> Handed:
    """Let a device on which both factors were right skip the second one.

    Commits its own transaction or joins the caller's.
    """
    return _kept(user, constants.COOKIE_DEVICE, constants.DEVICE_NAME)


def trusted_device(*, user: User, token: str) -> Handed | None:
    """Return the token to keep from now on, of a device that ``user`` trusts.

    ``None`` means: ask for the second factor. Commits its own transaction.
    """
    link = chains.parse(token)
    if link is None or link.user_id != user.pk:
        return None
    return use(link, name=constants.DEVICE_NAME)


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
