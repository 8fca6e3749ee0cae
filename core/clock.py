"""The time. Everything asks here, so a test can hold it still."""

from __future__ import annotations

import datetime as dt
import time


def now() -> dt.datetime:
    """Return the current instant, aware, in UTC."""
    return dt.datetime.now(tz=dt.UTC)


def monotonic_ms() -> float:
    """Return milliseconds on a clock that never goes back; only differences mean anything."""
    return time.monotonic() * 1_000


def as_rfc3339(moment: dt.datetime) -> str:
    """Render ``moment`` as RFC 3339 in UTC with microseconds, as every API answer does."""
    return moment.astimezone(dt.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
