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
from collections.abc import Iterator, Sequence
from typing import Final

from django.conf import settings

from core import clock, counted, metrics

KEYS_MAX: Final = 50_000

# KEYS: what the takes rest on, then the counters. ARGV: how that must begin, then for each counter
# the cost of this take and the depth of the bucket, in microseconds. A negative cost gives back.
# Answers {allowed, microseconds until the bucket is full} for each counter up to the first refusal,
# and nothing where what they rest on is another.
_TAKE: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
if ARGV[1] ~= '' and redis.call('GETRANGE', KEYS[1], 0, #ARGV[1] - 1) ~= ARGV[1] then return {} end
local answers = {}
for i = 2, #KEYS do
    local cost, depth = tonumber(ARGV[2 * i - 2]), tonumber(ARGV[2 * i - 1])
    local full_at = math.max(tonumber(redis.call('GET', KEYS[i]) or now), now)
    local moved = math.max(full_at + cost, now)
    if cost > 0 and moved - now > depth then
        answers[#answers + 1] = 0
        answers[#answers + 1] = full_at - now
        return answers
    end
    local lives = math.ceil((moved - now) / 1000) + 1
    redis.call('SET', KEYS[i], string.format('%.0f', moved), 'PX', lives)
    answers[#answers + 1] = 1
    answers[#answers + 1] = moved - now
end
return answers
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """Whether one more may happen now, how many more could, and when to come back if not."""

    is_allowed: bool
    remaining: int
    retry_after_s: int


@dataclasses.dataclass(frozen=True, slots=True)
class Rate:
    """``limit`` in ``period_s`` of what ``key`` counts."""

    key: str
    limit: int
    period_s: int

    def __post_init__(self) -> None:
        assert self.limit > 0, "nothing could ever happen"
        assert self.period_s > 0, "a rate needs a period"

    def shared_by(self, processes: int) -> Rate:
        """Return the part of one process."""
        return dataclasses.replace(self, limit=max(1, self.limit // processes))

    @property
    def one_us(self) -> int:
        """How long a token takes to come back: never no time, however many there are."""
        return max(1, self.period_s * 1_000_000 // self.limit)

    def verdict(self, *, is_allowed: bool, taken_us: int) -> Verdict:
        """Say what it means that the bucket is full again in ``taken_us``."""
        if is_allowed:
            remaining = self.limit - math.ceil(taken_us / self.one_us)
            return Verdict(is_allowed=True, remaining=remaining, retry_after_s=0)
        wait_us = taken_us + self.one_us - self.limit * self.one_us
        return Verdict(is_allowed=False, remaining=0, retry_after_s=math.ceil(wait_us / 1_000_000))


def take(key: str, *, limit: int, period_s: int) -> Verdict:
    """Take one token of ``key``; a refusal takes nothing and so does not prolong itself."""
    (verdict,) = _move([Rate(key, limit, period_s)], tokens=1)
    return verdict


def take_in_turn(rates: Sequence[Rate], *, known: tuple[str, str] = ("", "")) -> list[Verdict]:
    """Take one token of each, in one round trip, up to the first that refuses.

    ``known`` are the name of what the rates were made of and how it begins: when that begins
    otherwise by now, or the cache that knows is out, nothing is taken and there are no verdicts.
    """
    return _move(rates, tokens=1, known=known)


def look(key: str, *, limit: int, period_s: int) -> Verdict:
    """Return what :func:`take` would meet, and take nothing."""
    (verdict,) = _move([Rate(key, limit, period_s)], tokens=0)
    return dataclasses.replace(verdict, is_allowed=verdict.remaining > 0)


def give_back(key: str, *, limit: int, period_s: int) -> None:
    """Return the token of something that turned out not to count."""
    _move([Rate(key, limit, period_s)], tokens=-1)


def forget_all_here() -> None:
    """Empty the counters of this process, for tests."""
    _here.forget_all()


def _move(
    rates: Sequence[Rate], *, tokens: int, known: tuple[str, str] = ("", "")
) -> list[Verdict]:
    moves = [
        number for rate in rates for number in (tokens * rate.one_us, rate.limit * rate.one_us)
    ]
    answered = counted.SERVER.run_script(
        _TAKE,
        keys=[known[0], *(f"rate:{rate.key}" for rate in rates)],
        arguments=[known[1], *moves],
    )
    if answered is None:
        return [] if known[0] else list(_moved_here(rates, tokens))
    pairs = zip(rates, answered[::2], answered[1::2], strict=False)
    return [rate.verdict(is_allowed=bool(yes), taken_us=us) for rate, yes, us in pairs]


def _moved_here(rates: Sequence[Rate], tokens: int) -> Iterator[Verdict]:
    """Do the same in this process, with its share of each limit."""
    for whole in rates:
        metrics.FALLBACKS.labels(source="limits", target="process").inc()
        rate = whole.shared_by(settings.ENV.web_workers)
        is_allowed, taken_us = _here.move(
            rate.key, cost_us=tokens * rate.one_us, depth_us=rate.limit * rate.one_us
        )
        yield rate.verdict(is_allowed=is_allowed, taken_us=taken_us)
        if not is_allowed:
            return


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
