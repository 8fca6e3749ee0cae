"""Second factors raced for, on a database whose commits are real."""

from __future__ import annotations

import threading
import time
from typing import Any

import psycopg
from django.db import connections
from django.test import Client

from accounts.models import RecoveryCode
from accounts.tests.factors import enrolled_app
from tests.database import url_of
from tests.people import PASSWORD, make_person


def _post(path: str, body: dict[str, Any]):
    return Client().post(f"/api/v1/{path}/", body, content_type="application/json")


def test_attack_16_of_many_who_use_a_recovery_code_at_once_one_gets_in(committed_db):
    """All of them have found the code unused before the first of them may use it up."""
    carol = make_person("carol@example.org")
    app = enrolled_app(carol)
    credentials = {"email": "carol@example.org", "password": PASSWORD}
    challenges = [_post("auth/login", credentials).json()["challenge"] for _ in range(4)]
    statuses: list[int] = []

    def answer(challenge: str) -> None:
        body = {"challenge": challenge, "code": app.recovery_codes[0]}
        statuses.append(_post("auth/mfa/verify", body).status_code)
        connections.close_all()

    threads = [threading.Thread(target=answer, args=(one,)) for one in challenges]
    with psycopg.connect(url_of("superuser", committed_db)) as holder:
        holder.execute("SELECT 1 FROM recovery_code FOR UPDATE")
        for thread in threads:
            thread.start()
        _await_waiting(committed_db, len(threads))
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 401, 401, 401]
    assert RecoveryCode.objects.filter(used_at=None).count() == 9


def _await_waiting(database: str, count: int) -> None:
    """Return once ``count`` statements wait for a lock."""
    waiting = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    deadline = time.monotonic() + 10
    with psycopg.connect(url_of("superuser", database), autocommit=True) as observer:
        while observer.execute(waiting).fetchone() != (count,):
            assert time.monotonic() < deadline, "they do not wait"
