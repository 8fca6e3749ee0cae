"""The worker in real processes: each job once, none lost with a worker that dies."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from django.db import connection, transaction
from procrastinate.contrib.django import app
from procrastinate.jobs import JobDeferrer

from core import mail, tasks
from tests.database import url_of
from tests.waiting import WAIT_S, until

ROOT = Path(__file__).parent.parent
JOBS = 1_000
LEFT = "SELECT count(*) FROM procrastinate_jobs WHERE task_name LIKE %s AND status <> 'succeeded'"
# A job may wait for as long as a test holds it up.
PATIENT = {
    "DB_LOCK_TIMEOUT_MS": "55000",
    "DB_STATEMENT_TIMEOUT_MS": "56000",
    "REQUEST_DEADLINE_MS": "57000",
}


@pytest.fixture
def worker(committed_db, tmp_path):
    """Start workers on this test's database; returns how."""
    running: list[subprocess.Popen[bytes]] = []

    def start(*options: str, **changes: str) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "DATABASE_URL": url_of("app", committed_db),
            "DATABASE_OWNER_URL": url_of("owner", committed_db),
            "MAIL_TRANSPORT": "file",
            "MAIL_FOLDER": str(tmp_path / "mails"),
            "LOG_LEVEL": "INFO",
            **changes,
        }
        with (tmp_path / f"worker-{len(running)}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "manage.py", "worker", *options],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=log,
            )
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.wait()


def _is_done(database: str) -> Callable[[], bool]:
    """Return a question: have all mails left the queue?"""

    def ask() -> bool:
        with psycopg.connect(url_of("owner", database)) as connection:
            return connection.execute(LEFT, ["deliver_mail"]).fetchone() == (0,)

    return ask


@contextlib.contextmanager
def _job_in_hand(database: str) -> Iterator[None]:
    """Let a worker have a job that cannot end before this does."""
    waiting = "SELECT 1 FROM pg_locks WHERE relation = 'idempotency_key'::regclass AND NOT granted"
    with psycopg.connect(url_of("superuser", database)) as holding:
        holding.execute("LOCK TABLE idempotency_key IN ACCESS EXCLUSIVE MODE")
        app.configure_task("core.tasks.forget_answered_requests").defer(timestamp=0)
        until(lambda: holding.execute(waiting).fetchone())
        yield


def _enqueue(name: str) -> None:
    mail.enqueue(template="password_changed", to=f"{name}@example.org", facts={})


def _sent(tmp_path: Path) -> str:
    return "".join(path.read_text() for path in (tmp_path / "mails").glob("*"))


def test_thousand_jobs_over_two_workers_run_once_each(worker, committed_db, tmp_path):
    with transaction.atomic():
        for number in range(JOBS):
            _enqueue(f"person-{number}")
    with transaction.atomic():
        _enqueue("undone")
        transaction.set_rollback(True)
    for _ in range(2):
        worker()
    until(_is_done(committed_db))
    sent = _sent(tmp_path)
    assert "undone" not in sent
    assert [n for n in range(JOBS) if sent.count(f"To: person-{n}@example.org\n") != 1] == []


def test_stopped_worker_ends_cleanly_and_leaves_nothing_half_done(worker, committed_db, tmp_path):
    with transaction.atomic():
        for number in range(200):
            _enqueue(f"person-{number}")
    first = worker()
    until(lambda: "person-" in _sent(tmp_path))
    first.send_signal(signal.SIGTERM)
    assert first.wait(timeout=WAIT_S) == 0
    doing = "SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing'"
    with psycopg.connect(url_of("owner", committed_db)) as connection:
        assert connection.execute(doing).fetchone() == (0,)
    second = worker(WORKER_STOP_TIMEOUT_S="1", **PATIENT)
    until(_is_done(committed_db))
    sent = _sent(tmp_path)
    assert [n for n in range(200) if sent.count(f"To: person-{n}@example.org\n") != 1] == []

    with _job_in_hand(committed_db):
        second.send_signal(signal.SIGTERM)
        assert second.wait(timeout=WAIT_S) == 0, "it waits no longer than it may"
        with psycopg.connect(url_of("owner", committed_db)) as connection:
            assert connection.execute(doing).fetchone() == (0,)
            assert connection.execute(LEFT, ["%forget_answered%"]).fetchone() == (1,), "given back"


