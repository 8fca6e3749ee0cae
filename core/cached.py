"""Values that may be a little old: loaded by one for all, forgotten when their owner changes.

For what is shown, never for what is decided: whether a person may do something is remembered by
:mod:`core.remembered`, and money is read where it lies. Without the cache everything is loaded.

An entry counts while its owner's *generation* is the one that was read before it was loaded. To
invalidate is to change the generation after the commit, so that what a slower reader stores late
is of no worth.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import decimal
import random
import secrets
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

import msgpack
from django.conf import settings
from django.db import transaction

from core import cache, clock

T = TypeVar("T")
JITTER: Final = 0.1
# In the last part of its life one caller loads an entry anew while the others still get it.
FRESH_SHARE: Final = 0.9
LOADING_S: Final = 5
_POLL_S: Final = 0.01
_GENERATION_TTL_S: Final = 86_400
_UNLOCK: Final = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return {redis.call('DEL', KEYS[1])} end
return {0}
"""


def get_or_load(kind: str, key: str, *, owner: str, load: Callable[[], T]) -> T:
    """Return the value of ``key``; one caller of all processes loads it, the others wait.

    ``kind`` says for how long (setting ``CACHE_TTLS``); ``owner`` whose change ends it. ``None`` is
    a value like any other.
    """
    name = f"cached:{kind}:{key}"
    entry, generation = _look(name, owner)
    if entry is not None and _is_fresh(entry):
        return _value(entry, load)
    if generation is None:
        return load()
    token = secrets.token_hex(8).encode()
    if cache.put_if_absent(f"{name}:loading", token, ttl_s=LOADING_S) == token:
        with _unlocking(name, token):
            return _loaded(name, kind, owner, load)
    return _value(entry, load) if entry is not None else _awaited(name, owner, load)


def invalidate(owner: str) -> None:
    """Make everything cached for ``owner`` worthless, when the transaction commits."""
    transaction.on_commit(
        lambda: cache.overwrite(_generation_key(owner), _new_generation(), ttl_s=_GENERATION_TTL_S)
    )


def ttl_s(kind: str) -> int:
    """Return how long a new entry of ``kind`` lives: not all of them end at one moment."""
    table: dict[str, int] = settings.CACHE_TTLS
    base = table.get(kind, table["default"])
    # Not a secret: jitter only has to differ.
    return round(base * random.uniform(1 - JITTER, 1 + JITTER))  # noqa: S311


def pack(value: Any) -> bytes:
    """Return ``value`` as bytes that mean exactly it: times, ids, decimals, integers of any size.

    Raises:
        TypeError: a type that could not come back as itself.
    """
    return bytes(msgpack.packb(value, default=_as_extension, strict_types=True))


def unpack(packed: bytes) -> Any:
    """Return what :func:`pack` was given."""
    return msgpack.unpackb(packed, ext_hook=_of_extension, strict_map_key=False)


def _look(name: str, owner: str) -> tuple[dict[str, Any] | None, str | None]:
    packed, generation = cache.get_many([name, _generation_key(owner)])
    if generation is None:
        generation = cache.put_if_absent(
            _generation_key(owner), _new_generation(), ttl_s=_GENERATION_TTL_S
        )
        return None, generation.decode() if generation else None
    entry = unpack(packed) if packed else None
    now = generation.decode()
    return (entry if entry is not None and entry["generation"] == now else None), now


def _loaded(name: str, kind: str, owner: str, load: Callable[[], T]) -> T:
    entry, generation = _look(name, owner)
    if entry is not None and _is_fresh(entry):
        # Whoever loaded it has finished between our look and our turn.
        return _value(entry, load)
    value = load()
    lives_s = ttl_s(kind)
    fresh_until = clock.now() + dt.timedelta(seconds=lives_s * FRESH_SHARE)
    if generation is not None:
        entry = {
            "generation": generation,
            "fresh_until_ms": int(fresh_until.timestamp() * 1_000),
            "value": value,
        }
        cache.put(name, pack(entry), ttl_s=lives_s)
    return value


@contextlib.contextmanager
def _unlocking(name: str, token: bytes) -> Iterator[None]:
    """End our turn at loading, however it went, unless it has already passed on."""
    try:
        yield
    finally:
        cache.run_script(_UNLOCK, keys=[f"{name}:loading"], arguments=[token.decode()])


def _is_fresh(entry: dict[str, Any]) -> bool:
    return bool(entry["fresh_until_ms"] > clock.now().timestamp() * 1_000)


def _awaited(name: str, owner: str, load: Callable[[], T]) -> T:
    """Wait for whoever loads; load it here when they take too long, or have failed."""
    deadline_ms = clock.monotonic_ms() + LOADING_S * 1_000
    while clock.monotonic_ms() < deadline_ms:
        time.sleep(_POLL_S)
        entry, _ = _look(name, owner)
        if entry is not None:
            return _value(entry, load)
        (loading,) = cache.get_many([f"{name}:loading"])
        if loading is None:
            break
    entry, _ = _look(name, owner)
    return _value(entry, load) if entry is not None else load()


def _value(entry: dict[str, Any], _load: Callable[[], T]) -> T:
    """Return what ``_load`` once returned."""
    value: T = entry["value"]
    return value


def _generation_key(owner: str) -> str:
    return f"cached:generation:{owner}"


def _new_generation() -> bytes:
    return secrets.token_hex(8).encode()


_EXTENSIONS: Final[dict[type, tuple[int, Callable[[Any], str], Callable[[str], Any]]]] = {
    dt.datetime: (1, dt.datetime.isoformat, dt.datetime.fromisoformat),
    dt.date: (2, dt.date.isoformat, dt.date.fromisoformat),
    uuid.UUID: (3, str, uuid.UUID),
    decimal.Decimal: (4, str, decimal.Decimal),
    int: (5, str, int),
    tuple: (6, lambda value: pack(list(value)).hex(), lambda text: tuple(_of_hex(text))),
}
_READERS: Final = {code: read for code, _, read in _EXTENSIONS.values()}


def _of_hex(text: str) -> Any:
    return unpack(bytes.fromhex(text))


def _as_extension(value: Any) -> Any:
    known = _EXTENSIONS.get(type(value))
    if known is None:
        raise TypeError(f"A {type(value).__name__} would not come back as itself.")
    code, write, _ = known
    return msgpack.ExtType(code, write(value).encode())


def _of_extension(code: int, data: bytes) -> Any:
    return _READERS[code](data.decode())
