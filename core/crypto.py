"""Encryption at rest and keyed tags, with keys that can be replaced.

``ENCRYPTION_KEYS`` is a ring: the first key writes, every key reads. A sealed value names its key,
so old rows stay readable while ``keys_reencrypt`` moves them on. Each purpose has a key of its own,
derived with HKDF-SHA256 (RFC 5869), so that no value of one purpose opens another.
"""

from __future__ import annotations

import functools
import hmac
import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from core import encryption_keys

NONCE_BYTES: Final = 12
_FORMAT: Final = b"\x01"


class SealBroken(Exception):
    """A sealed value was changed or moved, or its key is gone: never a client's fault."""


def seal(plaintext: bytes, *, bound_to: str) -> bytes:
    """Encrypt ``plaintext`` with AES-256-GCM under the current key.

    ``bound_to`` names where the value lives (``table.column:primary key``) and is authenticated: a
    value copied to another row does not open there.
    """
    key_id = current_key_id()
    nonce = secrets.token_bytes(NONCE_BYTES)
    head = head_of(key_id)
    box = AESGCM(_derived(key_id, "seal"))
    return head + nonce + box.encrypt(nonce, plaintext, head + bound_to.encode())


def unseal(sealed: bytes, *, bound_to: str) -> bytes:
    """Return what :func:`seal` was given.

    Raises:
        SealBroken: changed, bound to something else, or under a key that is gone.
    """
    key_id = key_id_of(sealed)
    start = len(_FORMAT) + 1 + len(key_id)
    head, nonce, rest = sealed[:start], sealed[start : start + NONCE_BYTES], sealed[start + 12 :]
    try:
        return AESGCM(_derived(key_id, "seal")).decrypt(nonce, rest, head + bound_to.encode())
    except (InvalidTag, ValueError) as exc:
        raise SealBroken("A sealed value cannot be opened.") from exc


def head_of(key_id: str) -> bytes:
    """Return how every value begins that was sealed with the key ``key_id``."""
    return _FORMAT + bytes([len(key_id)]) + key_id.encode()


def key_id_of(sealed: bytes) -> str:
    """Return the id of the key that ``sealed`` was written with.

    Raises:
        SealBroken: not a sealed value.
    """
    if sealed[:1] != _FORMAT or len(sealed) < 2:  # noqa: PLR2004 - format byte and length byte
        raise SealBroken("This is not a sealed value.")
    return sealed[2 : 2 + sealed[1]].decode("ascii", "replace")


def tag(message: bytes, *, purpose: str, key_id: str | None = None) -> bytes:
    """Return 32 bytes that only a holder of the key can compute: HMAC-SHA256 for ``purpose``.

    Raises:
        SealBroken: no such key.
    """
    return hmac.digest(_derived(key_id or current_key_id(), f"tag:{purpose}"), message, "sha256")


def key_ids() -> list[str]:
    """Return the ids of all keys that read, the one that writes first."""
    return list(_ring())


def current_key_id() -> str:
    """Return the id of the key that writes."""
    return next(iter(_ring()))


@functools.cache
def _ring() -> dict[str, bytes]:
    return encryption_keys.parse_keys(settings.ENV.encryption_keys)


@functools.lru_cache(maxsize=256)
def _derived(key_id: str, purpose: str) -> bytes:
    try:
        root = _ring()[key_id]
    except KeyError as exc:
        raise SealBroken("The key of a sealed value is not in ENCRYPTION_KEYS.") from exc
    return HKDF(
        SHA256(), encryption_keys.KEY_BYTES, salt=None, info=f"strongroom:{purpose}".encode()
    ).derive(root)
