"""One Valkey as this process uses it: fast when it is there, forgotten when it is not.

A dead one costs one time-out, then is left alone for a moment; callers see misses.
"""

from __future__ import annotations

import functools
import hashlib
import os
import threading
import weakref
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Final

import redis
import structlog
from django_redis import get_redis_connection

from core import clock, metrics, tracing
from core.version import VERSION

LEFT_ALONE_MS: Final = 2_000
PREFIX: Final = f"strongroom:{VERSION}:"

log = structlog.get_logger(__name__)


class Valkey:
    """The server behind one alias of ``CACHES``, shared by the threads of this process."""

    def __init__(self, alias: str) -> None:
        self.alias = alias
        self._usable_at_ms = 0.0
        self._line = _Line(alias)

    def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        """Return the values of ``keys`` in one round trip; misses when it is out."""
        if self._is_usable():
            try:
                with _span("MGET"):
                    found: list[Any] = self._answer_to("MGET", *[PREFIX + key for key in keys])
            except redis.RedisError as exc:
                self._leave_alone(exc)
            else:
                return found
        metrics.FALLBACKS.labels(source="cache", target="database").inc()
        return [None] * len(keys)

    def put(self, key: str, value: bytes, *, ttl_s: int) -> None:
        """Keep ``value`` for ``ttl_s`` seconds, if it is there."""
        if not self._is_usable():
            return
        try:
            with _span("SET"):
                self.client().set(PREFIX + key, value, ex=ttl_s)
        except redis.RedisError as exc:
            self._leave_alone(exc)

    def put_if_absent(self, key: str, value: bytes, *, ttl_s: int) -> bytes | None:
        """Keep ``value`` unless ``key`` exists; return what is kept now, ``None`` without it."""
        if not self._is_usable():
            return None
        try:
            with _span("SET"):
                earlier: Any = self.client().set(PREFIX + key, value, ex=ttl_s, nx=True, get=True)
        except redis.RedisError as exc:
            self._leave_alone(exc)
            return None
        return value if earlier is None else earlier

    def overwrite(self, key: str, value: bytes, *, ttl_s: int) -> bool:
        """Replace ``key`` even while it is being left alone: for invalidations.

        Returns whether it arrived.
        """
        try:
            with _span("SET"):
                self.client().set(PREFIX + key, value, ex=ttl_s)
        except redis.RedisError as exc:
            self._leave_alone(exc)
            return False
        return True

    def run_script(
        self, script: str, *, keys: Sequence[str], arguments: Sequence[int | str]
    ) -> list[Any] | None:
        """Run a Lua ``script`` atomically over ``keys``; ``None`` when it is out."""
        if not self._is_usable():
            return None
        operands = [len(keys), *(PREFIX + key for key in keys), *arguments]
        try:
            with _span("EVALSHA"):
                try:
                    answered: list[Any] = self._answer_to("EVALSHA", _digest_of(script), *operands)
                except redis.exceptions.NoScriptError:
                    # A Valkey that has not heard it yet learns it by this.
                    answered = self._answer_to("EVAL", script, *operands)
        except redis.RedisError as exc:
            self._leave_alone(exc)
            return None
        return answered

    def is_reachable(self) -> bool:
        """Ask for a sign of life, whatever happened before."""
        try:
            return bool(self.client().ping())
        except redis.RedisError:
            return False

    def about(self) -> dict[str, Any]:
        """Return what an operator wants to know of it; nothing when it does not answer."""
        try:
            told: Any = self.client().info()
        except redis.RedisError:
            return {}
        return {
            # A service that somebody else runs may not tell all of it.
            "role": told.get("role", ""),
            "memory_used_mb": told.get("used_memory", 0) // 1_024**2,
            "memory_max_mb": told.get("maxmemory", 0) // 1_024**2,
            "eviction": told.get("maxmemory_policy", ""),
            "evicted_keys": told.get("evicted_keys", 0),
            "clients": told.get("connected_clients", 0),
        }

    def close(self) -> None:
        """Give up the connections of this process."""
        self.client().connection_pool.disconnect()
        self._line.close_all()

    def use_again(self) -> None:
        """Stop leaving it alone, for tests that begin after one without it."""
        self._usable_at_ms = 0.0

    def client(self) -> redis.Redis:
        """Return the client with all its commands."""
        client: redis.Redis = get_redis_connection(self.alias)
        return client

    def _answer_to(self, *command: int | str) -> Any:
        """Send one command and return its answer, without what the client adds to each.

        Raises:
            RedisError: whatever went wrong; the connection is not used again then.
        """
        connection = self._line.ready()
        connection.send_command(*command)  # type: ignore[no-untyped-call]  # untyped
        return connection.read_response()

    def _is_usable(self) -> bool:
        return clock.monotonic_ms() >= self._usable_at_ms

    def _leave_alone(self, exc: redis.RedisError) -> None:
        # One verdict for the process, shared by its threads.
        self._usable_at_ms = clock.monotonic_ms() + LEFT_ALONE_MS
        metrics.CACHE_ERRORS.inc()
        log.warning("cache_failed", error=type(exc).__name__, store=self.alias)


class _Line(threading.local):
    """The connection of this thread: to take one from a pool costs more than the question."""

    _all: weakref.WeakSet[redis.Connection] = weakref.WeakSet()

    def __init__(self, alias: str) -> None:
        self._alias = alias
        self._connection: redis.Connection | None = None
        self._process = 0

    def ready(self) -> redis.Connection:
        """Return the connection, made anew when Valkey has closed it or this is another process."""
        connection = self._connection
        if connection is None or self._process != os.getpid():
            pool = get_redis_connection(self._alias).connection_pool
            connection = self._connection = pool.connection_class(**pool.connection_kwargs)
            self._process = os.getpid()
            self._all.add(connection)
        if connection.is_connected and _is_spent(connection):
            connection.disconnect()
        return connection

    def close_all(self) -> None:
        """Hang up in every thread."""
        for connection in list(self._all):
            connection.disconnect()  # type: ignore[no-untyped-call]  # untyped


def _is_spent(connection: redis.Connection) -> bool:
    """Return whether Valkey has hung up, or sent what nobody asked for."""
    try:
        return connection.can_read()
    except redis.ConnectionError:
        return True


def _span(operation: str) -> AbstractContextManager[object]:
    return tracing.span(
        f"valkey {operation}",
        kind="client",
        db__system__name="redis",
        db__operation__name=operation,
    )


@functools.cache
def _digest_of(script: str) -> str:
    # The name of a script in EVALSHA, no protection of anything.
    return hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()
