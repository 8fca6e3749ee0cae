"""Bearer tokens: a clear user id for routing, and 256 random bits.

``<prefix>_<22 characters of user id>_<43 characters of secret>``, both URL-safe base64. Only the
SHA-256 of the whole text is stored: with this much randomness a slow hash would add nothing
(OWASP ASVS 5.0, 6.5.2).
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import functools
import hashlib
import re
import secrets
import uuid
from typing import Final

SECRET_BYTES: Final = 32


@dataclasses.dataclass(frozen=True, slots=True)
class TokenKey:
    """Where to look for a token: whose it claims to be, and its hash."""

    user_id: uuid.UUID
    sha256: bytes


def make_token(prefix: str, user_id: uuid.UUID, secret: bytes | None = None) -> str:
    """Return a new token, of ``secret`` or a random one; it is shown once and kept nowhere."""
    return f"{prefix}_{_text(user_id.bytes)}_{_text(secret or secrets.token_bytes(SECRET_BYTES))}"


def key_of(prefix: str, token: str) -> TokenKey | None:
    """Return where to look for ``token``, or ``None`` when no token of this kind looks like it."""
    match = _pattern(prefix).match(token)
    if match is None:
        return None
    try:
        routed = base64.urlsafe_b64decode(match[1] + "==")
    except binascii.Error:
        return None
    return TokenKey(uuid.UUID(bytes=routed), hashlib.sha256(token.encode("ascii")).digest())


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@functools.cache
def _pattern(prefix: str) -> re.Pattern[str]:
    return re.compile(rf"{prefix}_([A-Za-z0-9_-]{{22}})_[A-Za-z0-9_-]{{43}}\Z")
