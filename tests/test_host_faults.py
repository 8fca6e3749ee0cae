"""Faults of the host: no log, no descriptors, no archive for the log of PostgreSQL."""

from __future__ import annotations

import http.client
import os
import resource
from collections.abc import Iterator
from typing import Any

import pytest

from core.embedded.postgres import OWNER_ROLE, THROW_AWAY, PostgresCluster
from tests.breakable import World, migrated
from tests.http import Client, registered
from tests.ready import await_ready
from tests.services import cluster_at
from tests.serving import Service
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
        return '"route": "api/v1/me/"' in log.read_text(encoding="utf-8")

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
