"""Valkey gone, PostgreSQL gone: what still works, what is said, and that it mends itself."""

from __future__ import annotations

import collections
import concurrent.futures
import contextlib
import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.embedded.postgres import OWNER_ROLE, PostgresCluster
from core.embedded.valkey import ValkeyServer
from tests.breakable import migrated
from tests.http import Client, logged_in, opened, posting, registered, staff
from tests.people import PASSWORD
from tests.services import cluster_at, valkey_at
from tests.serving import Service

RECOVERY_S = 10
WORKERS = 4
LIMIT = 100


@pytest.fixture
def home(tmp_path_factory) -> Path:
    """A folder that the users of the servers can reach."""
    home: Path = tmp_path_factory.mktemp("services")
    for folder in (home, *home.parents[:3]):
        if folder.owner() != "root" or os.geteuid() == 0:
            folder.chmod(folder.stat().st_mode | 0o011)
    return home


@pytest.fixture
def valkey(home: Path) -> Iterator[ValkeyServer]:
    """A server of this test's own, to be stopped and hung."""
    valkey = valkey_at(home)
    valkey.start()
    pid = valkey.pid()
    assert pid is not None
    yield valkey
    with contextlib.suppress(ProcessLookupError):
        # A server that a test has hung neither answers nor stops.
        os.kill(pid, signal.SIGCONT)
    valkey.stop()


@pytest.fixture
def cluster(home: Path) -> Iterator[PostgresCluster]:
    """Likewise, to be killed."""
    cluster = cluster_at(home)
    cluster.start()
    migrated(cluster)
    yield cluster
    cluster.stop(mode="immediate")


@pytest.fixture
def service(serve, valkey: ValkeyServer) -> Service:
    """Four workers with this Valkey."""
    return serve(workers=WORKERS, threads=2, CACHE_TIMEOUT_MS="250", REDIS_URL=valkey.url)


def _take_away(valkey: ValkeyServer, how: str) -> None:
    """Stop Valkey, or let it hang: it takes connections and never answers."""
    if how == "stopped":
        valkey.stop()
    else:
        pid = valkey.pid()
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)


def _each_worker(service: Service, token: str) -> list[Client]:
    """Return clients on connections of their own; with enough of them every worker is asked."""
    return [Client(service.url, token) for _ in range(16)]


def _statuses(clients: list[Client], path: str = "/api/v1/me/") -> set[int]:
    try:
        return {client.call("GET", path)[0] for client in clients}
    finally:
        for client in clients:
            client.close()


def test_revoked_session_is_refused_by_every_worker_at_once(service, valkey):
    ada = registered(service, "ada@example.org")
    other = logged_in(service.url, "ada@example.org")
    assert _statuses(_each_worker(service, ada.token)) == {200}
    assert other.call("POST", "/api/v1/sessions/revoke-others/")[2] == {"ended": 1}
    assert _statuses(_each_worker(service, ada.token)) == {401}

    third = logged_in(service.url, "ada@example.org")
    assert _statuses(_each_worker(service, third.token)) == {200}
    valkey.stop()
    assert _statuses(_each_worker(service, third.token)) == {200}
    assert third.call("POST", "/api/v1/auth/logout/")[0] == 204
    assert _statuses(_each_worker(service, third.token)) == {401}
    assert _statuses(_each_worker(service, other.token)) == {200}
    valkey.start()
    assert _statuses(_each_worker(service, third.token)) == {401}
    assert _statuses(_each_worker(service, other.token)) == {200}


def _three_credentials(service: Service) -> dict[str, str]:
    """Log Ada in once, and return what that session is known by."""
    login = {"email": "ada@example.org", "password": PASSWORD, "refresh": True}
    _, _, told = Client(service.url).call("POST", "/api/v1/auth/login/", login)
    _, _, made = Client(service.url, told["token"]).call("POST", "/api/v1/auth/token/", {})
    return {
        "token": told["token"],
        "jwt": made["access_token"],
        "refresh_token": told["refresh_token"],
    }


@pytest.mark.parametrize("cache", ["running", "stopped", "hung"])
def test_attack_04_ended_session_is_refused_by_token_jwt_and_refresh(service, valkey, cache):
    """On every worker, each of which had just checked and remembered both."""
    acting = registered(service, "ada@example.org")
    known = _three_credentials(service)
    for name in ("token", "jwt"):
        assert _statuses(_each_worker(service, known[name])) == {200}
    if cache != "running":
        _take_away(valkey, cache)
    assert acting.call("POST", "/api/v1/sessions/revoke-others/")[2] == {"ended": 1}
    for name in ("token", "jwt"):
        assert _statuses(_each_worker(service, known[name])) == {401}
    body = {"refresh_token": known["refresh_token"]}
    assert acting.call("POST", "/api/v1/auth/refresh/", body)[0] == 401
    assert _statuses(_each_worker(service, acting.token)) == {200}


