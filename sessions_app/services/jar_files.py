"""Cookies into a jar and out of it, in the files other programs write."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Iterator
from typing import Any

from core import audit, clock, db
from core.personal_keys import Box
from core.principals import Principal
from sessions_app import selectors
from sessions_app.models import CookieJar, JarCookie
from sessions_app.rfc6265 import netscape, playwright
from sessions_app.rfc6265.cookies import Cookie
from sessions_app.rfc6265.files import Reading
from sessions_app.services import jars


def import_netscape(*, jar_id: uuid.UUID, text: str, actor: Principal) -> tuple[int, int]:
    """Put the cookies of a cookies.txt into a jar; return how many, and how many had expired.

    All or none. Commits its own transaction or joins the caller's.

    Raises:
        JarNotFound: no such jar, or not the caller's.
        CookiesRefused: a line may not enter a jar; every such line is named.
    """
    reading = netscape.read(text, at=clock.now())
    return _import(jar_id, reading, "/file", actor)


def import_playwright(
    *, jar_id: uuid.UUID, state: dict[str, Any], actor: Principal
) -> tuple[int, int]:
    """Put the cookies of a Playwright storageState into a jar, as :func:`import_netscape` does."""
    reading = playwright.read(state, at=clock.now())
    return _import(jar_id, reading, "/state/cookies", actor)


def export_netscape(*, jar_id: uuid.UUID, actor: Principal, for_python: bool = False) -> str:
    """Return a jar as cookies.txt, values in the clear; leaves an audit row.

    ``for_python`` writes cookies that end with the session as ``http.cookiejar`` reads them.

    Raises:
        JarNotFound: no such jar, or not the caller's.
    """
    word = netscape.ENDS_WITH_SESSION_IN_PYTHON if for_python else netscape.ENDS_WITH_SESSION
    return netscape.write(_exported(jar_id, actor), ends_with_session=word)


def export_playwright(*, jar_id: uuid.UUID, actor: Principal) -> dict[str, Any]:
    """Return a jar as a Playwright storageState, as :func:`export_netscape` does."""
    return playwright.write(_exported(jar_id, actor))


def _import(jar_id: uuid.UUID, reading: Reading, pointer: str, actor: Principal) -> tuple[int, int]:
    def fill() -> tuple[int, int]:
        row = jars.locked_jar(jar_id, actor)
        if reading.faults:
            raise jars.refused(reading.faults, pointer)
        now = clock.now()
        jar = jars.loaded(row)
        before = dict(jar.cookies)
        live = [cookie for cookie in reading.cookies if not cookie.is_expired(now)]
        for cookie in live:
            jar.put(cookie, at=now)
        jar.evict(at=now)
        jars.write(row, before, jar)
        _tell("cookie_jar.import", row, actor, len(live))
        return len(live), len(reading.cookies) - len(live)

    return db.run_in_transaction(fill)


def _exported(jar_id: uuid.UUID, actor: Principal) -> Iterator[Cookie]:
    row = selectors.get_jar(jar_id=jar_id, actor=actor)
    now = clock.now()
    rows = JarCookie.objects.filter(jar_id=row.pk, user_id=row.user_id).order_by("id")
    box = Box(row.user_id)
    kept = [
        dataclasses.replace(jars.as_cookie(cookie), value=jars.value_of(cookie, box))
        for cookie in rows
    ]
    live = [cookie for cookie in kept if not cookie.is_expired(now)]
    _tell("cookie_jar.export", row, actor, len(live))
    return iter(live)


def _tell(action: str, jar: CookieJar, actor: Principal, count: int) -> None:
    audit.record(
        action=action,
        actor=actor,
        user_id=jar.user_id,
        target_type="cookie_jar",
        target_id=jar.pk,
        count=count,
    )
