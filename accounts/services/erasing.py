"""What erasing a person means for their account."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import F
from django.db.models.functions import Coalesce, Now

from accounts.models import User
from accounts.services.access import end_logins
from accounts.services.api_keys import forget_cached_keys
from accounts.services.notices import tell
from core import hooks
from core.principals import SYSTEM


def close_for_good(*, user_id: uuid.UUID, **_facts: Any) -> None:
    """Close the account, end its logins and say so a last time; joins the caller's transaction.

    The person's own words go afterwards, as the data map says.
    """
    user = User.objects.get(pk=user_id)
    if user.deleted_at is None:
        tell(user, "account_erased")
    User.objects.filter(pk=user_id).update(
        is_active=False,
        is_staff=False,
        is_superuser=False,
        locked_at=None,
        lock_reason="",
        email_verified_at=None,
        deleted_at=Coalesce("deleted_at", Now()),
        version=F("version") + 1,
    )
    hooks.fire(hooks.USER_ACCESS_CHANGED, user_id=user_id, is_active=False)
    end_logins(user_id=user_id, actor=SYSTEM, reason="erased")
    forget_cached_keys(user_id=user_id)


def tell_person(*, user_id: uuid.UUID, template: str, **facts: Any) -> None:
    """Mail a person by their id; who is closed hears nothing. Joins the caller's transaction."""
    user = User.objects.filter(pk=user_id, deleted_at=None).first()
    if user is not None:
        tell(user, template, **facts)
