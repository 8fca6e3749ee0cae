"""The shipped nginx: https, slow clients, large bodies, and a cache that mixes nobody up."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import statistics
import time

import pytest

from tests.http import registered
from tests.proxy import NAME, Proxy
from tests.serving import Service

SLOW_SOCKETS = 200


@pytest.fixture
def service(serve) -> Service:
    return serve(workers=2, threads=4, ALLOWED_HOSTS=f"{NAME},127.0.0.1", TRUSTED_PROXY_COUNT="1")


@pytest.fixture
def proxy(service, proxied) -> Proxy:
    return proxied(service)


def _get(connection: socket.socket, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    lines = [f"GET {path} HTTP/1.1", f"Host: {NAME}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    with connection:
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        received = b""
        while chunk := connection.recv(65_536):
            received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    found = dict(line.lower().split(": ", 1) for line in rest)
    return int(first.split(" ")[1]), found, body


def test_http_sends_pages_on_and_refuses_the_api(proxy):
    status, headers, _ = _get(proxy.connect(proxy.http), "/admin/")
    assert (status, headers["location"]) == (301, f"https://{NAME}/admin/")
    status, _, body = _get(proxy.connect(proxy.http), "/api/v1/me/", Authorization="Bearer x")
    assert (status, json.loads(body)["code"]) == (403, "VALIDATION_HTTPS_REQUIRED")


def test_old_tls_is_refused(proxy):
    context = ssl.create_default_context(cafile=str(proxy.trust))
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    plain = socket.create_connection(("127.0.0.1", proxy.https), timeout=10)
    with plain, pytest.raises(ssl.SSLError):
        context.wrap_socket(plain, server_hostname=NAME)


def test_body_too_large_is_refused_before_it_is_sent(proxy):
    with proxy.connect() as connection:
        connection.sendall(
            f"POST /api/v1/auth/login/ HTTP/1.1\r\nHost: {NAME}\r\n"
            f"Content-Length: {2 * 1024**3}\r\n\r\n".encode()
        )
        answer = connection.recv(65_536).decode()
    assert answer.startswith("HTTP/1.1 413")
    assert "VALIDATION_BODY_TOO_LARGE" in answer


def test_claimed_address_is_nobodys(proxy, service):
    ada = registered(service, "ada@example.org")
    status, _, _ = _get(
        proxy.connect(),
        "/api/v1/me/",
        Authorization=f"Bearer {ada.token}",
        X_Forwarded_For="6.6.6.6",
    )
    assert status == 200
    lines = [line for line in service.log.read_text().splitlines() if '"api/v1/me/"' in line]
    assert json.loads(lines[-1])["address"] == "127.0.0.1"


def test_cache_keeps_public_answers_and_mixes_nobody_up(proxy, service):
    ada, bob = registered(service, "ada@example.org"), registered(service, "bob@example.org")
    for person, email in (
        (ada, "ada@example.org"),
        (bob, "bob@example.org"),
        (ada, "ada@example.org"),
    ):
        status, _, body = _get(
            proxy.connect(), "/api/v1/me/", Authorization=f"Bearer {person.token}"
        )
        assert (status, json.loads(body)["email"]) == (200, email)
    assert _get(proxy.connect(), "/api/v1/me/")[0] == 401
    assert _get(proxy.connect(), "/.well-known/security.txt")[0] == 200
    service.stop()
    status, _, body = _get(proxy.connect(), "/.well-known/security.txt")
    assert (status, body[:8]) == (200, b"Contact:")
    status, _, body = _get(proxy.connect(), "/api/v1/me/", Authorization=f"Bearer {ada.token}")
    assert (status, json.loads(body)["code"]) == (503, "DB_NOT_READY")


def test_slow_clients_hold_up_nobody(proxy, service):
    """With gunicorn alone, as many as it has threads would be enough."""
    ada = registered(service, "ada@example.org")

    def p95_ms() -> float:
        took = []
        for _ in range(60):
            started = time.perf_counter()
            answer = _get(proxy.connect(), "/api/v1/me/", Authorization=f"Bearer {ada.token}")
            took.append((time.perf_counter() - started) * 1_000)
            assert answer[0] == 200
        return statistics.quantiles(took, n=20)[18]

    idle_ms = p95_ms()
    with contextlib.ExitStack() as open_ones:
        for _ in range(SLOW_SOCKETS):
            slow = open_ones.enter_context(proxy.connect(proxy.http))
            slow.sendall(b"GET / HTTP/1.1\r\nX-Slow: ")
        crowded_ms = p95_ms()
    print(f"p95 {idle_ms:.1f} ms idle, {crowded_ms:.1f} ms beside {SLOW_SOCKETS} slow clients")
