"""Watching SQL statements: who sends them, how many, how long they take, which are slow.

Each statement of a request carries its id as a comment, so that PostgreSQL's own log and
``pg_stat_activity`` name the request. Nothing logged here holds a value: a statement is shown by
its shape, and found again by the fingerprint of that shape.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import structlog
from django.conf import settings
from django.db import DatabaseError

from core import context, tracing

SHAPE_LENGTH_MAX: Final = 1_000
FINGERPRINT_LENGTH: Final = 16
_NOT_IN_COMMENTS: Final = re.compile(r"[^A-Za-z0-9._-]")
_VALUES: Final = re.compile(
    r"/\*.*?\*/|--[^\n]*"  # comments
    r"|(?P<value>\$(?P<tag>\w*)\$.*?\$(?P=tag)\$"  # dollar-quoted text
    r"|\b[eE]'(?:[^'\\]|''|\\.)*'"  # text with escapes
    r"|[bBxXnN]?'(?:[^']|'')*'"  # text
    r"|(?<![\w.\"$])-?\d[\d_.]*(?:[eE][+-]?\d+)?\b"  # numbers
    r"|%s|%\(\w+\)s|\$\d+)",  # placeholders
    re.DOTALL,
)
_LIST: Final = re.compile(r"\?(?:\s*,\s*\?)+")
_SPACE: Final = re.compile(r"\s+")

log = structlog.get_logger(__name__)


def watched(
    execute: Callable[..., Any], sql: Any, params: Any, many: Any, facts: dict[str, Any]
) -> Any:
    """Send one statement of :mod:`core.database` with the request's id, and watch it."""
    with timed(sql):
        return execute(signed(sql), params, many, facts)


@contextlib.contextmanager
def timed(sql: Any) -> Iterator[None]:
    """Count the statement that runs in this block, and log it when it is slow."""
    started = time.perf_counter()
    try:
        with tracing.span("postgresql", kind="client", db__system__name="postgresql") as span:
            if span is not None:
                span.set_attribute("db.query.text", shape(str(sql))[:SHAPE_LENGTH_MAX])
            yield
    except DatabaseError as exc:
        # The log shows which statement it was; no answer ever does.
        exc.add_note(fingerprint(shape(str(sql))))
        raise
    finally:
        took_ms = (time.perf_counter() - started) * 1_000
        running = context.current()
        if running.request_id:
            running.queries += 1
            running.database_ms += took_ms
        if took_ms >= settings.ENV.slow_query_ms:
            statement = shape(str(sql))
            log.warning(
                "slow_query",
                fingerprint=fingerprint(statement),
                statement=statement[:SHAPE_LENGTH_MAX],
                duration_ms=round(took_ms, 2),
            )


def signed(sql: Any) -> Any:
    """Return ``sql`` under a comment that names the running request, job or command.

    In front, because PostgreSQL cuts off the end of a long statement where it shows it.
    """
    running = context.current()
    if not running.request_id or not isinstance(sql, str):
        return sql
    # The id was checked when it came in; nothing else may ever end the comment.
    return f"/*request_id={_NOT_IN_COMMENTS.sub('', running.request_id)}*/ {sql}"


def shape(sql: str) -> str:
    """Return ``sql`` without comments, with ``?`` for each value and each list of values."""
    bare = _VALUES.sub(lambda found: "?" if found["value"] else " ", sql)
    return _SPACE.sub(" ", _LIST.sub("?", bare)).strip()


def fingerprint(statement: str) -> str:
    """Return what all statements of one shape have in common."""
    return hashlib.sha256(statement.encode()).hexdigest()[:FINGERPRINT_LENGTH]
