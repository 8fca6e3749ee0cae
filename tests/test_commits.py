"""What only shows once commits are real: deadlines that leave nothing, keys that wait."""

from __future__ import annotations

import contextlib
import threading

import pytest
from django.db import DatabaseError, OperationalError, connection, transaction
from django.test import Client

from core import clock, context, db, errors, idempotency, ids, outbox
from core.models import OutboxEvent
from core.principals import Principal
from sessions_app.services import start_session
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


def test_work_that_ends_after_the_deadline_commits_nothing(committed_db):
    late = context.Context(request_id="r", deadline_ms=clock.monotonic_ms() + 60_000)

    def slow() -> None:
        outbox.announce(topic="t", user_id=ids.uuid7(), object_id=ids.uuid7())
        late.deadline_ms = clock.monotonic_ms() - 1

    with context.entered(late), pytest.raises(errors.RequestTimeout):
        db.run_in_transaction(slow)
    assert not OutboxEvent.objects.exists()


def test_slow_read_is_504_and_does_not_run_on(committed_db, connect, monkeypatch):
    ada = make_person("ada@example.org")
    _, token = start_session(user=ada.user)

    def slow(**_: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(30)")

    monkeypatch.setattr("accounts.selectors.get_user", slow)
    answer = Client(raise_request_exception=False).get(
        "/api/v1/me/", headers={"Authorization": f"Bearer {token}", "X-Request-Timeout": "1"}
    )
    assert (answer.status_code, answer.json()["code"]) == (504, "TIMEOUT_REQUEST")
    (running,) = (
        connect("superuser")
        .execute(
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(30)%' "
            "AND state = 'active' AND pid <> pg_backend_pid() AND datname = current_database()"
        )
        .fetchone()
    )
    assert running == 0


def test_deadline_leaves_savepoints_working(committed_db):
    soon = context.Context(request_id="r", deadline_ms=clock.monotonic_ms() + 4_000)

    def work() -> None:
        with contextlib.suppress(DatabaseError), transaction.atomic():
            connection.cursor().execute("SELECT no_such_column")
        outbox.announce(topic="t", user_id=ids.uuid7(), object_id=ids.uuid7())

    with context.entered(soon):
        db.run_in_transaction(work)
    assert OutboxEvent.objects.count() == 1


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


def test_posting_whose_key_is_being_used_says_so_and_moves_nothing(committed_db, connect):
    ada = make_person("ada@example.org").principal
    a, b = open_account(ada, balance=10), open_account(ada)
    key = idempotency.keyed(principal=ada, key="k", method="POST", path="/p/", body={})
    first = connect("app")
    with first.transaction():
        first.execute(
            "INSERT INTO idempotency_key (user_id, key_hash, fingerprint, status) "
            "VALUES (%s, %s, %s, 201)",
            [key.user_id, key.key_hash, key.fingerprint],
        )
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '50ms'")
        with pytest.raises(errors.IdempotencyInProgress):
            post(move(a, b, 1), identity=key)
    connection.close()
    assert balance_of(b) == 0
