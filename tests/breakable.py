"""A service whose PostgreSQL can be broken, and the proof that it is well again."""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from typing import Any

import psycopg

from core.embedded.postgres import OWNER_ROLE, SUPERUSER, PostgresCluster
from tests.http import Client, opened, posting, registered, staff
from tests.serving import ROOT, Service

RECOVERY_S = 5
HEALTH_S = 2
# DB_STATEMENT_TIMEOUT_MS and a second: what any answer may take when PostgreSQL is at fault.
ANSWER_S = 6
# A busy machine is not a fault of the service.
MARGIN = 2
AT_ONCE = 12


class World:
    """A service, its PostgreSQL, and what Ada was told."""

    def __init__(self, service: Service, cluster: PostgresCluster) -> None:
        self.service, self.cluster = service, cluster
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


def migrated(cluster: PostgresCluster) -> None:
    """Make the tables and roles of the service in ``cluster``."""
    urls = {"DATABASE_URL": cluster.url(), "DATABASE_OWNER_URL": cluster.url(OWNER_ROLE)}
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        env={**os.environ, **urls},
        cwd=ROOT,
        check=True,
    )