@pytest.mark.parametrize("cache", ["running", "stopped"])
def test_change_of_role_and_lock_count_on_every_worker_at_once(service, valkey, cache):
    """The next request is answered by what the person may do now, whatever was remembered."""
    boss, helper = staff(service), staff(service)
    whom = f"/api/v1/users/{helper.call('GET', '/api/v1/me/')[2]['id']}"
    people, me = "/api/v1/users/", "/api/v1/me/"
    assert _statuses(_each_worker(service, helper.token), people) == {200}
    if cache == "stopped":
        valkey.stop()
    for role, may_see in ((None, 403), ("support", 200), ("auditor", 200), (None, 403)):
        given = {"role": role, "reason": "Changed desks"}
        assert boss.call("POST", f"{whom}/role/", given)[0] == 200
        assert _statuses(_each_worker(service, helper.token), people) == {may_see}
        assert _statuses(_each_worker(service, helper.token), me) == {200}
    assert boss.call("POST", f"{whom}/lock/", {"reason": "Has left the house"})[0] == 200
    assert _statuses(_each_worker(service, helper.token), me) == {401}
    assert _statuses(_each_worker(service, boss.token), people) == {200}


@pytest.mark.parametrize("how", ["stopped", "hung"])
def test_without_valkey_everything_answers(service, valkey, how):
    ada = registered(service, "ada@example.org")
    purse, target = opened(ada, "purse"), opened(ada, "target")
    _take_away(valkey, how)
    assert registered(service, "bob@example.org").call("GET", "/api/v1/me/")[0] == 200
    assert ada.call("GET", "/api/v1/sessions/")[0] == 200
    assert ada.post_transaction(posting(purse, target, 5))[1]["code"] == "TXN_INSUFFICIENT_FUNDS"
    status, _, ready = ada.call("GET", "/health/ready")
    assert (status, ready["status"]) == (200, "degraded")
    assert ready["checks"]["cache"]["status"] == "degraded"
    assert _fallbacks(service) >= {("cache", "database"), ("limits", "process")}


def _fallbacks(service: Service) -> set[tuple[str, str]]:
    """Return what something else has stood in for, and what did."""
    _, _, shown = Client(service.url, os.environ["METRICS_TOKEN"]).call("GET", "/metrics")
    counted = r'^strongroom_fallbacks_total\{source="(\w+)",target="(\w+)"\} (\S+)$'
    found = re.findall(counted, shown.decode(), re.MULTILINE)
    return {(source, target) for source, target, times in found if float(times) > 0}


@pytest.mark.parametrize("how", ["stopped", "hung"])
def test_without_valkey_each_worker_keeps_to_its_share_of_a_limit(service, valkey, how):
    # Before the first request: without Valkey a process looks for new plans every five seconds.
    service.set_plan("user", LIMIT)
    ada = registered(service, "ada@example.org")
    _take_away(valkey, how)
    statuses: collections.Counter[int] = collections.Counter()

    def ask() -> None:
        for _ in range(LIMIT // 2):
            with contextlib.closing(Client(service.url, ada.token)) as client:
                statuses[client.call("GET", "/api/v1/me/")[0]] += 1

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for future in [pool.submit(ask) for _ in range(8)]:
            future.result()
    assert set(statuses) == {200, 429}
    assert LIMIT // WORKERS <= statuses[200] <= LIMIT


def test_without_postgres_503_and_back_without_a_restart(serve, cluster):
    urls = {"DATABASE_URL": cluster.url(), "DATABASE_OWNER_URL": cluster.url(OWNER_ROLE)}
    service = serve(workers=WORKERS, threads=2, **urls)
    ada = registered(service, "ada@example.org")
    purse, target = opened(ada, "purse"), opened(ada, "target")
    cluster.kill()
    client = Client(service.url, ada.token, timeout=10)
    for _ in range(8):
        status, headers, problem = client.call(
            "POST",
            "/api/v1/transactions/",
            posting(purse, target, 5),
            Idempotency_Key="while-down",
        )
        assert (status, problem["code"]) == (503, "DB_UNAVAILABLE")
        assert headers["content-type"] == "application/problem+json"
        assert int(headers["retry-after"]) > 0
    status, _, problem = client.call("GET", "/health/ready")
    assert (status, problem["code"]) == (503, "DB_NOT_READY")
    assert problem["checks"]["database"]["status"] == "unavailable"
    assert client.call("GET", "/health/live")[0] == 200
    assert service.process.poll() is None

    cluster.start()
    deadline = time.monotonic() + RECOVERY_S
    while (answer := client.call("GET", "/api/v1/ledger-accounts/"))[0] != 200:
        assert answer[0] == 503
        assert time.monotonic() < deadline, "did not recover"
        time.sleep(0.05)
    status, problem = client.post_transaction(posting(purse, target, 5), "while-down")
    assert problem["code"] == "TXN_INSUFFICIENT_FUNDS"
    assert service.command("ledger_verify").returncode == 0