def test_worker_takes_over_new_values_at_sighup(worker, committed_db, tmp_path):
    sender, log = tmp_path / "sender", tmp_path / "worker-0.log"
    sender.write_text("before@example.org")
    process = worker(MAIL_FROM_FILE=str(sender), **PATIENT)

    def is_sent_by(address: str, to: str) -> bool:
        _enqueue(to)
        until(lambda: f"To: {to}@example.org\n" in _sent(tmp_path))
        mails = [path.read_text() for path in (tmp_path / "mails").glob("*")]
        (mail,) = [mail for mail in mails if f"To: {to}@example.org\n" in mail]
        return f"From: {address}\n" in mail

    assert is_sent_by("before@example.org", "ada")
    sender.unlink()
    process.send_signal(signal.SIGHUP)
    until(lambda: "reload_refused" in log.read_text())
    assert "MAIL_FROM_FILE" in log.read_text()
    assert is_sent_by("before@example.org", "bob")

    sender.write_text("after@example.org")
    process.send_signal(signal.SIGHUP)
    until(lambda: '"event":"reload"' in log.read_text())
    until(lambda: log.read_text().count("Starting worker") == 2 or process.poll() is not None)
    assert is_sent_by("after@example.org", "cora")
    assert process.poll() is None, "it is the same process still"

    with _job_in_hand(committed_db):
        process.send_signal(signal.SIGHUP)
        until(lambda: log.read_text().count('"event":"reload"') == 2)
        # Before it has finished for the reload, somebody stops it.
        process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=WAIT_S) == 0
    assert log.read_text().count("Starting worker") == 2
    assert "Traceback" not in log.read_text()
    with psycopg.connect(url_of("owner", committed_db)) as connection:
        assert connection.execute(LEFT, ["forget%"]).fetchone() == (0,)


def test_worker_that_loses_the_database_works_on_once_it_is_back(worker, committed_db, tmp_path):
    log = tmp_path / "worker-0.log"
    process = worker()
    _enqueue("ada")
    until(_is_done(committed_db))
    with psycopg.connect(url_of("superuser", "postgres"), autocommit=True) as mighty:
        mighty.execute(f"ALTER DATABASE {committed_db} ALLOW_CONNECTIONS false")
        try:
            mighty.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                [committed_db],
            )
            until(lambda: "worker_lost_the_database" in log.read_text())
        finally:
            mighty.execute(f"ALTER DATABASE {committed_db} ALLOW_CONNECTIONS true")
    connection.close()
    _enqueue("bob")
    until(lambda: "To: bob@example.org\n" in _sent(tmp_path) or process.poll() is not None)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=WAIT_S) == 0
    assert "To: bob@example.org\n" in _sent(tmp_path)


def test_job_of_a_dead_worker_goes_to_another(worker, committed_db, tmp_path):
    """The dead one had the job in hand and gives no sign of life any more."""
    _once().defer(timestamp=1)
    with transaction.atomic():
        _enqueue("ada")
    with psycopg.connect(url_of("owner", committed_db), autocommit=True) as connection:
        (dead,) = connection.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) "
            "VALUES (now() - interval '1 hour') RETURNING id"
        ).fetchone() or (0,)
        connection.execute(
            "UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s",
            [dead],
        )
        # This one may wait only once, and does so already: it must not hold up the others.
        _once().defer(timestamp=2)
        asyncio.run(_return_stalled_jobs())
        left = connection.execute("SELECT args->>'timestamp', status FROM procrastinate_jobs")
        assert sorted(left, key=str) == [("2", "todo"), (None, "todo")]
        tasks.send_webhooks.defer(endpoint_id="x", user_id="y")
        worker("--queue", "default")
        until(_is_done(committed_db))
        assert _sent(tmp_path).count("To: ada@example.org\n") == 1
        of_others = connection.execute(LEFT, ["%send_webhooks"])
        assert of_others.fetchone() == (1,), "it takes jobs of its own queue alone"


def _once() -> JobDeferrer:
    return app.configure_task("core.tasks.begin_epoch", queueing_lock="begin_epoch")


async def _return_stalled_jobs() -> None:
    with app.replace_connector(app.connector.get_worker_connector()) as own:  # type: ignore[attr-defined]  # of the Django connector
        async with own.open_async():
            await tasks.return_stalled(own.job_manager)
