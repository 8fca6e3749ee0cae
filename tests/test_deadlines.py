"""Work that takes too long: 504, ended in PostgreSQL too, and nothing of it happens later."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import http.client
import os
import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from config import env
from tests.database import url_of
from tests.http import Client, opened, posting, registered, staff
from tests.proxy import SHIPPED
from tests.ready import await_ready
from tests.serving import Service, serving
from tests.waiting import until

pytestmark = pytest.mark.xdist_group("deadlines")
FUNDED = 1_000
TAKE_TIME = (
    "CREATE FUNCTION take_time() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN PERFORM pg_sleep(30); RETURN NEW; END $$"
)
# How PostgreSQL is made slow: in a statement, and in what only a COMMIT checks.
SLOW = {
    "statement": ("CREATE TRIGGER take_time BEFORE INSERT", ""),
    "commit": ("CREATE CONSTRAINT TRIGGER take_time AFTER INSERT", "DEFERRABLE INITIALLY DEFERRED"),
}


@pytest.fixture(scope="module")
def service(tmp_path_factory, worker_id) -> Iterator[Service]:
    with serving(tmp_path_factory.mktemp("deadlines"), f"{worker_id}_deadlines") as serve:
        yield serve(workers=1, threads=2)


def _owner(service: Service) -> psycopg.Connection:
    return psycopg.connect(url_of("owner", service.database), autocommit=True)


def _asked(service: Service, question: str) -> int:
    with psycopg.connect(url_of("superuser", service.database)) as connection:
        found = connection.execute(question).fetchone()
    assert found is not None
    return int(found[0])


@pytest.mark.parametrize("when", sorted(SLOW))
def test_past_the_deadline_nothing_commits_afterwards(service, when):
    trigger, deferred = SLOW[when]
    ada = registered(service, f"ada-{when}@example.org")
    purse, target = opened(ada, "purse"), opened(ada, "target")
    assert staff(service).post_transaction(posting("cash", purse, FUNDED))[0] == 201
    with _owner(service) as owner:
        owner.execute(TAKE_TIME)
        owner.execute(
            f"{trigger} ON transaction {deferred} FOR EACH ROW EXECUTE FUNCTION take_time()"
        )
        try:
            status, _, problem = ada.call(
                "POST",
                "/api/v1/transactions/",
                posting(purse, target, 5),
                Idempotency_Key=f"slow-{when}",
                X_Request_Timeout="3",
            )
            assert (status, problem["code"]) == (504, "TIMEOUT_REQUEST")
            sleeping = (
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' "
                "AND datname = current_database()"
            )
            assert _asked(service, sleeping) == 0, "it was cancelled before we answered"
        finally:
            owner.execute("DROP FUNCTION take_time() CASCADE")
    held = ada.call("GET", f"/api/v1/ledger-accounts/{purse}/balance/")[2]["posted"]
    assert held == FUNDED
    for _ in range(2):
        assert ada.post_transaction(posting(purse, target, 5), f"slow-{when}")[0] == 201
    held = ada.call("GET", f"/api/v1/ledger-accounts/{purse}/balance/")[2]["posted"]
    assert held == FUNDED - 5


def test_worker_killed_before_its_commit_leaves_nothing(service):
    """Also not later: PostgreSQL notices that nobody waits, and the key is free for the retry."""
    ada = registered(service, "ada-killed@example.org")
    purse, target = opened(ada, "purse"), opened(ada, "target")
    assert staff(service).post_transaction(posting("cash", purse, FUNDED))[0] == 201
    sleeping = (
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' "
        "AND datname = current_database()"
    )
    with _owner(service) as owner, concurrent.futures.ThreadPoolExecutor(1) as pool:
        owner.execute(TAKE_TIME)
        owner.execute(
            "CREATE TRIGGER take_time BEFORE INSERT ON transaction "
            "FOR EACH ROW EXECUTE FUNCTION take_time()"
        )
        moving = pool.submit(ada.post_transaction, posting(purse, target, 5), "killed")
        until(lambda: _asked(service, sleeping) == 1)
        master = service.process.pid
        children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
        for worker in children:
            os.kill(int(worker), signal.SIGKILL)
        with pytest.raises((OSError, http.client.HTTPException)):
            moving.result()
        until(lambda: _asked(service, sleeping) == 0)
        owner.execute("DROP FUNCTION take_time() CASCADE")
    await_ready(service.url, service.process, service.log)
    for _ in range(2):
        assert ada.post_transaction(posting(purse, target, 5), "killed")[0] == 201
    held = ada.call("GET", f"/api/v1/ledger-accounts/{purse}/balance/")[2]["posted"]
    assert held == FUNDED - 5


def test_client_that_leaves_ends_its_export(service):
    """Two threads, both kept by exports nobody reads: whoever comes next would wait for ever."""
    grace = staff(service)
    service.command("demo_generate", "--users", "20", "--transactions", "20000", "--force")
    path = "/api/v1/transactions/?format=csv"
    with contextlib.ExitStack() as leaving:
        for _ in range(2):
            leaving.enter_context(contextlib.closing(_begun(service, path, grace.token)))
        with pytest.raises(TimeoutError):
            Client(service.url, timeout=2).call("GET", "/health/live")
    assert Client(service.url).call("GET", "/health/live")[0] == 200
    busy = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND usename LIKE '%app' AND state <> 'idle'"
    )
    until(lambda: _asked(service, busy) == 0)


def _begun(service: Service, path: str, token: str) -> socket.socket:
    """Begin to read an answer, and stop."""
    reader = socket.socket()
    # Before connecting: the little it takes is all the server gets rid of.
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    host, port = service.url.removeprefix("http://").split(":")
    reader.connect((host, int(port)))
    reader.sendall(
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    )
    assert b"200 OK" in reader.recv(1_024)
    return reader


def test_each_layer_answers_before_the_next_gives_up():
    """The settings are checked among themselves at start; nginx is outermost."""
    fields: dict[str, Any] = {field.name: field.default for field in dataclasses.fields(env.Env)}
    (waits_s,) = re.findall(r"proxy_read_timeout (\d+)s;", (SHIPPED / "proxy.conf").read_text())
    assert int(waits_s) > fields["worker_timeout_s"]
    assert fields["worker_timeout_s"] * 1_000 > fields["request_deadline_ms"]
