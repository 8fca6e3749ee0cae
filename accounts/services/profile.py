"""What people say of themselves, and staff of them."""

from __future__ import annotations

import re
import uuid
from typing import Any

from django.db import IntegrityError
from django.db.models import F

from accounts import constants, errors
from accounts.models import User
from accounts.services.notices import tell
from core import audit, db
from core.errors import PreconditionFailed
from core.principals import Principal


def update_profile(
    *, user_id: uuid.UUID, version: int, changes: dict[str, Any], actor: Principal
) -> User:
    """Change the named fields of a person, if nobody changed them since ``version``.

    A new user name is told by mail, because one can log in with it. Commits its own transaction
    or joins the caller's.

    Raises:
        AccountNotFound: no such person, or not for ``actor`` to see.
        PreconditionFailed: somebody else changed the account first.
        UsernameInvalid, UsernameTaken: the user name cannot be had.
    """
    if "username" in changes:
        changes = {**changes, "username_normalized": normalize_username(changes["username"])}

    def update() -> User:
        rows = User.objects.visible_to(actor).filter(pk=user_id)
        before: User | None = rows.select_for_update().first()
        if before is None:
            raise errors.AccountNotFound("There is no such account.")
        if before.version != version:
            raise PreconditionFailed("The account has changed; read it again.")
        _store(before, changes)
        audit.record(
            action="account.update",
            actor=actor,
            user_id=user_id,
            target_type="user",
            target_id=user_id,
            fields=sorted(set(changes) - {"username_normalized"}),
        )
        if changes.get("username", before.username) != before.username:
            tell(before, "username_changed")
        after: User = rows.get()
        return after

    return db.run_in_transaction(update)


def normalize_username(username: str | None) -> str | None:
    """Return the form of a user name that decides who is who; ``None`` stays ``None``.

    Raises:
        UsernameInvalid: not 3 to 32 ASCII letters, digits, dots, dashes and underscores.
    """
    if username is None:
        return None
    if not re.fullmatch(constants.USERNAME, username):
        detail = "Must be 3 to 32 letters, digits, dots, dashes and underscores."
        fault = {"pointer": "#/username", "code": errors.UsernameInvalid.code, "detail": detail}
        raise errors.UsernameInvalid(detail, errors=[fault])
    return username.casefold()


def _store(user: User, changes: dict[str, Any]) -> None:
    try:
        User.objects.filter(pk=user.pk).update(**changes, version=F("version") + 1)
    except IntegrityError as exc:
        if db.violated_constraint(exc) != "users_username_once":
            raise
        raise errors.UsernameTaken("Choose another user name.") from exc
