"""How consent records prove themselves: each one's hash covers the one before it."""

from __future__ import annotations

import hashlib
from typing import Any, Final

import orjson

FIRST: Final = bytes(32)


def link_hash(previous: bytes, facts: dict[str, Any]) -> bytes:
    """Return the hash of a record with ``facts`` after the record with the hash ``previous``.

    SHA-256 over ``previous`` and the facts as JSON with sorted members: anybody with the rows can
    compute it again.
    """
    packed = orjson.dumps(facts, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(previous + packed).digest()
