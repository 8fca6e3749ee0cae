"""What only shows once commits are real: deadlines that leave nothing, keys that wait."""

from __future__ import annotations

import threading

import pytest
from django.db import OperationalError, connection

from core import clock, context, db, errors, idempotency, ids, outbox
from core.models import OutboxEvent
from core.principals import Principal
from tests.people import make_person
from transactions.tests.money import balance_of, move, open_account, post


def test_statement_is_cancelled_at_the_deadline(committed_db):
    soon = context.Context(request_id="r", deadline_ms=clock.monotonic_ms() + 200)

    def slow() -> None:
        outbox.announce(topic="t", user_id=ids.uuid7(), object_id=ids.uuid7())
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(30)")

    with context.entered(soon), pytest.raises(OperationalError) as raised:
        db.run_in_transaction(slow)
    described = db.as_domain_error(raised.value)
    assert isinstance(described, errors.RequestTimeout)
    assert not OutboxEvent.objects.exists()


def test_second_of_two_at_once_waits_and_replays(committed_db):
    someone = Principal(kind="user", user_id=ids.uuid7())
    identity = idempotency.keyed(principal=someone, key="k", method="POST", path="/p/", body={})
    inside, go_on = threading.Event(), threading.Event()
    answers = []

    def slow():
        inside.set()
        go_on.wait(10)
        return 201, {"by": "first"}

    def first():
        answers.append(idempotency.answer_once(identity, slow))
        connection.close()

    thread = threading.Thread(target=first)
    thread.start()
    inside.wait(10)
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '50ms'")
    with pytest.raises(errors.IdempotencyInProgress):
        idempotency.answer_once(identity, lambda: pytest.fail("it ran twice"))
    go_on.set()
    thread.join()
    connection.close()
    again = idempotency.answer_once(identity, lambda: pytest.fail("it ran twice"))
    assert (again.body, again.is_replay) == ({"by": "first"}, True)
    assert answers[0].is_replay is False


def test_posting_with_little_time_left_gets_a_limit_of_its_own(committed_db):
    ada = make_person("ada@example.org").principal
    a, b = open_account(ada, balance=10), open_account(ada)
    soon = context.Context(request_id="r", deadline_ms=clock.monotonic_ms() + 2_000)
    with context.entered(soon):
        post(move(a, b, 1))
    late = context.Context(request_id="r", deadline_ms=clock.monotonic_ms() - 1)
    with context.entered(late), pytest.raises(errors.RequestTimeout):
        post(move(a, b, 1))
    assert balance_of(b) == 1
