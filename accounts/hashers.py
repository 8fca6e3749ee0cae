"""How passwords are stored, and how many are hashed at one time."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Iterator
from typing import Final

from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher
from typing_extensions import override

from accounts.errors import HashingBusy
from core import metrics

RETRY_AFTER_S: Final = 1


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
        with hashing():
            return super().encode(password, salt)

    @override
    def verify(self, password: str, encoded: str) -> bool:
        with hashing():
            return super().verify(password, encoded)


@contextlib.contextmanager
def hashing() -> Iterator[None]:
    """Wait for a turn to do expensive work on a password.

    At most half of a process's threads are in here, working or waiting, so that the others keep
    answering everything else while a thousand logins arrive.

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
            yield
        finally:
            gate.turns.release()
    finally:
        gate.places.release()


class _Gate:
    """Turns for work, and places for those at work or waiting."""

    def __init__(self) -> None:
        env = settings.ENV
        self.turns = threading.BoundedSemaphore(env.password_hashes_at_once)
        self.places = threading.BoundedSemaphore(
            max(env.password_hashes_at_once, env.web_threads // 2)
        )


@functools.cache
def _the_gate() -> _Gate:
    return _Gate()


def _refusal() -> HashingBusy:
    metrics.HASHES_REFUSED.inc()
    return HashingBusy("Too many logins at once. Try again.", retry_after_s=RETRY_AFTER_S)
