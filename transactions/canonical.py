"""The bytes of a transaction, for its seal: frozen for ever, described in docs/seals.md.

Every value is a big-endian 32-bit length and that many bytes; an absent one is 0xFFFFFFFF. Ids
are their 16 bytes, integers 8 bytes in two's complement, instants microseconds since 1970 as such
an integer, texts UTF-8, metadata JSON without blanks and with sorted members.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import struct
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

TRANSACTION_FORMAT: Final = "strongroom/transaction/1"
SEAL_FORMAT: Final = "strongroom/seal/1"
TRANSACTION_FIELDS: Final = (
    *("id", "user_id", "ledger_id", "epoch", "xid", "kind", "reference", "description"),
    *("effective_at", "recorded_at", "metadata", "actor_id", "actor_kind", "session_id"),
    *("request_id", "reverses_id", "hold_id"),
)
ENTRY_FIELDS: Final = (
    *("leg", "user_id", "account_id", "asset_code", "amount", "account_seq", "balance_after"),
    *("recorded_at", "effective_at"),
)
ABSENT: Final = b"\xff\xff\xff\xff"
DIGEST_BYTES: Final = 32
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def transaction_digest(
    transaction: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]
) -> bytes:
    """Return SHA-256 over the bytes of a transaction and its entries, which come by leg."""
    return hashlib.sha256(transaction_bytes(transaction, entries)).digest()


def transaction_bytes(
    transaction: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]
) -> bytes:
    """Return the canonical bytes: format, fields, number of entries, fields of each entry."""
    values = [TRANSACTION_FORMAT, *(transaction[name] for name in TRANSACTION_FIELDS)]
    values.append(len(entries))
    for entry in entries:
        values += [entry[name] for name in ENTRY_FIELDS]
    return b"".join(_packed(value) for value in values)


def seal_hash(*, number: int, previous_hash: bytes, members: bytes) -> bytes:
    """Return SHA-256 over a seal: format, number, the hash before it, ids and digests."""
    values: list[object] = [SEAL_FORMAT, number, previous_hash, members]
    return hashlib.sha256(b"".join(_packed(value) for value in values)).digest()


def _packed(value: object) -> bytes:
    if value is None:
        return ABSENT
    content = _bytes_of(value)
    return struct.pack(">I", len(content)) + content


def _bytes_of(value: object) -> bytes:
    match value:
        case bytes():
            return value
        case uuid.UUID():
            return value.bytes
        case int():
            return struct.pack(">q", value)
        case str():
            return value.encode()
        case dt.datetime():
            return struct.pack(">q", (value - _EPOCH) // dt.timedelta(microseconds=1))
        case dict():
            return json.dumps(
                value, sort_keys=True, separators=(",", ":"), ensure_ascii=False
            ).encode()
    raise TypeError(f"no canonical bytes for {type(value).__name__}")
