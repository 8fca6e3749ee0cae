"""Forgetting cookies that are over, a few at a time."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Final

from django.db import connection

from core import clock, db
from sessions_app.models import Cookie, CookieJar, JarCookie
from sessions_app.services.consents import forget_consents_of

ROWS_AT_ONCE: Final = 1_000
# How long an ended cookie is kept for the record, as ended sessions are.
KEPT_DAYS: Final = 30
_JAR_COOKIES: Final = (
    "DELETE FROM jar_cookie WHERE (id, user_id) IN ("
    "SELECT id, user_id FROM jar_cookie WHERE expires_at <= %s "
    "AND user_id NOT IN (SELECT user_id FROM legal_hold WHERE ended_at IS NULL) LIMIT %s)"
)
_COOKIES: Final = (
    "DELETE FROM cookie WHERE (id, user_id) IN ("
    "SELECT id, user_id FROM cookie WHERE (expires_at <= %s OR revoked_at <= %s) "
    "AND user_id NOT IN (SELECT user_id FROM legal_hold WHERE ended_at IS NULL) LIMIT %s)"
)


def purge_cookies() -> int:
    """Delete expired cookies of jars, and issued ones a month after their end; return how many.

    Each chunk is a transaction of its own, so nobody waits for long.
    """
    now = clock.now()
    ended = now - dt.timedelta(days=KEPT_DAYS)
    return _in_chunks(_JAR_COOKIES, [now]) + _in_chunks(_COOKIES, [ended, ended])


def erase_cookies_of(*, user_id: uuid.UUID, **_facts: object) -> None:
    """Delete a person's jars and cookies, and make their consents a pseudonym's.

    Joins the caller's transaction.
    """
    JarCookie.objects.filter(user_id=user_id).delete()
    CookieJar.objects.of_owner(user_id).delete()
    Cookie.objects.of_user(user_id).delete()
    forget_consents_of(user_id=user_id)


def _in_chunks(statement: str, moments: list[dt.datetime]) -> int:
    total = 0
    while True:
        gone = db.run_in_transaction(lambda: _deleted(statement, moments))
        total += gone
        if gone < ROWS_AT_ONCE:
            return total


def _deleted(statement: str, moments: list[dt.datetime]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, [*moments, ROWS_AT_ONCE])
        return int(cursor.rowcount)
