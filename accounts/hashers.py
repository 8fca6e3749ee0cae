"""How passwords are stored, and how many are hashed at one time."""

from __future__ import annotations

import contextlib
import functools
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher
from typing_extensions import override

from accounts.errors import HashingBusy
from core import metrics

T = TypeVar("T")
RETRY_AFTER_S: Final = 1
# Of the 20 there are: a tenth of the share of the processor that others get.
STEPS_BACK: Final = 10


class Argon2idPasswordHasher(Argon2PasswordHasher):
    """Argon2id with 46 MiB, one pass, one lane (OWASP ASVS 5.0, appendix C).

    Django's own parameters need twice the memory and take several times as long, which makes a
    login storm an outage.
    """

    time_cost = 1
    memory_cost = 47_104
    parallelism = 1

    @override
    def encode(self, password: str, salt: str) -> str:
        return hashing(functools.partial(super().encode, password, salt))

    @override
    def verify(self, password: str, encoded: str) -> bool:
        return hashing(functools.partial(super().verify, password, encoded))


def hashing(work: Callable[[], T]) -> T:
    """Wait for a turn, and return what expensive ``work`` on a password gives.

    It is done in a thread that steps back for all others, and at most half of a process's threads
    wait for it, so that the others keep answering everything else while a thousand logins arrive.

    Raises:
        HashingBusy: no turn within ``PASSWORD_HASH_WAIT_MS``, or too many waiting already.
    """
    gate = _the_gate()
    if not gate.places.acquire(blocking=False):
        raise _refusal()
    try:
        if not gate.turns.acquire(timeout=settings.ENV.password_hash_wait_ms / 1_000):
            raise _refusal()
        try:
            with metrics.HASH_DURATION_S.time():
                return gate.threads.submit(work).result()
        finally:
            gate.turns.release()
    finally:
        gate.places.release()


class _Gate:
    """Turns for work, a thread for each, and places for those at work or waiting."""

    def __init__(self) -> None:
        env = settings.ENV
        at_once = env.password_hashes_at_once
        self.turns = threading.BoundedSemaphore(at_once)
        self.places = threading.BoundedSemaphore(max(at_once, env.web_threads // 2))
        self.threads = ThreadPoolExecutor(at_once, "hashing", initializer=_step_back)


@functools.cache
def _the_gate() -> _Gate:
    return _Gate()


# Threads do not come along into a forked process.
os.register_at_fork(after_in_child=_the_gate.cache_clear)


def _step_back() -> None:
    """Let this thread work when nobody else needs the processor; Linux knows threads by number."""
    with contextlib.suppress(OSError):
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, 0) + STEPS_BACK)


def _refusal() -> HashingBusy:
    metrics.HASHES_REFUSED.inc()
    return HashingBusy("Too many logins at once. Try again.", retry_after_s=RETRY_AFTER_S)
