"""Telling PostgreSQL who acts, so that its audit triggers can write it down.

Once a transaction, before its first statement that changes an audited table; and again when
somebody else acts, or when a savepoint was rolled back, which takes the setting back with it.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable
from typing import Any, Final

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from core import context
from core.privacy import data_map

SETTING: Final = "strongroom.acting"
_WRITING: Final = re.compile(
    r'\s*(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM|MERGE\s+INTO)\s+(?:ONLY\s+)?"?(\w*)', re.IGNORECASE
)
# Elsewhere than at the start: after WITH, in a DO block, in one of several statements.
_WRITING_INSIDE: Final = re.compile(
    r'\b(?:INSERT\s+INTO|UPDATE\s+"?\w+"?\s+(?:\w+\s+)?SET|DELETE\s+FROM|MERGE\s+INTO|COPY)\b',
    re.IGNORECASE,
)
_FIELD: Final = "strongroom_acting"


def told(
    execute: Callable[..., Any], sql: Any, params: Any, many: Any, facts: dict[str, Any]
) -> Any:
    """Send one statement of :mod:`core.database`, and before it who acts where that matters."""
    connection = facts["connection"]
    text = sql if isinstance(sql, str) else ""
    if text.startswith("ROLLBACK TO"):
        forget(connection)
    # A statement that was composed is not read: whoever composes may change anything.
    if text and not _changes_audited(text):
        return execute(sql, params, many, facts)
    if connection.in_atomic_block:
        _tell(connection)
        return execute(sql, params, many, facts)
    if not text:
        return execute(sql, params, many, facts)
    # The setting lasts as long as a transaction; so one of its own, as the statement had.
    with transaction.atomic(using=connection.alias):
        _tell(connection)
        return execute(sql, params, many, facts)


def forget(connection: BaseDatabaseWrapper) -> None:
    """Note that PostgreSQL no longer knows who acts: its transaction is over, or was undone."""
    setattr(connection, _FIELD, None)


def _tell(connection: BaseDatabaseWrapper) -> None:
    acting = _acting()
    if getattr(connection, _FIELD, None) == acting:
        return
    with connection.cursor() as cursor, connection.wrap_database_errors:
        cursor.cursor.execute("SELECT set_config(%s, %s, true)", [SETTING, acting])
    setattr(connection, _FIELD, acting)


def _acting() -> str:
    running = context.current()
    facts: dict[str, str] = {
        "request_id": running.request_id,
        "client_address": running.client_address,
        "reason": running.reason,
    }
    principal = running.principal
    if principal is not None:
        facts |= {
            "actor_id": str(principal.user_id),
            "actor_kind": principal.kind,
            "session_id": str(principal.session_id or ""),
            "impersonator_id": str(principal.impersonator_id or ""),
        }
    elif running.request_id:
        facts["actor_kind"] = "system"
    return json.dumps({name: value for name, value in facts.items() if value})


def _changes_audited(statement: str) -> bool:
    if statement.startswith("SELECT"):
        return False
    match = _WRITING.match(statement)
    if match is not None:
        return match[1].lower() not in _unaudited()
    return _WRITING_INSIDE.search(statement) is not None


@functools.cache
def _unaudited() -> frozenset[str]:
    return frozenset(name for name, table in data_map.tables().items() if table.unaudited)
