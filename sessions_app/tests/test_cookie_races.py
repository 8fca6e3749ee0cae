"""Cookies under many hands at once: real commits, real threads."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable

from django.db import connection

from core import clock
from core.models import AuditEvent
from sessions_app import selectors, services
from sessions_app.errors import CookieInvalid
from sessions_app.models import ConsentRecord, Cookie, JarCookie
from sessions_app.tests.cookies import (
    SITE,
    agree,
    define,
    filled_jar,
    issue,
    resolve,
    token_in,
)
from tests.people import make_person


def together(work: Callable[[int], None], count: int) -> None:
    """Run ``work(number)`` in ``count`` threads that start at one moment."""
    gate = threading.Barrier(count)

    def run(number: int) -> None:
        gate.wait()
        try:
            work(number)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_stores_at_the_same_time_lose_nothing(committed_db):
    ada = make_person("ada@example.org").principal
    jar_id = filled_jar(ada)

    def store(number: int) -> None:
        services.store_cookies(
            jar_id=jar_id,
            lines=[f"n{number}=v", f"same={number}"],
            exchange=services.exchange_at(url=SITE),
            actor=ada,
        )

    together(store, 8)
    names = sorted(JarCookie.objects.values_list("name", flat=True))
    assert names == sorted(["sid", "theme", "same", *(f"n{number}" for number in range(8))])


def test_twenty_uses_of_one_cookie_are_one_rotation(committed_db):
    define()
    user = make_person("ada@example.org").user
    token = token_in(issue(user_id=user.pk).set_cookie)
    lines: list[str] = []
    together(lambda _number: lines.append(resolve(token).set_cookie), 20)
    assert len(lines) == 20
    assert len({token_in(line) for line in lines}) == 1
    cookie = Cookie.objects.get()
    assert (cookie.generation, cookie.revoked_at) == (1, None)


def test_twenty_replays_after_the_grace_are_one_theft(committed_db, monkeypatch):
    define()
    user = make_person("ada@example.org").user
    token = token_in(issue(user_id=user.pk).set_cookie)
    resolve(token)
    later = clock.now() + dt.timedelta(seconds=11)
    monkeypatch.setattr(clock, "now", lambda: later)
    refused: list[int] = []

    def replay(number: int) -> None:
        try:
            resolve(token)
        except CookieInvalid:
            refused.append(number)

    together(replay, 20)
    assert len(refused) == 20
    assert Cookie.objects.get().revoke_reason == "theft"
    assert AuditEvent.objects.filter(action="cookie.theft_detected").count() == 1


def test_consents_at_the_same_time_are_one_chain(committed_db):
    agree(anonymous_id="visitor-0000000000")
    together(lambda _number: agree(anonymous_id="visitor-0123456789"), 12)
    assert list(selectors.consent_faults()) == []
    numbers = ConsentRecord.objects.order_by("sequence").values_list("sequence", flat=True)
    assert sorted(numbers) == [1, *range(1, 13)]
