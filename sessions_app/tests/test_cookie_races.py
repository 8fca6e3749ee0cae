"""Cookies under many hands at once: real commits, real threads."""

from __future__ import annotations

import threading
from collections.abc import Callable

from django.db import connection

from sessions_app import services
from sessions_app.models import JarCookie
from sessions_app.tests.cookies import SITE, filled_jar
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
