"""Web processes that are told to stop: unready first, nothing lost, nobody kept waiting."""

from __future__ import annotations

import concurrent.futures
import http.client
import os
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import psycopg
import pytest
import redis

from tests.database import url_of
from tests.http import Client, opened, posting, registered, staff
from tests.proxy import NAME, Proxy
from tests.serving import Service
from tests.waiting import until

# The promise is for twenty (benchmarks/README.md has the figure); fewer tell the same, less often.
RESTARTS = int(os.environ.get("ROLLING_RESTARTS", "4"))
REQUESTS_A_SECOND = 50
CLIENTS = 10
TRANSFER_S = 2
SLOW_TRANSFER = f"""
    CREATE FUNCTION take_time() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_sleep({TRANSFER_S}); RETURN NEW; END $$;
    CREATE TRIGGER take_time BEFORE INSERT ON transaction FOR EACH ROW
    EXECUTE FUNCTION take_time();
"""
pytestmark = pytest.mark.xdist_group("stopping")


@pytest.fixture
def pair(serve) -> tuple[Service, Service]:
    """Two instances of one service, as behind a real proxy."""
    behind = {
        "ALLOWED_HOSTS": f"{NAME},127.0.0.1",
        "TRUSTED_PROXY_COUNT": "1",
        # nginx leaves an instance that has just come back alone for two seconds.
        "STOP_DELAY_S": "3",
    }
    first = serve(workers=2, threads=4, **behind)
    same = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL")
    second = serve(
        workers=2, threads=4, **behind, **{name: first.environment[name] for name in same}
    )
    return first, second


def _funded(service: Service) -> tuple[Client, str, str]:
    ada = registered(service, "ada@example.org")
    purse, target = opened(ada, "purse"), opened(ada, "target")
    status, _ = staff(service).post_transaction(posting("cash", purse, 1_000_000))
    assert status == 201
    return ada, purse, target


class Load:
    """Clients that come at a steady rate, half to read, half to move one cent."""

    def __init__(self, connect: Callable[[], Client], body: dict[str, object]) -> None:
        self.connect, self.body = connect, body
        self.answers: list[tuple[str, object]] = []
        self.acknowledged: list[str] = []
        self.over = threading.Event()

    def __enter__(self) -> Self:
        self.pool = concurrent.futures.ThreadPoolExecutor(CLIENTS)
        self.running = [self.pool.submit(self._come, number) for number in range(CLIENTS)]
        return self

    def __exit__(self, *_raised: object) -> None:
        self.over.set()
        self.pool.shutdown()
        for future in self.running:
            future.result()

    def refused(self) -> list[tuple[str, object]]:
        return [answer for answer in self.answers if answer[1] not in (200, 201)]

    def _come(self, number: int) -> None:
        client = self.connect()
        pause_s = CLIENTS / REQUESTS_A_SECOND
        for turn in range(1_000_000):
            if self.over.wait(pause_s):
                break
            reads = (turn + number) % 2
            try:
                status = client.call("GET", "/api/v1/me/")[0] if reads else self._moved(client)
            except (OSError, http.client.HTTPException) as exc:
                self.answers.append(("broken", repr(exc)))
            else:
                self.answers.append(("GET" if reads else "POST", status))
        client.close()

    def _moved(self, client: Client) -> int:
        key = str(uuid.uuid4())
        status, _ = client.post_transaction(self.body, key)
        if status == 201:
            self.acknowledged.append(key)
        return status


@pytest.fixture
def load(pair, proxied) -> Iterator[Load]:
    """Load on a pair behind the shipped nginx."""
    ada, purse, target = _funded(pair[0])
    proxy: Proxy = proxied(*pair)
    with Load(lambda: proxy.client(ada.token), posting(purse, target, 1)) as coming:
        until(lambda: len(coming.answers) > REQUESTS_A_SECOND)
        yield coming


