"""The service watched from outside: what its numbers, lines, traces and reports say."""

from __future__ import annotations

import contextlib
import json
import re
import time
import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from core import documents
from tests.database import url_of
from tests.http import Client, registered, staff
from tests.monitoring import DEPLOY
from tests.spilled import dumped, found_in
from tests.waiting import until
from tests.watched import SENTRY, TRACES, WORKERS, Watched, in_parallel, plain

pytestmark = pytest.mark.xdist_group("observed")
IDS = 10_000
TRACED = f"00-{uuid.uuid4().hex}-00f067aa0ba902b7-01"
SECRET_FIELDS = {
    *("password", "old_password", "token", "guest_token", "refresh_token", "challenge"),
    *("credential", "value", "set_cookie"),
}
# Elsewhere a code names a ledger or an asset.
SECRET_CODES = ("/mfa/", "/reauthenticate/")


def _samples(text: str, *families: str) -> dict[str, float]:
    """Return the numbers of some families, by series."""
    lines = [line for line in text.splitlines() if line.startswith(families)]
    return {series: float(value) for series, _, value in (line.rpartition(" ") for line in lines)}


def test_counters_of_four_workers_are_exact_and_ids_add_no_series(watched):
    ours = 'route="problems/<str:code>"'
    families = ("strongroom_http_", "strongroom_errors_", "strongroom_api_", "django_http_")
    client = Client(watched.service.url)
    client.call("GET", "/problems/first")
    client.call("GET", "/metrics")  # refused, and counted as such
    watched.metrics()
    until(lambda: watched.prometheus.ask('up{job="strongroom"} == 1'))
    before = _samples(watched.metrics(), *families)

    def ask(_number: int) -> None:
        client = Client(watched.service.url)
        for _ in range(IDS // 8):
            assert client.call("GET", f"/problems/{uuid.uuid4()}")[0] == 404

    in_parallel(8, ask)
    after = _samples(watched.metrics(), *families)
    counted = {
        series: after[series] - before[series]
        for series in after
        if series.startswith("strongroom_http_requests_total{") and ours in series
    }
    assert list(counted.values()) == [IDS]
    assert after.keys() - before.keys() == set()
    said = watched.service.log.read_text()
    assert len(set(re.findall(r"Booting worker with pid: (\d+)", said))) == WORKERS


def test_lines_of_parallel_requests_never_mix(watched):
    def ask(number: int) -> None:
        client = Client(watched.service.url)
        for _ in range(5):
            client.call("GET", f"/nowhere/{number}/", X_Request_ID=f"parallel-{number}")

    in_parallel(50, ask)
    found = [json.loads(line) for line in watched.service.log.read_text().splitlines()]
    ours = [line for line in found if line.get("request_id", "").startswith("parallel-")]
    assert len(ours) == 250
    for line in ours:
        assert line["path"] == f"/nowhere/{line['request_id'].removeprefix('parallel-')}/"


@contextlib.contextmanager
def _broken(watched: Watched) -> Iterator[None]:
    """Take away a table that only a bug could miss."""
    with psycopg.connect(url_of("owner", watched.service.database), autocommit=True) as connection:
        connection.execute("ALTER TABLE stored_file RENAME TO mislaid")
        try:
            yield
        finally:
            connection.execute("ALTER TABLE mislaid RENAME TO stored_file")


def _reported(watched: Watched, request_id: str) -> dict[str, Any]:
    """Return the one report of a request, or of its job, after one error in the log."""

    def found() -> list[bytes]:
        return [one for one in watched.envelopes() if request_id.encode() in one]

    until(found)
    (envelope,) = found()
    errors = [
        line
        for line in map(json.loads, watched.log().splitlines())
        if line["level"] == "error" and line.get("request_id") == request_id
    ]
    assert len(errors) == 1
    assert errors[0]["exception"]
    event: dict[str, Any] = json.loads(envelope.splitlines()[2])
    assert event["release"]
    assert event["exception"]["values"][-1]["type"] == "ProgrammingError"
    assert not {"request", "user", "extra", "server_name"} & set(event)
    return event


def test_crash_of_a_request_and_of_its_job_is_one_line_and_one_envelope(watched):
    email = f"{uuid.uuid4().hex[:8]}@example.org"
    ada = registered(watched.service, email)
    me = ada.call("GET", "/api/v1/me/")[2]["id"]
    with _broken(watched):
        status, crashed, _ = ada.call("GET", "/api/v1/files/")
        assert status == 500
        status, asked, _ = ada.call("POST", "/api/v1/me/export/", {})
        assert status == 202
        by_job = _reported(watched, asked["x-request-id"])
    by_request = _reported(watched, crashed["x-request-id"])
    assert by_request["tags"]["job"] == ""
    assert by_job["tags"]["job"] == "make_data_export"
    assert not [secret for secret in (ada.token, email, me) if secret in f"{by_request}{by_job}"]


def test_one_trace_over_two_processes_to_the_receiver(watched):
    grace = staff(watched.service)
    status, _, made = grace.call(
        "POST", "/api/v1/webhooks/", {"url": f"{watched.sink.url}/hook", "topics": ["*"]}
    )
    assert status == 201, made
    # Spans that a receiver on a busy machine does not take in time are lost, by intention.
    assert any(_is_followed(watched, grace, attempt) for attempt in range(4))


def _is_followed(watched: Watched, grace: Client, attempt: int) -> bool:
    trace = uuid.uuid4().hex
    parent = f"00-{trace}-00f067aa0ba902b7-01"
    account = {"code": f"traced-{attempt}", "asset": "USD"}
    status, _, _ = grace.call("POST", "/api/v1/ledger-accounts/", account, traceparent=parent)
    assert status == 201
    stranger = {"email": f"a{attempt}@example.org"}
    status, _, _ = Client(watched.service.url).call(
        "POST", "/api/v1/auth/password/forgot/", stranger, traceparent=parent
    )
    assert status == 202
    wanted = {
        "POST api/v1/ledger-accounts/",
        "POST api/v1/auth/password/forgot/",
        "postgresql",
        "job answer_stranger",
        "webhook",
        "POST out",
    }

    def is_told() -> bool:
        told = [headers for _, path, headers, _ in watched.sink.seen if path == "/hook"]
        return trace in {headers.get("traceparent", "")[3:35] for headers in told}

    latest = time.monotonic() + 60
    while time.monotonic() < latest:
        if is_told() and wanted <= {name for of, name in watched.spans() if of == trace}:
            return True
        time.sleep(0.1)
    return False


def _secret_fields() -> Iterator[tuple[str, str, dict[str, Any], set[str]]]:
    """Yield each operation with an example of its body, and what is secret in it."""
    paths = documents.parsed((DEPLOY.parent / "docs" / "openapi-v1.yaml").read_text())["paths"]
    for path, operations in paths.items():
        secret = SECRET_FIELDS | ({"code"} if any(part in path for part in SECRET_CODES) else set())
        for method, operation in operations.items():
            shapes = operation.get("requestBody", {}).get("content", {})
            for example in shapes.get("application/json", {}).get("examples", {}).values():
                fields = secret & set(example["value"])
                if fields:
                    yield method.upper(), path, example["value"], fields


def _through_every_field(client: Client, canary: str) -> int:
    """Put a secret wherever a body of the API may have one; return into how many places."""
    count = 0
    for method, path, example, fields in _secret_fields():
        at = re.sub(r"\{\w+\}", str(uuid.uuid4()), path)
        body = {**example, **dict.fromkeys(fields, canary)}
        status, _, answer = client.call(method, at, body, traceparent=TRACED)
        assert status < 500, (path, answer)
        count += len(fields)
    return count


def _canaries(watched: Watched) -> dict[str, str]:
    """Send a secret through every place there is; return them, with where each was put."""
    made: dict[str, str] = {}

    def canary(place: str) -> str:
        secret = f"canary{len(made):02d}{uuid.uuid4().hex}"
        made[secret] = place
        return secret

    client = Client(watched.service.url)
    login, me = "/api/v1/auth/login/", "/api/v1/me/"
    client.call("POST", login, {"email": "ada@example.org", "password": canary("password")})
    client.call("POST", login, {"email": "ada@example.org", "token": canary("unknown field")})
    client.call("POST", login, b'{"email": "' + canary("broken JSON").encode() + b'", ')
    client.call("POST", login, {"password": {"deep": [canary("wrong shape")]}, "email": 5})
    client.call("POST", login, f"password={canary('form')}".encode())
    client.call("GET", me, Authorization=f"Bearer {canary('bearer')}")
    client.call("GET", me, Authorization=f"Basic {canary('basic')}")
    client.call("GET", me, Authorization=canary("scheme"))
    client.call("GET", me, Cookie=f"app={canary('cookie')}; staff={canary('staff cookie')}")
    client.call("GET", f"{me}?token={canary('query')}")
    secret = canary("path")
    client.call("GET", f"/api/v1/{secret}/{secret}{secret}/")
    client.call("GET", me, X_API_Key=canary("key"))
    client.call("GET", me, Referer=f"https://x.example/?code={canary('referer')}")
    client.call("POST", f"/admin/login/?next={canary('next')}", b"username=a&password=b")
    client.call("POST", "/admin/login/", f"username=a&password={canary('admin')}".encode())
    client.call("GET", "/metrics", Authorization=f"Bearer {canary('metrics token')}")
    client.call("GET", me, traceparent=f"00-{canary('trace')}", tracestate=f"x={canary('state')}")
    ada = registered(watched.service, f"{uuid.uuid4().hex[:8]}@example.org")
    assert _through_every_field(client, canary("fields of a stranger")) > 20
    assert _through_every_field(ada, canary("fields of somebody known")) > 20
    ada = registered(watched.service, f"{uuid.uuid4().hex[:8]}@example.org")
    with _broken(watched):
        secret = canary("crash")
        for _ in range(2):
            status, _, _ = ada.call(
                "GET", "/api/v1/files/", Cookie=f"app={secret}", X_Secret=secret, Referer=secret
            )
            assert status == 500
    return made


def test_twenty_canaries_are_seen_nowhere(watched):
    seen = len(watched.envelopes())
    canaries = _canaries(watched)
    assert len(canaries) >= 20
    until(lambda: len(watched.envelopes()) >= seen + 2)
    reports = [
        (path, plain(headers, body).decode("latin-1"))
        for _, path, headers, body in watched.sink.seen
    ]
    places = {
        "log": watched.log(),
        "metrics": watched.metrics(),
        "spans": "".join(body for path, body in reports if path == TRACES),
        "envelopes": "".join(body for path, body in reports if path == SENTRY),
        "database": dumped(watched.service.database),
    }
    assert all(len(text) > 1_000 for text in places.values())
    for name, text in places.items():
        assert found_in(text, canaries) == set(), name


def test_every_line_of_web_and_worker_is_json(watched):
    registered(watched.service, f"{uuid.uuid4().hex[:8]}@example.org")
    for event in ("request", "job"):
        until(lambda: f'"event":"{event}"' in watched.log())  # noqa: B023 - asked at once
    lines = watched.log().splitlines()
    for line in lines:
        assert {"event", "level", "at"} <= set(json.loads(line)), line
