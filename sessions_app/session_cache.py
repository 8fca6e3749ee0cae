"""Checked sessions in the memory that :mod:`core.remembered` keeps.

One session is known by two names: the hash of its token, and its id, which a JWT carries.
"""

from __future__ import annotations

import uuid
from typing import Any

from core import remembered
from sessions_app import constants
from sessions_app.tokens import TokenKey


def name_of_token(key: TokenKey) -> str:
    """Return the name for whoever shows the token itself."""
    return f"session:{key.sha256.hex()}"


def name_of_session(session_id: uuid.UUID) -> str:
    """Return the name for whoever shows a JWT made of the session."""
    return f"session-id:{session_id.hex}"


def recall(name: str, *, user_id: uuid.UUID) -> tuple[dict[str, Any] | None, str | None]:
    """Return the remembered facts, if they still count, and the person's generation now."""
    return remembered.recall(name, user_id=user_id)


def remember(name: str, facts: dict[str, Any], *, generation: str | None) -> None:
    """Keep ``facts`` under the generation that was read before them."""
    remembered.remember(name, facts, generation=generation, ttl_s=constants.CACHE_TTL_S)


def forget_user(user_id: uuid.UUID) -> None:
    """Make everything remembered of this person worthless; call after the commit."""
    remembered.forget_user(user_id)
