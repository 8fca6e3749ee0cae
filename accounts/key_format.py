"""The text of an API key: whose it is in clear, 256 random bits, and a checksum.

``srk_<43 characters>_<43 characters><6 characters>``: key and owner id for routing, the secret
(both URL-safe base64), and a CRC-32 of all before it in base 62. A scanner of source code knows
such a text at sight, and a mistyped one is refused without asking anybody: the form GitHub gave
its tokens (https://github.blog/engineering/behind-githubs-new-authentication-token-formats/).
Only the SHA-256 of the whole text is stored: with this much randomness a slow hash would add
nothing (OWASP ASVS 5.0, 6.5.2).
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import re
import secrets
import string
import uuid
import zlib
from typing import Final

PREFIX: Final = "srk_"
SECRET_BYTES: Final = 32
_BASE62: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_CHECKSUM_LENGTH: Final = 6
_KEY: Final = re.compile(
    rf"({PREFIX}([A-Za-z0-9_-]{{43}})_[A-Za-z0-9_-]{{43}})([0-9A-Za-z]{{6}})\Z"
)

_CLEAR: Final = re.compile(rf"{PREFIX}([A-Za-z0-9_-]{{43}})")


@dataclasses.dataclass(frozen=True, slots=True)
class KeyReference:
    """Where to look for a key: which it claims to be, whose, and its hash."""

    key_id: uuid.UUID
    user_id: uuid.UUID
    sha256: bytes


def make_key(*, key_id: uuid.UUID, user_id: uuid.UUID) -> str:
    """Return the text of a new key; it is shown once and cannot be had again."""
    body = f"{clear_part(key_id=key_id, user_id=user_id)}_{secrets.token_urlsafe(SECRET_BYTES)}"
    return body + _checksum(body)


def clear_part(*, key_id: uuid.UUID, user_id: uuid.UUID) -> str:
    """Return how the text of this key begins: enough to recognise it, no help in guessing it."""
    return PREFIX + base64.urlsafe_b64encode(key_id.bytes + user_id.bytes).rstrip(b"=").decode()


def key_id_of(beginning: str) -> uuid.UUID | None:
    """Return the id of the key whose text begins so, or ``None`` for the beginning of none."""
    match = _CLEAR.match(beginning)
    return None if match is None else _ids_in(match[1])[0]


def reference_of(text: str) -> KeyReference | None:
    """Return where to look for ``text``, or ``None`` when no key of ours looks like it."""
    match = _KEY.match(text)
    if match is None or _checksum(match[1]) != match[3]:
        return None
    key_id, user_id = _ids_in(match[2])
    return KeyReference(key_id, user_id, hashlib.sha256(text.encode("ascii")).digest())


def _ids_in(clear: str) -> tuple[uuid.UUID, uuid.UUID]:
    packed = base64.urlsafe_b64decode(clear + "=")
    return uuid.UUID(bytes=packed[:16]), uuid.UUID(bytes=packed[16:])


def _checksum(body: str) -> str:
    number, digits = zlib.crc32(body.encode("ascii")), ""
    for _ in range(_CHECKSUM_LENGTH):
        number, digit = divmod(number, len(_BASE62))
        digits = _BASE62[digit] + digits
    return digits
