"""Reading people."""

from __future__ import annotations

import uuid

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

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


def staff_principal(user: AbstractBaseUser | AnonymousUser) -> Principal:
    """Return who a member of staff in the admin is to the services."""
    assert isinstance(user, User), "the admin lets nobody else in"
    return Principal(
        kind="staff", user_id=user.pk, permissions=frozenset(user.get_all_permissions())
    )