def _transactions(service: Service) -> int:
    with psycopg.connect(url_of("owner", service.database)) as connection:
        found = connection.execute("SELECT count(*) FROM transaction").fetchone()
    assert found is not None
    return int(found[0])


def _connections(service: Service) -> int:
    question = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND usename LIKE '%%app'"
    with psycopg.connect(url_of("superuser", "postgres")) as connection:
        found = connection.execute(question, [service.database]).fetchone()
    assert found is not None
    return int(found[0])


def _valkey_connections(service: Service) -> int:
    url = service.environment["REDIS_URL"]
    with redis.Redis.from_url(url) as client:
        me, everybody = client.client_id(), client.client_list()
        index = client.get_connection_kwargs()["db"]
    return sum(one["db"] == str(index) and one["id"] != str(me) for one in everybody)


def test_rolling_restarts_under_load_refuse_nobody(pair, load):
    for number in range(RESTARTS):
        assert pair[number % 2].restart() == 0
    load.__exit__()
    print(f"{len(load.answers)} requests during {RESTARTS} restarts")
    assert load.refused() == []
    assert _transactions(pair[0]) == 1 + len(load.acknowledged)
    assert pair[0].command("ledger_verify").returncode == 0
    for service in pair:
        service.stop()
    until(lambda: _connections(pair[0]) == 0)


def test_reload_under_load_refuses_nobody_and_stays_ready(pair, load):
    """SIGHUP: new workers come to the same door before the old ones go."""
    for service in pair:
        service.process.send_signal(signal.SIGHUP)
    for _ in range(50):
        for service in pair:
            assert Client(service.url).call("GET", "/health/ready")[0] == 200
        time.sleep(0.05)
    load.__exit__()
    assert load.refused() == []


def test_whoever_stops_it_during_a_reload_is_heard(serve):
    service = serve(workers=1, threads=2)
    children = Path(f"/proc/{service.process.pid}/task/{service.process.pid}/children")
    service.process.send_signal(signal.SIGHUP)
    until(lambda: len(children.read_text().split()) > 1)
    assert service.stop() == 0
    assert not children.exists()
    until(lambda: _connections(service) == 0)


def test_transfer_in_flight_commits_and_who_asks_hears_first(serve):
    service = serve(workers=1, threads=4, STOP_DELAY_S="3")
    ada, purse, target = _funded(service)
    with psycopg.connect(url_of("owner", service.database)) as connection:
        connection.execute(SLOW_TRANSFER)
    ready, late = Client(service.url), Client(service.url, ada.token)
    assert ready.call("GET", "/health/ready")[0] == 200
    assert _valkey_connections(service) > 0
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        moving = pool.submit(ada.post_transaction, posting(purse, target, 5))
        until(lambda: _sleeping(service))
        service.process.send_signal(signal.SIGTERM)
        problem = until(lambda: _unready(ready))
        assert problem["code"] == "DB_NOT_READY"
        assert problem["checks"]["process"]["status"] == "unavailable"
        assert ready.call("GET", "/health/live")[0] == 200
        # Whoever has not heard of it yet is still served.
        assert late.call("GET", "/api/v1/me/")[0] == 200
        status, made = moving.result()
    assert (status, made["status"]) == (201, "posted")
    assert service.process.wait(40) == 0
    assert _transactions(service) == 2
    until(lambda: _connections(service) == _valkey_connections(service) == 0)
    lines = service.log.read_text().splitlines()
    assert any('"POST"' in line and '"status":201' in line for line in lines[-20:])


def _unready(client: Client) -> Any:
    status, _, problem = client.call("GET", "/health/ready")
    return problem if status == 503 else None


def _sleeping(service: Service) -> bool:
    question = "SELECT 1 FROM pg_stat_activity WHERE datname = %s AND wait_event = 'PgSleep'"
    with psycopg.connect(url_of("superuser", "postgres")) as connection:
        return connection.execute(question, [service.database]).fetchone() is not None
