"""A worker killed with kill -9 while a receiver still holds its answer: sent again, never lost."""

from __future__ import annotations

import http.server
import json
import threading
from collections import Counter

import psycopg
import pytest
from django.db import transaction

from core import ids, outbox
from core.models import WebhookDelivery
from core.principals import SYSTEM
from core.webhooks import endpoints
from tests.database import url_of
from tests.test_worker import worker  # noqa: F401 - a fixture
from tests.waiting import until


class Holding:
    """A receiver that takes events and answers nothing until it is told to."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []
        self.may_answer = threading.Event()
        holding = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                holding.seen.append((self.headers["webhook-id"], body["id"]))
                holding.may_answer.wait(60)
                self.send_response(204)
                self.end_headers()

            def log_message(self, *args: object) -> None:  # type: ignore[explicit-override]  # quiet
                pass

            def handle(self) -> None:  # type: ignore[explicit-override]  # who called may be dead
                try:
                    super().handle()
                except OSError:
                    return

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def receiver():
    made = Holding()
    yield made
    made.may_answer.set()
    made.server.shutdown()
    made.server.server_close()


def _let_claims_run_out(database: str) -> None:
    """A minute passes."""
    with psycopg.connect(url_of("owner", database), autocommit=True) as connection:
        connection.execute("UPDATE webhook_delivery SET next_attempt_at = now() WHERE state='due'")
        connection.execute("UPDATE webhook_endpoint SET busy_until = NULL")


def test_worker_killed_between_send_and_mark_sends_again_under_the_same_id(
    worker,  # noqa: F811 - the fixture
    committed_db,
    loopback_allowed,
    receiver: Holding,
):
    endpoints.create_endpoint(url=receiver.url, topics=["*"], sees_all=True, actor=SYSTEM)
    with transaction.atomic():
        outbox.announce(topic="thing.happened", user_id=SYSTEM.user_id, object_id=ids.uuid7())
    allowed = {"OUTBOUND_PRIVATE_NETWORKS": "127.0.0.0/8"}
    first = worker(**allowed)
    until(lambda: receiver.seen)
    first.kill()
    first.wait()
    assert WebhookDelivery.objects.get().state == "due", "nobody has marked it"

    receiver.may_answer.set()
    _let_claims_run_out(committed_db)
    worker(**allowed)
    until(lambda: WebhookDelivery.objects.get().state == "delivered")
    assert len(receiver.seen) == 2
    assert len(set(receiver.seen)) == 1, "the same event under the same id"


_WATCH = """
    CREATE TABLE seen_job (task text, at text, status text);
    GRANT INSERT ON seen_job TO PUBLIC;
    CREATE FUNCTION see_job() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO seen_job VALUES (NEW.task_name, NEW.args->>'timestamp', NEW.status::text);
        RETURN NULL;
    END $$;
    CREATE TRIGGER see_job AFTER INSERT OR UPDATE OF status ON procrastinate_jobs
        FOR EACH ROW EXECUTE FUNCTION see_job();
"""


def test_periodic_jobs_run_once_with_two_workers(worker, committed_db):  # noqa: F811 - as above
    with psycopg.connect(url_of("superuser", committed_db), autocommit=True) as connection:
        connection.execute(_WATCH)

        def begun() -> Counter[tuple[str, str]]:
            rows = connection.execute("SELECT task, at FROM seen_job WHERE status = 'doing'")
            return Counter((task, at) for task, at in rows if at)

        for _ in range(2):
            worker()
        workers = "SELECT count(*) FROM procrastinate_workers"
        until(lambda: connection.execute(workers).fetchone() == (2,))
        until(lambda: len([1 for task, _ in begun() if "relay_events" in task]) >= 4)
        assert set(begun().values()) == {1}
