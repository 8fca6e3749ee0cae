"""Log lines: one JSON object each, whole, with their context and without values or secrets."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import logging
import multiprocessing
import os
import threading
from pathlib import Path

import pytest
from django.db import DatabaseError, connection
from django.test import Client

from core import context, db, errors, ids, jobs, log_lines, logs, redaction, statements
from core.log_lines import SharedFile, SharedStream
from core.principals import HOUSE_USER_ID, Principal
from core.tokens import make_token

WRITERS = 4
LINES = 100
# Longer than a pipe takes in one piece.
LONG = "x" * 20_000


def _prepared(handler: logging.Handler) -> logging.Handler:
    described = dict(logs.as_dict_config(level="INFO", stream="stdout")["formatters"]["json"])
    handler.setFormatter(described.pop("()")(**described))
    handler.addFilter(logs.NotSaidByJobs())
    return handler


@pytest.fixture
def lines(tmp_path: Path):
    """Let what is logged go to a file too; returns how to read it, parsed."""
    handler = _prepared(SharedFile(tmp_path / "log"))
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel("INFO")
    yield lambda: [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    root.removeHandler(handler)
    root.setLevel(level)
    handler.close()


def _write_many(handler: logging.Handler, writer: int) -> None:
    for number in range(LINES):
        record = logging.LogRecord("a", logging.INFO, "", 0, f"{writer}:{number} {LONG}", (), None)
        handler.handle(record)


def _start_writers(handler: logging.Handler) -> list[multiprocessing.Process]:
    fork = multiprocessing.get_context("fork")
    writers = [fork.Process(target=_write_many, args=(handler, n)) for n in range(WRITERS)]
    for writer in writers:
        writer.start()
    return writers  # type: ignore[return-value]  # of the fork context


def _numbers(text: str) -> list[str]:
    return sorted(json.loads(line)["event"].split()[0] for line in text.splitlines())


EVERY = sorted(f"{writer}:{number}" for writer in range(WRITERS) for number in range(LINES))


def test_lines_of_many_processes_in_one_pipe_stay_whole(monkeypatch):
    ours, theirs = os.pipe()
    monkeypatch.setitem(log_lines._DESCRIPTORS, "stdout", theirs)
    with contextlib.closing(_prepared(SharedStream("stdout"))) as handler:
        writers = _start_writers(handler)
    os.close(theirs)
    with os.fdopen(ours) as pipe:
        text = pipe.read()
    for writer in writers:
        writer.join()
    assert _numbers(text) == EVERY


def test_renaming_a_file_under_many_processes_loses_nothing(tmp_path):
    log = tmp_path / "log"
    with contextlib.closing(_prepared(SharedFile(log))) as handler:
        writers = _start_writers(handler)
    rotated = 0
    while any(writer.is_alive() for writer in writers):
        if log.exists():
            log.rename(tmp_path / f"log.{rotated}")
            rotated += 1
        writers[0].join(0.01)
    assert rotated > 3
    assert _numbers("".join(path.read_text() for path in tmp_path.glob("log*"))) == EVERY


def test_parallel_contexts_never_mix(lines):
    ready = threading.Barrier(50)

    def work(number: int) -> None:
        with context.entered(context.Context(request_id=f"request-{number}")):
            ready.wait()
            for _ in range(20):
                logging.getLogger("a").info("mine %s", number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = [line for line in lines() if line["event"].startswith("mine")]
    assert len(found) == 1_000
    assert {
        line["request_id"].removeprefix("request-") == line["event"].split()[1] for line in found
    } == {True}


def test_line_says_who_asked_but_not_which_session(lines):
    person = Principal(kind="staff", user_id=ids.uuid7(), session_id=ids.uuid7())
    with context.entered(context.Context(request_id="request-1", principal=person)):
        logging.getLogger("a").info("hello")
    (line,) = lines()
    assert (line["user_id"], line["principal"]) == (str(person.user_id), "staff")
    assert line["session"]
    assert str(person.session_id) not in json.dumps(line)


@pytest.mark.django_db
def test_crash_is_one_error_with_its_traceback(lines, monkeypatch):
    monkeypatch.setattr("accounts.services.verify_login", lambda **_: 1 / 0)
    body = {"email": "a@example.org", "password": "x"}
    Client(raise_request_exception=False).post(
        "/api/v1/auth/login/", body, content_type="application/json"
    )
    (error,) = [line for line in lines() if line["level"] == "error"]
    assert error["exception"][0]["exc_type"] == "ZeroDivisionError"
    (access,) = [line for line in lines() if line["event"] == "request"]
    assert access["request_id"] == error["request_id"]


@pytest.mark.django_db
def test_refusal_of_postgres_is_told_to_operators_alone(lines):
    raising = "DO $$ BEGIN RAISE 'x' USING ERRCODE = '23505', TABLE = 't', CONSTRAINT = 'c'; END $$"
    with (
        context.entered(context.Context(request_id="request-1")),
        pytest.raises(DatabaseError) as raised,
        connection.cursor() as cursor,
    ):
        cursor.execute(raising)
    with context.entered(context.Context(request_id="request-1")):
        described = db.as_domain_error(raised.value)
    (line,) = [line for line in lines() if line["event"] == "database_refused"]
    assert (line["sqlstate"], line["table"], line["constraint"]) == ("23505", "t", "c")
    assert line["fingerprint"] == statements.fingerprint(statements.shape(raising))
    assert line["request_id"] == "request-1"
    assert described is not None
    assert vars(described) == vars(errors.ValueTaken(described.detail)), "nothing else is told"


@pytest.mark.django_db
def test_slow_statement_is_shown_by_its_shape(lines):
    with (
        context.entered(context.Context(request_id="request-1")),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT pg_sleep(0.3), 'literal-secret', %s", ["parameter-secret"])
    (line,) = [line for line in lines() if line["event"] == "slow_query"]
    assert line["statement"] == "SELECT pg_sleep(?), ?"
    assert line["fingerprint"] == statements.fingerprint("SELECT pg_sleep(?), ?")
    assert line["request_id"] == "request-1"
    assert "secret" not in json.dumps(line)


@pytest.mark.parametrize(
    ("sql", "shape"),
    [
        ("SELECT 1, -2.5e3, t2.c3 FROM t2", "SELECT ?, t2.c3 FROM t2"),
        ("x = 'it''s' AND y = E'a\\'b'", "x = ? AND y = ?"),
        ("x IN (1, 2,3) AND y IN (%s, %s)", "x IN (?) AND y IN (?)"),
        ("f($$ 'body' $$, $1)", "f(?)"),
        ("/* who */ a -- why\n  = %(b)s", "a = ?"),
        ('"T"."id" = 12', '"T"."id" = ?'),
    ],
)
def test_shapes_hold_no_values(sql, shape):
    assert statements.shape(sql) == shape


@pytest.mark.django_db
def test_postgresql_sees_the_request_and_counts_are_kept():
    with context.entered(context.Context(request_id="request-1")) as running:
        with connection.cursor() as cursor:
            cursor.execute("SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid()")
            assert cursor.fetchone()[0].startswith("/*request_id=request-1*/ SELECT")
        assert running.queries == 1
        assert running.database_ms > 0


def test_nothing_can_end_the_comment():
    with context.entered(context.Context(request_id="a*/ DROP TABLE x; /*b")):
        assert statements.signed("SELECT 1") == "/*request_id=aDROPTABLExb*/ SELECT 1"


@pytest.mark.django_db
def test_traceback_of_the_database_quotes_no_values(lines):
    with pytest.raises(DatabaseError) as raised, connection.cursor() as cursor:
        cursor.execute("SELECT 'a-canary'::integer")
    logging.getLogger("a").error("broken", exc_info=raised.value)
    (line,) = lines()
    assert "invalid input syntax" in line["exception"][0]["exc_value"]
    assert "a-canary" not in json.dumps(line)


@pytest.mark.parametrize(
    "secret",
    [
        make_token("sss", HOUSE_USER_ID, b"s" * 32),
        "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "postgresql://app:hunter22@db/x",
        "Authorization: Bearer abcdefgh12345678",
    ],
)
def test_secrets_are_hidden_in_whatever_text(secret, lines):
    exc = ValueError(f"cannot use {secret} here")
    logging.getLogger("a").error("refused %s", secret, exc_info=exc)
    written = json.dumps(lines())
    hidden = secret.partition("Bearer ")[2] or secret.removeprefix("postgresql://")
    assert hidden not in written
    assert written.count(redaction.REDACTED) >= 2


def test_nothing_ends_a_line_but_its_end(lines):
    enders = [*map(chr, range(0x20)), "\x7f", "\x85", "\u2028", "\u2029"]
    for ender in enders:
        logging.getLogger("a").error("before%safter", ender, extra={"also": f"a{ender}b"})
    found = lines()
    assert [line["event"] for line in found] == [f"before{ender}after" for ender in enders]
    for line in found:
        at = dt.datetime.fromisoformat(line["at"])
        assert at.utcoffset() == dt.timedelta(0)


def test_path_shows_nothing_longer_than_an_id(lines):
    identifier, token = str(ids.uuid7()), "t" * 43
    Client().get(f"/api/v9/{identifier}/{token}/")
    (line,) = [line for line in lines() if line["event"] == "request"]
    assert line["path"] == f"/api/v9/{identifier}/***/"


def test_job_carries_the_id_of_its_request():
    with context.entered(context.Context(request_id="request-1")):
        assert jobs.origin() == {jobs.ORIGIN: {"request_id": "request-1"}}
    assert jobs.origin() == {}


def test_what_nobody_caught_is_one_line(lines, monkeypatch):
    monkeypatch.setattr("sys.excepthook", None)
    monkeypatch.setattr("threading.excepthook", threading.excepthook)
    logs.catch_what_nobody_caught()
    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start()
    thread.join()
    (line,) = lines()
    assert (line["level"], line["event"]) == ("error", "crashed")
