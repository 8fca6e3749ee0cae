"""Checked sessions in the memory that :mod:`core.remembered` keeps."""

from __future__ import annotations

import uuid
from typing import Any

from core import remembered
from sessions_app import constants
from sessions_app.tokens import TokenKey


def recall(key: TokenKey) -> tuple[dict[str, Any] | None, str | None]:
    """Return the remembered facts, if they still count, and the person's generation now."""
    return remembered.recall(_name(key), user_id=key.user_id)


def remember(key: TokenKey, facts: dict[str, Any], *, generation: str | None) -> None:
    """Keep ``facts`` under the generation that was read before them."""
    remembered.remember(_name(key), facts, generation=generation, ttl_s=constants.CACHE_TTL_S)


def forget_user(user_id: uuid.UUID) -> None:
    """Make everything remembered of this person worthless; call after the commit."""
    remembered.forget_user(user_id)


def _name(key: TokenKey) -> str:
    return f"session:{key.sha256.hex()}"
