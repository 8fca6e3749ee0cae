"""Checked credentials, remembered in Valkey for up to a minute.

A remembered check counts only while the person's *generation* is the one it was made under. To
end credentials is to change the generation after the commit: whatever was read before then,
however late it is stored, carries the old one. PostgreSQL stays the record; without Valkey every
check is one indexed row.
"""

from __future__ import annotations

import secrets
import uuid
from typing import Any, Final

import orjson

from core import cache

GENERATION_TTL_S: Final = 86_400


def recall(name: str, *, user_id: uuid.UUID) -> tuple[dict[str, Any] | None, str | None]:
    """Return the facts kept under ``name``, if they still count, and the generation now.

    The generation is made if there is none, so that it is older than the database read that
    follows a miss. ``None`` means: do not remember, the cache is out.
    """
    packed, generation = cache.get_many([name, _generation_key(user_id)])
    if generation is None:
        generation = cache.put_if_absent(
            _generation_key(user_id), _new_generation(), ttl_s=GENERATION_TTL_S
        )
        return None, generation.decode() if generation else None
    now = generation.decode()
    facts = orjson.loads(packed) if packed else None
    if facts is None or facts["generation"] != now:
        return None, now
    return facts, now


def remember(name: str, facts: dict[str, Any], *, generation: str | None, ttl_s: int) -> None:
    """Keep ``facts`` under the generation that was read before them."""
    if generation is not None:
        cache.put(name, orjson.dumps({**facts, "generation": generation}), ttl_s=ttl_s)


def forget_user(user_id: uuid.UUID) -> None:
    """Make everything remembered of this person worthless; call after the commit."""
    cache.overwrite(_generation_key(user_id), _new_generation(), ttl_s=GENERATION_TTL_S)


def _new_generation() -> bytes:
    return secrets.token_hex(8).encode()


def _generation_key(user_id: uuid.UUID) -> str:
    return f"generation:{user_id.hex}"
