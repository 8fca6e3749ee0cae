"""The same requests through sockets, at gunicorn and at the shipped nginx before it."""

from __future__ import annotations

import contextlib
import json
import re
import socket
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.database import url_of
from tests.hostile.cases import REQUESTS, request_of
from tests.proxy import NAME, Proxy
from tests.serving import Service

ANSWER_TIMEOUT_S = 20


@pytest.fixture
def service(serve) -> Service:
    """One instance that answers to the proxy's name and believes one proxy."""
    return serve(workers=2, threads=8, ALLOWED_HOSTS=f"{NAME},127.0.0.1", TRUSTED_PROXY_COUNT="1")


@pytest.fixture
def world(service: Service) -> dict[str, str]:
    """Ada, Bob and their accounts, beside the service."""
    script = "import json; from tests.hostile.world import build; print(json.dumps(build()))"
    return json.loads(service.command("shell", "-v", "0", "-c", script).stdout)


def _answered(connection: socket.socket, sent: bytes) -> tuple[int, dict[str, str], bytes]:
    """Send, read until the other side closes, and take the first answer apart."""
    connection.settimeout(ANSWER_TIMEOUT_S)
    with contextlib.suppress(ConnectionError):
        connection.sendall(sent)
    received = b""
    with contextlib.suppress(ConnectionError):
        while chunk := connection.recv(65_536):
            received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    if not head:
        return 0, {}, b""
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    return int(first.split(" ")[1]), {name.lower(): v for name, v in headers.items()}, body


def _footprint(service: Service) -> tuple[object, ...] | None:
    with psycopg.connect(url_of("superuser", service.database)) as connection:
        return connection.execute(
            'SELECT (SELECT count(*) FROM "transaction"), (SELECT count(*) FROM entry), '
            "(SELECT count(*) FROM outbox_event), (SELECT sum(entry_seq) FROM balance), "
            "(SELECT count(*) FROM users), (SELECT count(*) FROM ledger), "
            "(SELECT max(version) FROM ledger_account)"
        ).fetchone()


def _faults(
    line: dict[str, Any],
    connect: Callable[[], socket.socket],
    world: dict[str, str],
    *,
    through: str,
) -> list[str]:
    sent = (
        _raw(line["wire"], world) if "wire" in line else request_of(line, world).on_the_wire(NAME)
    )
    with connect() as connection:
        status, headers, body = _answered(connection, sent)
    expected = {**line, **line.get(through, {})}
    if status == 0:
        return [] if line.get("closed_is_fine") else ["no answer"]
    if status != expected["status"]:
        return [f"{status} instead of {expected['status']}: {body[:200]!r}"]
    faults = [f"no {name}" for name in line.get("has", ()) if name.lower() not in headers]
    faults += [f"has {name}" for name in line.get("has_not", ()) if name.lower() in headers]
    faults += ["tells its version"] if re.search("[0-9]", headers.get("server", "")) else []
    if status >= 400:
        faults += _no_problem(status, expected["code"], headers, body)
    return faults


def _no_problem(status: int, code: str, headers: dict[str, str], body: bytes) -> list[str]:
    if headers.get("content-type") != "application/problem+json":
        return [f"is {headers.get('content-type')}: {body[:100]!r}"]
    problem = json.loads(body)
    if (problem["status"], problem["code"]) != (status, code):
        return [f"says {problem['code']} instead of {code}"]
    return [] if problem["request_id"] else ["has no request id"]


def _raw(text: str, world: dict[str, str]) -> bytes:
    for name, value in {**world, "host": NAME}.items():
        text = text.replace(f"<{name}>", value)
    return text.encode()


def _all_faults(connect, world, *, through: str) -> dict[str, list[str]]:
    lines = [line for line in REQUESTS if through not in line.get("not_on", ())]
    assert len(lines) > 100
    faults = {line["id"]: _faults(line, connect, world, through=through) for line in lines}
    return {name: found for name, found in faults.items() if found}


def test_gunicorn_refuses_the_catalogue_by_name(service, world):
    host, port = service.url.removeprefix("http://").split(":")
    before = _footprint(service)

    def connect() -> socket.socket:
        return socket.create_connection((host, int(port)), timeout=ANSWER_TIMEOUT_S)

    assert _all_faults(connect, world, through="gunicorn") == {}
    assert _footprint(service) == before


def test_nginx_and_gunicorn_refuse_the_catalogue_by_name(service, world, proxied):
    proxy: Proxy = proxied(service)
    before = _footprint(service)
    assert _all_faults(proxy.connect, world, through="nginx") == {}
    assert _footprint(service) == before
