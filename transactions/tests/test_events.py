"""The feed never skips and never doubles, however transactions overlap."""

from __future__ import annotations

import threading
import uuid

import psycopg
from django.db import connection
from django.test import Client

from core import commit_order, epochs, ids, outbox
from core.commit_order import START, Position
from core.models import Epoch, OutboxEvent
from sessions_app.services import start_session
from tests import database
from tests.database import url_of
from tests.people import make_person

FIRST = "INSERT INTO outbox_event (id, user_id, topic, object_id) VALUES (%s, %s, 'first', %s)"


def _announce(topic: str = "second") -> None:
    outbox.announce(topic=topic, user_id=uuid.uuid4(), object_id=uuid.uuid4())


def _topics(events) -> list[str]:
    return [event.topic for _, event in events]


def _settled(after: Position = START) -> list[tuple[Position, OutboxEvent]]:
    """Return what is there once everything committed so far is final.

    A snapshot's xmin counts the transactions of all databases, so other tests' too.
    """
    database.await_final()
    return _everything(after)


def _everything(after: Position = START) -> list[tuple[Position, OutboxEvent]]:
    return outbox.final_events(after=after, limit=100_000)


def test_event_of_an_open_transaction_is_not_overtaken(committed_db):
    with psycopg.connect(url_of("app", committed_db)) as slow:
        slow.execute(FIRST, [ids.uuid7(), uuid.uuid4(), uuid.uuid4()])
        _announce()
        assert OutboxEvent.objects.count() == 1
        assert _everything() == []
        slow.commit()
        seen = _settled()
    assert _topics(seen) == ["first", "second"]
    assert _everything(seen[-1][0]) == []


def test_event_of_an_undone_transaction_never_appears(committed_db):
    with psycopg.connect(url_of("app", committed_db)) as slow:
        slow.execute(FIRST, [ids.uuid7(), uuid.uuid4(), uuid.uuid4()])
        _announce()
        slow.rollback()
    assert _topics(_settled()) == ["second"]


def test_reader_beside_many_writers_sees_each_event_once(committed_db):
    writers, events_each = 6, 40

    def write() -> None:
        with psycopg.connect(url_of("app", committed_db)) as own:
            for number in range(events_each):
                own.execute(FIRST, [ids.uuid7(), uuid.uuid4(), uuid.uuid4()])
                if number % 3:
                    own.commit()
            own.commit()

    threads = [threading.Thread(target=write) for _ in range(writers)]
    for thread in threads:
        thread.start()
    seen: list[uuid.UUID] = []
    position = START
    is_last_round = False
    while True:
        found = outbox.final_events(after=position, limit=7)
        seen += [event.id for _, event in found]
        if found:
            position = found[-1][0]
        elif is_last_round:
            break
        else:
            is_last_round = not any(thread.is_alive() for thread in threads)
            if is_last_round:
                database.await_final()
    assert len(seen) == len(set(seen)) == writers * events_each


def test_restored_copy_goes_on_after_everything_it_was_restored_with(committed_db, connect):
    _announce("before")
    seen = _settled()
    # As a dump in a cluster that counts lower: the row's xid is above every one to come.
    superuser = connect("superuser")
    superuser.execute("SET session_replication_role = replica")
    superuser.execute("UPDATE outbox_event SET xid = '4000000000'")
    superuser.execute("UPDATE epoch SET system_identifier = system_identifier - 1")
    assert _everything(seen[-1][0]) == []
    assert epochs.begin_if_restored() == 2
    assert epochs.begin_if_restored() == 2
    position = Position(1, 4_000_000_000, seen[-1][0].id)
    _announce("after")
    assert _topics(_settled(position)) == ["after"]
    assert _topics(_everything()) == ["before", "after"]


def test_feed_is_read_by_index_and_never_sorted(committed_db, connect):
    connect("superuser").execute(
        "INSERT INTO outbox_event (id, user_id, topic, object_id, xid) SELECT uuidv7(), "
        "gen_random_uuid(), 'generated', gen_random_uuid(), n::text::xid8 "
        "FROM generate_series(1, 20000) AS n; ANALYZE outbox_event"
    )
    for xid in (0, 10_000, 19_900):
        with connection.cursor() as cursor:
            cursor.execute(
                "EXPLAIN " + commit_order.FINAL_AFTER.format(table="outbox_event"),
                {"epoch": 1, "xid": xid, "id": uuid.UUID(int=0), "limit": 21},
            )
            plan = "\n".join(row[0] for row in cursor.fetchall())
        assert "Index Only Scan using outbox_event" in plan
        assert "Sort  (" not in plan


def test_feed_over_http_is_for_staff_and_follows_its_own_link(committed_db):
    grace, ada = (
        {"Authorization": f"Bearer {start_session(user=person.user)[1]}"}
        for person in (
            make_person("grace@example.org", role="auditor"),
            make_person("ada@example.org"),
        )
    )
    for topic in ("one", "two", "three"):
        _announce(topic)
    database.await_final()

    def get(headers, url="/api/v1/events/?limit=3"):
        answer = Client().get(url, headers=headers)
        return answer.status_code, answer.json()

    def topics(feed):
        return [item["topic"] for item in feed["items"]]

    status, refusal = get(ada)
    assert (status, refusal["code"]) == (403, "AUTH_FORBIDDEN")
    _, first = get(grace)
    assert topics(first) == ["session.started", "session.started", "one"]
    _, second = get(grace, first["next"])
    assert topics(second) == ["two", "three"]
    _, end = get(grace, second["next"])
    assert topics(end) == []
    _announce("four")
    database.await_final()
    assert topics(get(grace, end["next"])[1]) == ["four"]
    status, refusal = get(grace, first["next"].replace("cursor=", "cursor=A"))
    assert (status, refusal["code"]) == (400, "VALIDATION_PAGINATION_INVALID")


def test_first_epoch_is_there_after_migrating(db):
    assert Epoch.objects.get().number == 1
