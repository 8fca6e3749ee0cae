"""The token of a session."""

from __future__ import annotations

import uuid

from core import tokens
from core.tokens import TokenKey
from sessions_app import constants

__all__ = ["TokenKey", "key_of", "make_token"]


def make_token(user_id: uuid.UUID, secret: bytes | None = None) -> str:
    """Return a new token, of ``secret`` or a random one; it is shown once and kept nowhere."""
    return tokens.make_token(constants.TOKEN_PREFIX, user_id, secret)


def key_of(token: str) -> TokenKey | None:
    """Return where to look for ``token``, or ``None`` when no token of ours looks like it."""
    return tokens.key_of(constants.TOKEN_PREFIX, token)
