"""The refresh token: a link of a chain that only its holder and we together can continue.

``srr_<user>_<family>_<generation>_<secret>_<tag>``: ids and the 256-bit secret in URL-safe base64,
the tag 128 bits of HMAC over all before it. A token with a false tag is a guess and ends nothing.

The successor's secret is an HMAC of the presented one, so parallel requests with one token are
answered alike, and so is a repeated one whose answer was lost. It cannot be computed from the
database and the key without the token, nor from the token without the key.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import hmac
import re
import secrets
import uuid
from typing import Final

from core import crypto
from core import tokens as core_tokens
from sessions_app import constants, tokens

_TAG_BYTES: Final = 16
_TOKEN: Final = re.compile(
    rf"{constants.REFRESH_TOKEN_PREFIX}_([\w-]{{22}})_([\w-]{{22}})_(0|[1-9]\d{{0,8}})"
    r"_([\w-]{43})_([\w-]{22})\Z",
    re.ASCII,
)


@dataclasses.dataclass(frozen=True, slots=True)
class RefreshToken:
    """One link of a family's chain."""

    user_id: uuid.UUID
    family_id: uuid.UUID
    generation: int
    secret: bytes
    tag: bytes

    @property
    def text(self) -> str:
        """What the client keeps."""
        parts = (
            _as_text(self.user_id.bytes),
            _as_text(self.family_id.bytes),
            str(self.generation),
            _as_text(self.secret),
            _as_text(self.tag),
        )
        return "_".join((constants.REFRESH_TOKEN_PREFIX, *parts))

    @property
    def sha256(self) -> bytes:
        """What the database keeps."""
        return hashlib.sha256(self.text.encode()).digest()

    def is_authentic(self, key_id: str) -> bool:
        """Return whether we made this token, under the key ``key_id`` that we still have."""
        try:
            expected = _tag(self.user_id, self.family_id, self.generation, self.secret, key_id)
        except crypto.SealBroken:
            return False
        return hmac.compare_digest(expected, self.tag)

    def successor(self, key_id: str) -> RefreshToken:
        """Return the next link, the same one for whoever asks."""
        secret = crypto.tag(self.text.encode(), purpose="refresh-successor", key_id=key_id)
        return _linked(self.user_id, self.family_id, self.generation + 1, secret, key_id)

    def access_token(self, key_id: str) -> str:
        """Return the bearer token that goes with this link, the same one for whoever asks."""
        secret = crypto.tag(self.text.encode(), purpose="refresh-access", key_id=key_id)
        return tokens.make_token(self.user_id, secret)


def first_token(user_id: uuid.UUID, family_id: uuid.UUID, key_id: str) -> RefreshToken:
    """Return the first link of a new chain."""
    secret = secrets.token_bytes(core_tokens.SECRET_BYTES)
    return _linked(user_id, family_id, 0, secret, key_id)


def parse(text: str) -> RefreshToken | None:
    """Return the token that ``text`` is the one spelling of, or ``None``."""
    match = _TOKEN.match(text)
    if match is None:
        return None
    token = RefreshToken(
        user_id=uuid.UUID(bytes=_as_bytes(match[1])),
        family_id=uuid.UUID(bytes=_as_bytes(match[2])),
        generation=int(match[3]),
        secret=_as_bytes(match[4]),
        tag=_as_bytes(match[5]),
    )
    return token if token.text == text else None


def _linked(
    user_id: uuid.UUID, family_id: uuid.UUID, generation: int, secret: bytes, key_id: str
) -> RefreshToken:
    tag = _tag(user_id, family_id, generation, secret, key_id)
    return RefreshToken(user_id, family_id, generation, secret, tag)


def _tag(
    user_id: uuid.UUID, family_id: uuid.UUID, generation: int, secret: bytes, key_id: str
) -> bytes:
    # Every part but the last has a fixed length: no two tokens give one message.
    message = user_id.bytes + family_id.bytes + secret + str(generation).encode()
    return crypto.tag(message, purpose="refresh-token", key_id=key_id)[:_TAG_BYTES]


def _as_text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _as_bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
