"""The service watched from outside: what its numbers, lines, traces and reports say."""

from __future__ import annotations

import contextlib
import json
import re
import uuid
from collections.abc import Iterator

import psycopg
import pytest

from tests.database import url_of
from tests.http import Client, registered, staff
from tests.waiting import until
from tests.watched import SENTRY, TRACES, WORKERS, Watched, in_parallel, plain

pytestmark = pytest.mark.xdist_group("observed")
IDS = 10_000


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


def test_crash_is_one_line_and_one_envelope(watched):
    ada = registered(watched.service, f"{uuid.uuid4().hex[:8]}@example.org")
    seen = len(watched.envelopes())
    with _broken(watched):
        status, headers, _ = ada.call("GET", "/api/v1/files/")
    assert status == 500
    until(lambda: len(watched.envelopes()) > seen)
    (envelope,) = [one for one in watched.envelopes() if headers["x-request-id"].encode() in one]
    event = json.loads(envelope.splitlines()[2])
    assert event["release"]
    assert event["exception"]["values"][-1]["type"] == "ProgrammingError"
    assert not {"request", "user", "server_name"} & set(event)
    assert ada.token.encode() not in envelope
    errors = [
        line
        for line in map(json.loads, watched.service.log.read_text().splitlines())
        if line["level"] == "error" and line.get("request_id") == headers["x-request-id"]
    ]
    assert len(errors) == 1
    assert errors[0]["exception"]


def test_one_trace_over_two_processes_to_the_receiver(watched):
    grace = staff(watched.service)
    status, _, made = grace.call(
        "POST", "/api/v1/webhooks/", {"url": f"{watched.sink.url}/hook", "topics": ["*"]}
    )
    assert status == 201, made
    trace = uuid.uuid4().hex
    parent = f"00-{trace}-00f067aa0ba902b7-01"
    status, _, _ = grace.call(
        "POST",
        "/api/v1/ledger-accounts/",
        {"code": "traced", "asset": "USD"},
        traceparent=parent,
    )
    assert status == 201
    status, _, _ = Client(watched.service.url).call(
        "POST", "/api/v1/auth/password/forgot/", {"email": "a@example.org"}, traceparent=parent
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
    until(lambda: wanted <= {name for of, name in watched.spans() if of == trace})
    told = [headers for _, path, headers, _ in watched.sink.seen if path == "/hook"]
    assert trace in {headers.get("traceparent", "")[3:35] for headers in told}


def _canaries(watched: Watched) -> list[str]:
    """Send a secret through every field there is; return them."""
    made = [f"canary{number:02d}{uuid.uuid4().hex}" for number in range(20)]
    a, b, c, d, e, f, g, h, i, j, k, m, n, o, p, q, r, s, t, u = made
    client = Client(watched.service.url)
    login = "/api/v1/auth/login/"
    client.call("POST", login, {"email": "ada@example.org", "password": a})
    client.call("POST", login, {"email": "ada@example.org", "password": "x", "token": b})
    client.call("POST", login, b'{"email": "' + c.encode() + b'", ')
    client.call("POST", login, {"password": {"deep": [d]}, "email": 5})
    client.call("GET", "/api/v1/me/", Authorization=f"Bearer {e}")
    client.call("GET", "/api/v1/me/", Authorization=f"Basic {f}")
    client.call("GET", "/api/v1/me/", Cookie=f"session={g}; __Host-session={g}")
    client.call("GET", f"/api/v1/me/?token={h}")
    client.call("GET", f"/api/v1/{i}/{i}{i}/")
    client.call("GET", "/api/v1/me/", X_API_Key=j)
    client.call("GET", "/api/v1/me/", Referer=f"https://x.example/?code={k}")
    client.call("POST", "/api/v1/auth/refresh/", {"refresh_token": u})
    client.call("POST", "/api/v1/auth/mfa/verify/", {"token": m, "code": m})
    client.call("POST", "/api/v1/auth/password/reset/", {"token": n, "password": n})
    client.call("POST", f"/admin/login/?next={o}", f"username=a&password={o}".encode())
    client.call("GET", "/metrics", Authorization=f"Bearer {p}")
    client.call("GET", "/api/v1/me/", traceparent=f"00-{q}", tracestate=f"x={q}")
    ada = registered(watched.service, f"{uuid.uuid4().hex[:8]}@example.org")
    with _broken(watched):
        assert ada.call("GET", "/api/v1/files/", Cookie=f"x={r}", X_Secret=r)[0] == 500
    ada.call("POST", "/api/v1/me/password/", {"current_password": s, "new_password": s})
    ada.call("POST", "/api/v1/transactions/", {"token": t}, Idempotency_Key=t)
    return made


def test_twenty_canaries_are_seen_nowhere(watched):
    seen = len(watched.envelopes())
    canaries = _canaries(watched)
    until(lambda: len(watched.envelopes()) > seen)
    dump = watched.service.database
    with psycopg.connect(url_of("superuser", dump)) as connection:
        tables = connection.execute(
            "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n "
            "ON n.oid = relnamespace WHERE relkind = 'r' AND nspname = 'public'"
        ).fetchall()
        rows = [
            str(row[0])
            for (table,) in tables
            for row in connection.execute(f"SELECT t::text FROM {table} t")
        ]
    places = {
        "log": watched.log(),
        "metrics": watched.metrics(),
        "watchers": "".join(
            plain(headers, body).decode("latin-1")
            for _, path, headers, body in watched.sink.seen
            if path in (SENTRY, TRACES)
        ),
        "database": "\n".join(rows),
    }
    assert all(len(text) > 1_000 for text in places.values())
    for name, text in places.items():
        for number, canary in enumerate(canaries):
            assert canary not in text, (name, number)


def test_every_line_of_web_and_worker_is_json(watched):
    until(lambda: '"job"' in watched.log())
    lines = watched.log().splitlines()
    assert len(lines) > 10
    for line in lines:
        assert {"event", "level", "at"} <= set(json.loads(line)), line
