"""PostgreSQL slow, silent, full, busy or read only: what is said, and that it mends itself.

One service for all of them: each test breaks something, mends it, and must leave a service that
answers within seconds and a ledger in which everything that was acknowledged happened once.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from core.embedded.postgres import OWNER_ROLE, SUPERUSER, PostgresCluster
from tests.breakable import ANSWER_S, MARGIN, World, is_unavailable, migrated
from tests.http import Client
from tests.services import cluster_at
from tests.serving import serving
from tests.waiting import until
from tests.wires import Wire

SLOW_S = 0.2
MOVES = "/api/v1/transactions/"
pytestmark = pytest.mark.xdist_group("faults")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[PostgresCluster]:
    """A PostgreSQL of these tests' own."""
    home = tmp_path_factory.mktemp("faults")
    for folder in (home, *home.parents[:3]):
        if folder.stat().st_uid == os.geteuid():
            folder.chmod(folder.stat().st_mode | 0o011)
    made = cluster_at(home)
    made.start()
    migrated(made)
    yield made
    made.stop(mode="immediate")


@pytest.fixture(scope="module")
def line(tmp_path_factory, cluster: PostgresCluster) -> Iterator[Wire]:
    """The line between the service and that PostgreSQL."""
    wire = Wire(tmp_path_factory.mktemp("line") / "wire", cluster.socket_folder)
    yield wire
    wire.close()


@pytest.fixture(scope="module")
def running(tmp_path_factory, worker_id, cluster: PostgresCluster, line: Wire) -> Iterator[World]:
    """One service for all tests of this module."""
    addresses = {
        "DATABASE_URL": line.url(cluster.url()),
        "DATABASE_OWNER_URL": cluster.url(OWNER_ROLE),
        "DB_POOL_SIZE_MAX": "4",
    }
    with serving(tmp_path_factory.mktemp("served"), f"{worker_id}_faults") as serve:
        service = serve(workers=2, threads=8, **addresses)
        yield World(service, cluster)
        assert service.command("ledger_verify", check=False).returncode == 0


@pytest.fixture
def world(running: World, line: Wire) -> Iterator[World]:
    """A world that must be well again after the test."""
    running.at_once(running.move, 4)
    yield running
    line.mend()
    running.prove_recovered()


def test_slow_database_makes_slow_answers_and_nothing_worse(world, line):
    line.delay_s = SLOW_S
    started = time.monotonic()
    assert [answer[0] for answer in world.at_once(world.move, 4)] == [201] * 4
    assert time.monotonic() - started < ANSWER_S * MARGIN
    assert world.is_alive()
    assert world.readiness()[0] == 200


def test_silent_database_is_given_up_in_time(world, line):
    """It takes connections and never answers: what a failed switch or a full host does."""
    line.silence()
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


def test_answer_that_comes_after_we_gave_up_is_nobody_elses(world, line):
    """Whoever uses the connection next must not be given it."""
    line.silence()
    assert {answer[0] for answer in world.at_once(world.move, 4)} == {503}
    line.mend()
    for _ in range(20):
        status, _, me = world.client().call("GET", "/api/v1/me/")
        if status == 200:
            assert me["email"] == "ada@example.org"


def test_cut_lines_are_replaced(world, line):
    line.cut()
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


@pytest.fixture
def standby(cluster: PostgresCluster) -> Iterator[PostgresCluster]:
    """A PostgreSQL that follows the one of these tests."""
    home = cluster.home.with_name("standby")
    home.mkdir(mode=0o711)
    shutil.copy(cluster.home / "passwords.json", home)
    if cluster.identity is not None:
        os.chown(home, cluster.identity.uid, cluster.identity.gid)
    made = dataclasses.replace(cluster, home=home)
    copied = cluster._run(
        *("pg_basebackup", "--pgdata", str(made.data), "--dbname", cluster.url(SUPERUSER)),
        *("--write-recovery-conf", "--checkpoint", "fast"),
    )
    assert copied.returncode == 0, copied.stderr
    made.start()
    yield made
    made.stop(mode="immediate")
    shutil.rmtree(home)


def test_standby_that_is_behind_is_read_by_nobody(world, standby):
    with psycopg.connect(standby.url(SUPERUSER), autocommit=True) as connection:

        def asked(question: str, *values: str) -> list[tuple[Any, ...]]:
            return connection.execute(question, values).fetchall()

        def known(key: str) -> list[tuple[Any, ...]]:
            return asked("SELECT 1 FROM transaction_reference WHERE reference = %s", key)

        connection.execute("SELECT pg_wal_replay_pause()")
        until(lambda: asked("SELECT pg_get_wal_replay_pause_state()") == [("paused",)])
        key = "behind-" + uuid.uuid4().hex
        status, _, moved = world.move(key)
        assert status == 201
        seen = world.at_once(lambda: world.client().call("GET", f"{MOVES}{moved['id']}/")[0])
        assert set(seen) == {200}
        assert world.readiness()[0] == 200
        assert not known(key)
        connection.execute("SELECT pg_wal_replay_resume()")
        until(lambda: known(key))
