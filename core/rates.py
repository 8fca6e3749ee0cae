"""How often something may happen: one atomic look at one counter, and never "yes" by accident.

The counter is the generic cell rate algorithm (GCRA, ITU-T I.371): one instant per key, at which a
bucket of ``limit`` tokens that refills over ``period_s`` would be full again. A burst of ``limit``
passes at once, then one each ``period_s / limit``. One script in Valkey compares and moves the
instant, by Valkey's clock, so that parallel requests on many machines cannot both take the last
token.

Without Valkey each process counts for itself, with its share of the limit: all processes of a
machine together let no more through than Valkey would have.
"""

from __future__ import annotations

import dataclasses
import math
import threading
from collections.abc import Sequence
from typing import Final

from django.conf import settings

from core import cache, clock, metrics

KEYS_MAX: Final = 50_000

# KEYS[1] the counter; ARGV: cost of this take and depth of the bucket, in microseconds. A negative
# cost gives back. Answers {allowed, microseconds until the bucket is full}.
_TAKE: Final = """
local cost, depth = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local moved = math.max(full_at + cost, now)
if cost > 0 and moved - now > depth then return {0, full_at - now} end
redis.call('SET', KEYS[1], string.format('%.0f', moved), 'PX', math.ceil((moved - now) / 1000) + 1)
return {1, moved - now}
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """Whether one more may happen now, how many more could, and when to come back if not."""

    is_allowed: bool
    remaining: int
    retry_after_s: int


def take(key: str, *, limit: int, period_s: int) -> Verdict:
    """Take one token of ``key``; a refusal takes nothing and so does not prolong itself."""
    return _move(key, limit=limit, period_s=period_s, tokens=1)


def look(key: str, *, limit: int, period_s: int) -> Verdict:
    """Return what :func:`take` would meet, and take nothing."""
    verdict = _move(key, limit=limit, period_s=period_s, tokens=0)
    return dataclasses.replace(verdict, is_allowed=verdict.remaining > 0)


def give_back(key: str, *, limit: int, period_s: int) -> None:
    """Return the token of something that turned out not to count."""
    _move(key, limit=limit, period_s=period_s, tokens=-1)


def forget_all_here() -> None:
    """Empty the counters of this process, for tests."""
    _here.forget_all()


def _move(key: str, *, limit: int, period_s: int, tokens: int) -> Verdict:
    assert limit > 0, "nothing could ever happen"
    assert period_s > 0, "a rate needs a period"
    one_us = _one_us(limit, period_s)
    answered: Sequence[int] | None = cache.run_script(
        _TAKE, keys=[f"rate:{key}"], arguments=[tokens * one_us, limit * one_us]
    )
    if answered is None:
        metrics.FALLBACKS.labels(source="limits", target="process").inc()
        limit = max(1, limit // settings.ENV.web_workers)
        one_us = _one_us(limit, period_s)
        answered = _here.move(key, cost_us=tokens * one_us, depth_us=limit * one_us)
    is_allowed, taken_us = answered
    if not is_allowed:
        wait_us = taken_us + one_us - limit * one_us
        return Verdict(is_allowed=False, remaining=0, retry_after_s=math.ceil(wait_us / 1_000_000))
    remaining = limit - math.ceil(taken_us / one_us)
    return Verdict(is_allowed=True, remaining=remaining, retry_after_s=0)


def _one_us(limit: int, period_s: int) -> int:
    """Return how long a token takes to come back: never no time, however many there are."""
    return max(1, period_s * 1_000_000 // limit)


class _Counters:
    """The same counters in this process, for while Valkey is gone.

    There is room for ``KEYS_MAX``. Full counters make room first; when all are in use, new keys are
    refused: forgetting one would let its owner try again.
    """

    def __init__(self) -> None:
        self._full_at_us: dict[str, int] = {}
        self._lock = threading.Lock()

    def move(self, key: str, *, cost_us: int, depth_us: int) -> tuple[bool, int]:
        with self._lock:
            now_us = int(clock.monotonic_ms() * 1_000)
            full_at_us = max(self._full_at_us.get(key, now_us), now_us)
            moved_us = max(full_at_us + cost_us, now_us)
            if cost_us > 0 and moved_us - now_us > depth_us:
                return False, full_at_us - now_us
            if key not in self._full_at_us and not self._has_room(now_us):
                return False, depth_us
            self._full_at_us[key] = moved_us
            return True, moved_us - now_us

    def forget_all(self) -> None:
        with self._lock:
            self._full_at_us.clear()

    def _has_room(self, now_us: int) -> bool:
        if len(self._full_at_us) >= KEYS_MAX:
            self._full_at_us = {
                key: full_at_us
                for key, full_at_us in self._full_at_us.items()
                if full_at_us > now_us
            }
        return len(self._full_at_us) < KEYS_MAX


_here = _Counters()
