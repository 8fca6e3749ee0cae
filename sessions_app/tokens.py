"""The bearer token: a clear user id for routing, and 256 random bits.

``srs_<22 characters of user id>_<43 characters of secret>``, both URL-safe base64. Only the
SHA-256 of the whole text is stored: with this much randomness a slow hash would add nothing
(OWASP ASVS 5.0, 6.5.2).
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import hashlib
import re
import secrets
import uuid
from typing import Final

from sessions_app import constants

_TOKEN: Final = re.compile(rf"{constants.TOKEN_PREFIX}_([A-Za-z0-9_-]{{22}})_[A-Za-z0-9_-]{{43}}\Z")


@dataclasses.dataclass(frozen=True, slots=True)
class TokenKey:
    """Where to look for a token: whose it claims to be, and its hash."""

    user_id: uuid.UUID
    sha256: bytes


def make_token(user_id: uuid.UUID, secret: bytes | None = None) -> str:
    """Return a new token, of ``secret`` or a random one; it is shown once and kept nowhere."""
    routed = base64.urlsafe_b64encode(user_id.bytes).rstrip(b"=").decode()
    secret = secret or secrets.token_bytes(constants.TOKEN_SECRET_BYTES)
    text = base64.urlsafe_b64encode(secret).rstrip(b"=").decode()
    return f"{constants.TOKEN_PREFIX}_{routed}_{text}"


def key_of(token: str) -> TokenKey | None:
    """Return where to look for ``token``, or ``None`` when no token of ours looks like it."""
    match = _TOKEN.match(token)
    if match is None:
        return None
    try:
        routed = base64.urlsafe_b64decode(match[1] + "==")
    except binascii.Error:
        return None
    return TokenKey(uuid.UUID(bytes=routed), hashlib.sha256(token.encode("ascii")).digest())
