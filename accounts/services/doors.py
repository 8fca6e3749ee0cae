"""Doors that staff may shut for a while: registering and logging in."""

from __future__ import annotations

from typing import Final

from accounts import errors
from accounts.models import User
from core.modes import RETRY_AFTER_S
from core.runtime_settings import Setting, declare

REGISTRATION_OPEN: Final = declare(
    Setting(
        name="registration_open",
        default=True,
        about="Whether strangers may register. Invitations work either way.",
    )
)
LOGIN_OPEN: Final = declare(
    Setting(
        name="login_open",
        default=True,
        about="Whether people may log in. Staff may in any case, and who is in stays in.",
    )
)


def require_registration_open() -> None:
    """Let a stranger ask for an account.

    Raises:
        RegistrationClosed: staff shut the door.
    """
    if not REGISTRATION_OPEN.value:
        raise errors.RegistrationClosed(
            "New accounts are not opened for now.", retry_after_s=RETRY_AFTER_S.value
        )


def require_login_open(user: User | None = None) -> None:
    """Let ``user``, who has proved who they are, begin a session.

    Raises:
        LoginClosed: staff shut the door, and this is not one of them.
    """
    if not LOGIN_OPEN.value and not (user and user.is_staff):
        raise errors.LoginClosed(
            "Logging in is not possible for now.", retry_after_s=RETRY_AFTER_S.value
        )
