"""Identifiers: UUID version 7 (RFC 9562, section 5.7), made by the application.

The first 48 bits are Unix milliseconds, so ids sort by time and a range of ids is a range of
time: that is what the month partitions are cut by.
"""

from __future__ import annotations

import datetime as dt
import os
import threading
import time
import uuid

_UNIX_MS_SHIFT = 80
_lock = threading.Lock()
_last_unix_ms = 0
_counter = 0
_COUNTER_BITS = 12
_COUNTER_START_BITS = 11


def uuid7() -> uuid.UUID:
    """Return a new UUIDv7, larger than every id this process made before.

    The 12 bits after the version count within a millisecond (RFC 9562, section 6.2, method 1);
    they start at a random point in the lower half and borrow the next millisecond on overflow.
    """
    return uuid7s(1)[0]


def uuid7s(count: int) -> list[uuid.UUID]:
    """Return ``count`` ascending ids; cheaper than ``count`` calls of :func:`uuid7`."""
    global _last_unix_ms, _counter  # noqa: PLW0603 - the generator is one per process by design
    entropy = os.urandom(8 * count + 2)
    made = []
    with _lock:
        unix_ms = time.time_ns() // 1_000_000
        if unix_ms > _last_unix_ms:
            _last_unix_ms = unix_ms
            _counter = int.from_bytes(entropy[-2:]) >> (16 - _COUNTER_START_BITS)
        for offset in range(0, 8 * count, 8):
            _counter += 1
            if _counter >> _COUNTER_BITS:
                _last_unix_ms += 1
                _counter = 0
            random_62 = int.from_bytes(entropy[offset : offset + 8]) >> 2
            made.append((_last_unix_ms << _UNIX_MS_SHIFT) | (_counter << 64) | random_62)
    return [uuid.UUID(int=value | 0x7000_8000_0000_0000_0000) for value in made]


def first_uuid7_at(moment: dt.datetime) -> uuid.UUID:
    """Return the smallest UUID an id made at or after ``moment`` can have (a partition bound)."""
    unix_ms = int(moment.timestamp() * 1_000)
    return uuid.UUID(int=unix_ms << _UNIX_MS_SHIFT)


def made_at(identifier: uuid.UUID) -> dt.datetime:
    """Return the millisecond in which a UUIDv7 was made."""
    return dt.datetime.fromtimestamp((identifier.int >> _UNIX_MS_SHIFT) / 1_000, tz=dt.UTC)
