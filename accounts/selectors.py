"""Reading people."""

from __future__ import annotations

import uuid

from accounts.errors import AccountNotFound
from accounts.models import User
from core.principals import Principal


def get_user(*, user_id: uuid.UUID, actor: Principal) -> User:
    """Return the person, if ``actor`` may see them.

    Raises:
        AccountNotFound: no such person, or not for ``actor`` to see.
    """
    user: User | None = User.objects.visible_to(actor).filter(pk=user_id).first()
    if user is None:
        raise AccountNotFound("There is no such account.")
    return user


def has_staff() -> bool:
    """Return whether anybody may enter the admin."""
    return bool(User.objects.staff().exists())
