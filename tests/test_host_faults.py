"""Faults of the host: no log, no descriptors, a clock that jumps, a WAL nobody takes."""

from __future__ import annotations

import datetime as dt
import http.client
import os
import re
import resource
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from core import clock
from core.embedded.postgres import OWNER_ROLE, THROW_AWAY, PostgresCluster
from tests.breakable import World, migrated
from tests.http import Client, posting, registered
from tests.ready import await_ready
from tests.services import cluster_at
from tests.serving import ROOT, Service
from tests.waiting import until


def test_log_that_takes_no_line_stops_nothing(serve, tmp_path):
    """A full disk under the log; once there is room the lines come again."""
    log = tmp_path / "service.log"
    log.symlink_to("/dev/full")
    service = serve(workers=2, threads=2, LOG_FILE=str(log))
    ada = registered(service, "ada@example.org")
    assert {ada.call("GET", "/api/v1/me/")[0] for _ in range(20)} == {200}
    log.unlink()
    log.touch()

    def is_told() -> bool:
        assert ada.call("GET", "/api/v1/me/")[0] == 200
        return '"route":"api/v1/me/"' in log.read_text(encoding="utf-8")

    until(is_told)
    assert service.process.poll() is None


def test_web_process_without_descriptors_is_replaced_or_recovers(serve):
    service = serve(workers=2, threads=2)
    ada = registered(service, "ada@example.org")
    starved = set(service.workers())
    for pid in starved:
        _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        # Fewer than it has open: it gets no further one, for whatever it is.
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, hard))
    outcomes = {_outcome(service, ada.token) for _ in range(20)}
    assert outcomes <= {200, 503, None}
    # Who waits at the door while processes are replaced notices nothing.
    assert outcomes != {200} or set(service.workers()) != starved, "nobody missed them"
    for pid in service.workers():
        _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (hard, hard))
    await_ready(service.url, service.process, service.log)
    until(lambda: {_outcome(service, ada.token) for _ in range(10)} == {200})
    assert service.command("ledger_verify").returncode == 0


def test_clock_that_jumps_revives_nobody_and_moves_no_limit(serve, tmp_path):
    """The clock of the web processes, not PostgreSQL's: two hours back, then on, then right."""
    (tmp_path / "sitecustomize.py").write_text(_A_CLOCK_THAT_JUMPS)
    jump = tmp_path / "jump"
    jump.write_text("0")
    patched = {"PYTHONPATH": f"{tmp_path}:{ROOT}", "JUMP_FILE": str(jump)}
    service = serve(workers=2, SESSION_IDLE_TIMEOUT_S="86400", **patched)
    told = service.command("shell", "-v", "0", "-c", _ADA_HAS_MONEY_BOB_HAS_EXPIRED).stdout
    token, of_bob, purse, target = told.split()
    ada, bob = Client(service.url, token), Client(service.url, of_bob)
    moved, left = [], []
    for hours in (-2, 2, 0):
        jump.write_text(str(hours))
        assert bob.call("GET", "/api/v1/me/")[0] == 401, hours
        for _ in range(3):
            status, answer = ada.post_transaction(posting(purse, target, 1))
            assert status == 201, answer
            moved.append(answer["id"])
        status, headers, _ = ada.call("GET", "/api/v1/me/")
        assert status == 200
        ahead = parsedate_to_datetime(headers["date"]) - clock.now()
        assert abs(ahead - dt.timedelta(hours=hours)) < dt.timedelta(minutes=5)
        left += [int(rest) for rest in re.findall(r"r=(\d+)", headers["ratelimit"])]
    assert len(set(moved)) == 9
    assert left == sorted(left, reverse=True)
    assert service.command("ledger_verify").returncode == 0


# What every process of the service does first.
_A_CLOCK_THAT_JUMPS = """
import datetime as dt
import os
import pathlib
import time
from core import clock

jump, now, since_1970_ns = pathlib.Path(os.environ["JUMP_FILE"]), clock.now, time.time_ns
off_s = lambda: int(jump.read_text() or 0) * 3600
clock.now = lambda: now() + dt.timedelta(seconds=off_s())
time.time_ns = lambda: since_1970_ns() + off_s() * 10**9
time.time = lambda: time.time_ns() / 10**9
"""
_ADA_HAS_MONEY_BOB_HAS_EXPIRED = """
import datetime as dt
from core import clock
from sessions_app.models import Session
from sessions_app.services import start_session
from tests.people import make_person
from transactions.tests.money import open_account

ada, bob = make_person("ada@example.org"), make_person("bob@example.org")
ended = clock.now() - dt.timedelta(hours=1)
began = ended - dt.timedelta(days=1)
session, of_bob = start_session(user=bob.user)
Session.objects.filter(pk=session.pk).update(
    created_at=began, authenticated_at=began, expires_at=ended
)
print(start_session(user=ada.user)[1], of_bob)
print(open_account(ada.principal, balance=100), open_account(ada.principal))
"""


def _outcome(service: Service, token: str) -> int | None:
    """Return the status of an answer, or nothing when there was none."""
    client = Client(service.url, token, timeout=2)
    try:
        return client.call("GET", "/api/v1/me/")[0]
    except (OSError, http.client.HTTPException):
        return None
    finally:
        client.close()


@pytest.fixture
def cluster(tmp_path_factory) -> Iterator[PostgresCluster]:
    """A PostgreSQL whose archive takes nothing."""
    home = tmp_path_factory.mktemp("archiving")
    for folder in (home, *home.parents[:3]):
        if folder.stat().st_uid == os.geteuid():
            folder.chmod(folder.stat().st_mode | 0o011)
    made = cluster_at(
        home,
        settings={
            **THROW_AWAY,
            "wal_level": "replica",
            "archive_mode": "on",
            "archive_command": "false",
        },
    )
    made.start()
    migrated(made)
    yield made
    made.stop(mode="immediate")


def test_archive_that_takes_nothing_is_told_and_stops_nobody(serve, cluster):
    urls = {"DATABASE_URL": cluster.url(), "DATABASE_OWNER_URL": cluster.url(OWNER_ROLE)}
    world = World(serve(workers=2, **urls), cluster)

    def counted(what: str) -> Any:
        return world.sql(f"SELECT {what} FROM pg_stat_archiver")[0][0]

    world.sql("SELECT pg_switch_wal()")
    # What the alert WalArchiveFailing looks at.
    until(lambda: counted("failed_count") > 0)
    assert [answer[0] for answer in world.at_once(world.move, 4)] == [201] * 4
    assert world.readiness()[0] == 200
    world.sql("ALTER SYSTEM SET archive_command = 'true'")
    world.sql("SELECT pg_reload_conf()")
    until(lambda: counted("archived_count") > 0)
    world.prove_recovered()
