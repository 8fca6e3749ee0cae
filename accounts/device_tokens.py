"""Proof that somebody logged in on this device before.

While strangers' guesses are throttled, the owner's own device is let in: a lock that anybody can
cause must not shut out its victim. A device token opens nothing by itself; it only moves the one
who shows it to a counter of their own. It is signed, not stored, and dies with the person's epoch
(a lock, a reset) or after half a year.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hmac
import secrets
import struct
import uuid
from typing import Final

from core import clock, crypto

PREFIX: Final = "skd"
LENGTH_MAX: Final = 160
AGE_MAX: Final = dt.timedelta(days=180)
_PURPOSE: Final = "known_device"
# Person, device, epoch, issued at in Unix seconds.
_BODY: Final = struct.Struct(">16s16sII")


def make_device_token(*, user_id: uuid.UUID, epoch: int) -> str:
    """Return a token for a device on which this person has just logged in."""
    issued_at = int(clock.now().timestamp())
    body = _BODY.pack(user_id.bytes, secrets.token_bytes(16), epoch, issued_at)
    key_id = crypto.current_key_id()
    signature = crypto.tag(body, purpose=_PURPOSE, key_id=key_id)
    return ".".join((PREFIX, key_id, _text(body), _text(signature)))


def known_device(token: str, *, user_id: uuid.UUID, epoch: int) -> uuid.UUID | None:
    """Return which of this person's devices shows ``token``; ``None`` for anything else."""
    try:
        prefix, key_id, body_text, signature_text = token.split(".")
        body, signature = _bytes(body_text), _bytes(signature_text)
        expected = crypto.tag(body, purpose=_PURPOSE, key_id=key_id)
        owner, device, issued_epoch, issued_at = _BODY.unpack(body)
    except (ValueError, binascii.Error, struct.error, crypto.SealBroken):
        return None
    age_s = clock.now().timestamp() - issued_at
    is_good = (
        prefix == PREFIX
        and hmac.compare_digest(signature, expected)
        and owner == user_id.bytes
        and issued_epoch == epoch
        and age_s <= AGE_MAX.total_seconds()
    )
    return uuid.UUID(bytes=device) if is_good else None


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
