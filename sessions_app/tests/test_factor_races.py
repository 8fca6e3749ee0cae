"""Second factors raced for, on a database whose commits are real."""

from __future__ import annotations

import threading
from typing import Any

from django.db import connections
from django.test import Client

from accounts.models import RecoveryCode
from accounts.tests.factors import enrolled_app
from tests.people import PASSWORD, make_person


def _post(path: str, body: dict[str, Any]):
    return Client().post(f"/api/v1/{path}/", body, content_type="application/json")


def test_attack_16_of_two_who_use_a_recovery_code_at_once_one_gets_in(committed_db):
    carol = make_person("carol@example.org")
    app = enrolled_app(carol)

    credentials = {"email": "carol@example.org", "password": PASSWORD}
    challenges = [_post("auth/login", credentials).json()["challenge"] for _ in range(8)]
    statuses: list[int] = []
    gate = threading.Barrier(len(challenges))

    def answer(challenge: str) -> None:
        gate.wait()
        body = {"challenge": challenge, "code": app.recovery_codes[0]}
        statuses.append(_post("auth/mfa/verify", body).status_code)
        connections.close_all()

    threads = [threading.Thread(target=answer, args=(one,)) for one in challenges]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [401] * 7
    assert RecoveryCode.objects.filter(used_at=None).count() == 9
