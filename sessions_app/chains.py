"""Links of a chain that only the holder of the last one and we together can continue.

A link is the id of its chain, a generation, a 256-bit secret and a tag, 128 bits of HMAC over the
others. A link with a false tag is a guess, and nothing happens to the chain. The successor's secret
is an HMAC of the link, so parallel requests with one link are answered alike; it cannot be computed
from the database and the key without the link, nor from the link without the key.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import hashlib
import hmac
import secrets
import struct
import uuid
from typing import Final

from core import crypto

_TAG_BYTES: Final = 16
_VALIDATOR: Final = struct.Struct(f">I32s{_TAG_BYTES}s")
_SELECTOR: Final = struct.Struct(">16s16s")
GENERATION_MAX: Final = 2**31 - 1


@dataclasses.dataclass(frozen=True, slots=True)
class Link:
    """One link. Its text is ``selector.validator``: where to look, and what proves it."""

    user_id: uuid.UUID
    chain_id: uuid.UUID
    generation: int
    secret: bytes
    tag: bytes

    @property
    def text(self) -> str:
        """What the holder keeps."""
        selector = _SELECTOR.pack(self.user_id.bytes, self.chain_id.bytes)
        validator = _VALIDATOR.pack(self.generation, self.secret, self.tag)
        return f"{_as_text(selector)}.{_as_text(validator)}"

    @property
    def sha256(self) -> bytes:
        """What the database keeps."""
        return hashlib.sha256(self.text.encode()).digest()

    def is_authentic(self) -> bool:
        """Return whether we made this link, under any key we still have."""
        return any(hmac.compare_digest(self.tag, _tag(self, key_id)) for key_id in crypto.key_ids())

    def successor(self, key_id: str) -> Link:
        """Return the next link, the same one for whoever asks with this key."""
        secret = crypto.tag(self.text.encode(), purpose="chain-successor", key_id=key_id)
        return _tagged(self.user_id, self.chain_id, self.generation + 1, secret, key_id)


def first_link(user_id: uuid.UUID, chain_id: uuid.UUID, *, key_id: str) -> Link:
    """Return the first link of a new chain."""
    return _tagged(user_id, chain_id, 0, secrets.token_bytes(32), key_id)


def parse(text: str) -> Link | None:
    """Return the link that ``text`` is the one spelling of, or ``None``."""
    selector, _, validator = text.partition(".")
    try:
        user, chain = _SELECTOR.unpack(_as_bytes(selector))
        generation, secret, tag = _VALIDATOR.unpack(_as_bytes(validator))
    except (ValueError, binascii.Error, struct.error):
        return None
    link = Link(uuid.UUID(bytes=user), uuid.UUID(bytes=chain), generation, secret, tag)
    return link if link.text == text and generation < GENERATION_MAX else None


def _tagged(
    user_id: uuid.UUID, chain_id: uuid.UUID, generation: int, secret: bytes, key_id: str
) -> Link:
    bare = Link(user_id, chain_id, generation, secret, b"")
    return dataclasses.replace(bare, tag=_tag(bare, key_id))


def _tag(link: Link, key_id: str) -> bytes:
    # Every part has a fixed length: no two links give one message.
    message = link.user_id.bytes + link.chain_id.bytes + link.secret
    packed = message + link.generation.to_bytes(4)
    return crypto.tag(packed, purpose="chain-link", key_id=key_id)[:_TAG_BYTES]


def _as_text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _as_bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
