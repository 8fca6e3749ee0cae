"""The written form of encryption keys: ``id:base64url``; needs no settings."""

from __future__ import annotations

import base64
import secrets
from typing import Final

KEY_BYTES: Final = 32
KEY_ID_LENGTH_MAX: Final = 16


def parse_keys(texts: list[str]) -> dict[str, bytes]:
    """Return keys by id from ``id:base64url`` texts, in the order given.

    Raises:
        ValueError: not such texts, or a key that is not 32 bytes.
    """
    keys = {}
    for text in texts:
        key_id, colon, encoded = text.partition(":")
        key = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
        if not (
            colon and key_id.isalnum() and key_id.isascii() and len(key_id) <= KEY_ID_LENGTH_MAX
        ):
            raise ValueError(f"a key id has 1 to {KEY_ID_LENGTH_MAX} letters and digits")
        if len(key) != KEY_BYTES or key_id in keys:
            raise ValueError("a key has 32 bytes and an id of its own")
        keys[key_id] = key
    if not keys:
        raise ValueError("at least one key is needed")
    return keys


def make_key() -> str:
    """Return a new key in the form ``ENCRYPTION_KEYS`` takes."""
    encoded = base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).rstrip(b"=").decode()
    return f"k{secrets.token_hex(4)}:{encoded}"
