"""PostgreSQL slow, silent, full, busy or read only: what is said, and that it mends itself.

One service for all of them: each test breaks something, mends it, and must leave a service that
answers within seconds and a ledger in which everything that was acknowledged happened once.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from core.embedded.postgres import OWNER_ROLE, SUPERUSER, PostgresCluster
from tests.http import Client, opened, posting, registered, staff
from tests.services import cluster_at
from tests.serving import ROOT, Service, serving
from tests.waiting import until
from tests.wires import Wire

RECOVERY_S = 5
HEALTH_S = 2
# DB_STATEMENT_TIMEOUT_MS and a second: what any answer may take when PostgreSQL is at fault.
ANSWER_S = 6
# A busy machine is not a fault of the service.
MARGIN = 2
SLOW_S = 0.2
AT_ONCE = 12
pytestmark = pytest.mark.xdist_group("faults")


class World:
    """A service, its PostgreSQL, the line between them, and what Ada was told."""

    def __init__(self, service: Service, cluster: PostgresCluster, wire: Wire) -> None:
        self.service, self.cluster, self.wire = service, cluster, wire
        self.ada = registered(service, "ada@example.org")
        self.purse, self.target = opened(self.ada, "purse"), opened(self.ada, "target")
        status, _ = staff(service).post_transaction(posting("cash", self.purse, 1_000_000))
        assert status == 201
        self.told: dict[str, int] = {}

    def client(self) -> Client:
        return Client(self.service.url, self.ada.token)

    def move(self, key: str | None = None) -> tuple[int, dict[str, str], Any]:
        """Move one cent under a key of its own, and note what was said."""
        key = key or uuid.uuid4().hex
        self.told.setdefault(key, 0)
        body = {**posting(self.purse, self.target, 1), "reference": key}
        with contextlib.closing(self.client()) as client:
            answer = client.call("POST", "/api/v1/transactions/", body, Idempotency_Key=key)
        self.told[key] = answer[0]
        return answer

    def at_once(self, work: Callable[[], Any], times: int = AT_ONCE) -> list[Any]:
        with concurrent.futures.ThreadPoolExecutor(times) as pool:
            return [future.result() for future in [pool.submit(work) for _ in range(times)]]

    def is_alive(self) -> bool:
        return self._health("/health/live")[0] == 200

    def readiness(self) -> tuple[int, Any]:
        status, body = self._health("/health/ready")
        return status, body["checks"]

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        url = self.cluster.url(SUPERUSER)
        with psycopg.connect(url, autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def prove_recovered(self) -> None:
        """All is well within seconds, without a restart, and nothing was lost or done twice."""
        deadline = time.monotonic() + RECOVERY_S * MARGIN
        while {answer[0] for answer in self.at_once(self.move, 4)} != {201}:
            assert time.monotonic() < deadline, "did not recover"
            time.sleep(0.05)
        assert self.readiness()[0] == 200
        assert self.service.process.poll() is None
        for key, status in self.told.items():
            assert status in (201, 503), (key, status)
            if status != 201:
                assert self.move(key)[0] == 201
        found = dict(self.sql("SELECT reference, count(*) FROM transaction_reference GROUP BY 1"))
        assert found == dict.fromkeys(self.told, 1)

    def _health(self, path: str) -> tuple[int, Any]:
        started = time.monotonic()
        with contextlib.closing(Client(self.service.url)) as client:
            status, _, body = client.call("GET", path)
        assert time.monotonic() - started < HEALTH_S * MARGIN
        return status, body


def is_unavailable(answer: tuple[int, dict[str, str], Any], code: str = "DB_UNAVAILABLE") -> bool:
    status, headers, problem = answer
    told = headers["content-type"] == "application/problem+json" and int(headers["retry-after"]) > 0
    return (status, problem["code"]) == (503, code) and told


@pytest.fixture(scope="module")
def running(tmp_path_factory, worker_id) -> Iterator[World]:
    home = tmp_path_factory.mktemp("faults")
    for folder in (home, *home.parents[:3]):
        if folder.stat().st_uid == os.geteuid():
            folder.chmod(folder.stat().st_mode | 0o011)
    cluster = cluster_at(home)
    cluster.start()
    wire = Wire(home / "wire", cluster.socket_folder)
    migrated(cluster)
    addresses = {
        "DATABASE_URL": wire.url(cluster.url()),
        "DATABASE_OWNER_URL": cluster.url(OWNER_ROLE),
        "DB_POOL_SIZE_MAX": "4",
    }
    with serving(home, f"{worker_id}_faults") as serve:
        service = serve(workers=2, threads=8, **addresses)
        yield World(service, cluster, wire)
        assert service.command("ledger_verify", check=False).returncode == 0
    wire.close()
    cluster.stop(mode="immediate")


def migrated(cluster: PostgresCluster) -> None:
    """Make the tables and roles of the service in ``cluster``."""
    urls = {"DATABASE_URL": cluster.url(), "DATABASE_OWNER_URL": cluster.url(OWNER_ROLE)}
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        env={**os.environ, **urls},
        cwd=ROOT,
        check=True,
    )


@pytest.fixture
def world(running: World) -> Iterator[World]:
    """A world that must be well again after the test."""
    running.at_once(running.move, 4)
    yield running
    running.wire.mend()
    running.prove_recovered()


def test_slow_database_makes_slow_answers_and_nothing_worse(world):
    world.wire.delay_s = SLOW_S
    started = time.monotonic()
    assert [answer[0] for answer in world.at_once(world.move, 4)] == [201] * 4
    assert time.monotonic() - started < ANSWER_S * MARGIN
    assert world.is_alive()
    assert world.readiness()[0] == 200


def test_silent_database_is_given_up_in_time(world):
    """It takes connections and never answers: what a failed switch or a full host does."""
    world.wire.silence()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        started = time.monotonic()
        moving = pool.submit(world.at_once, world.move)
        assert world.is_alive()
        status, checks = world.readiness()
        assert (status, checks["database"]["status"]) == (503, "unavailable")
        assert all(is_unavailable(answer) for answer in moving.result())
        assert time.monotonic() - started < ANSWER_S * MARGIN
    assert world.is_alive()
    details = Client(world.service.url, os.environ["METRICS_TOKEN"])
    assert details.call("GET", "/health/detailed")[0] == 503


def test_answer_that_comes_after_we_gave_up_is_nobody_elses(world):
    """Whoever uses the connection next must not be given it."""
    world.wire.silence()
    assert {answer[0] for answer in world.at_once(world.move, 4)} == {503}
    world.wire.mend()
    for _ in range(20):
        status, _, me = world.client().call("GET", "/api/v1/me/")
        if status == 200:
            assert me["email"] == "ada@example.org"


def test_cut_lines_are_replaced(world):
    world.wire.cut()
    assert [answer[0] for answer in world.at_once(world.move, 4)] == [201] * 4


def test_ended_backends_are_met_by_nobody(world):
    """What sat in the pool when they ended is noticed before a request gets it."""
    for _ in range(3):
        world.sql(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE usename = 'strongroom_app'"
        )
        assert {answer[0] for answer in world.at_once(world.move)} == {201}


def test_exhausted_pool_is_told_and_not_taken_for_a_dead_database(world):
    with psycopg.connect(world.cluster.url(SUPERUSER)) as holder:
        holder.execute("LOCK TABLE ledger_account IN ACCESS EXCLUSIVE MODE")
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            asking = pool.submit(
                world.at_once, lambda: world.client().call("GET", "/api/v1/ledger-accounts/")
            )
            assert world.is_alive()
            assert world.readiness()[0] == 200
            answers = asking.result()
    codes = {answer[2]["code"] for answer in answers}
    assert codes == {"DB_UNAVAILABLE", "DB_BUSY"}, "some waited for a connection, some for a lock"
    assert all(is_unavailable(answer, answer[2]["code"]) for answer in answers)


def test_no_connection_to_be_had_is_503(world):
    """53300, as when ``max_connections`` are used up by others."""
    world.sql("ALTER ROLE strongroom_app CONNECTION LIMIT 0")
    world.sql(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE usename = 'strongroom_app'"
    )
    assert all(is_unavailable(answer) for answer in world.at_once(world.move, 4))
    assert world.is_alive()
    assert world.readiness()[0] == 503
    world.sql("ALTER ROLE strongroom_app CONNECTION LIMIT -1")


def test_server_that_takes_no_writes_is_503_and_not_ready(world):
    """25006: a standby that the address still leads to after a failover."""
    world.sql("ALTER SYSTEM SET default_transaction_read_only = on")
    world.sql("SELECT pg_reload_conf()")
    try:
        until(lambda: world.readiness()[0] == 503)
        assert world.readiness()[1]["database"]["detail"] == "PostgreSQL takes no writes"
        assert all(is_unavailable(answer) for answer in world.at_once(world.move, 4))
        assert world.is_alive()
    finally:
        reset = psycopg.connect(world.cluster.url(SUPERUSER), autocommit=True)
        with reset:
            reset.execute("SET default_transaction_read_only = off")
            reset.execute("ALTER SYSTEM RESET default_transaction_read_only")
            reset.execute("SELECT pg_reload_conf()")
