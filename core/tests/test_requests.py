"""What every request gets: an id, a deadline, one log line, an answer in shape."""

from __future__ import annotations

import json
import logging

import psycopg
import pytest
import redis
from django.conf import settings
from django.db import DatabaseError, OperationalError, connection
from django.test import Client
from procrastinate.contrib.django import app
from prometheus_client import REGISTRY
from psycopg import sql
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from core import cache, clock, context, db, errors, idempotency, ids, outbox, tasks
from core.models import IdempotencyKey, OutboxEvent
from core.principals import Principal
from tests.people import Person

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("given", ["abcdefgh", "A-Z.0_9-" * 8])
def test_good_request_id_is_kept(given):
    answer = Client().get("/nope", headers={"X-Request-ID": given})
    assert answer["X-Request-ID"] == given == answer.json()["request_id"]


@pytest.mark.parametrize("given", ["short", "x" * 65, "has blank", "new\nline", "é" * 9, ""])
def test_other_request_ids_are_replaced(given):
    answer = Client().get("/nope", headers={"X-Request-ID": given})
    assert answer["X-Request-ID"] not in ("", given)


def test_every_line_is_one_json_object_with_the_request_id(caplog):
    with caplog.at_level(logging.INFO):
        Client().get("/api/v1/me/", headers={"X-Request-ID": "request-1"})
    (record,) = [record for record in caplog.records if record.name == "strongroom.access"]
    assert record.msg["event"] == "request"
    assert (record.msg["status"], record.msg["code"]) == (401, "AUTH_REQUIRED")


def test_unknown_host_is_a_problem():
    answer = Client().get("/api/v1/me/", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.json()["code"]) == (400, "VALIDATION_HOST_INVALID")


def test_path_without_slash_is_the_same_resource(ada: Person):
    body = {"email": "ada@example.org", "password": ada.password}
    answer = Client().post("/api/v1/auth/login", body, content_type="application/json")
    assert answer.status_code == 200


def test_crash_is_a_problem_and_tells_nothing(monkeypatch):
    monkeypatch.setattr("accounts.services.verify_login", lambda **_: 1 / 0)
    body = {"email": "a@example.org", "password": "x"}
    answer = Client(raise_request_exception=False).post(
        "/api/v1/auth/login/", body, content_type="application/json"
    )
    assert (answer.status_code, answer.json()["code"]) == (500, "INTERNAL_ERROR")
    assert "division" not in answer.content.decode()
    assert answer["Content-Type"] == "application/problem+json"


def test_method_not_allowed_names_the_allowed():
    answer = Client().get("/api/v1/auth/login/")
    assert answer.status_code == 405
    assert "POST" in answer["Allow"]
    assert answer.json()["code"] == "VALIDATION_METHOD_NOT_ALLOWED"


def test_not_acceptable_is_a_problem():
    answer = Client().post("/api/v1/auth/login/", headers={"Accept": "application/xml"})
    assert (answer.status_code, answer.json()["code"]) == (406, "VALIDATION_NOT_ACCEPTABLE")


@pytest.mark.parametrize("path", ["/metrics", "/health/detailed"])
def test_numbers_are_for_those_with_the_token(path):
    assert Client().get(path).status_code == 404
    assert Client().get(path, headers={"Authorization": "Bearer wrong"}).status_code == 404
    answer = Client().get(path, headers={"Authorization": "Bearer test-metrics"})
    assert answer.status_code == 200
    assert "app:" not in answer.content.decode()


def test_details_tell_an_operator_how_this_process_is():
    answer = Client().get("/health/detailed", headers={"Authorization": "Bearer test-metrics"})
    body = answer.json()
    assert {name: check["status"] for name, check in body["checks"].items()} == dict.fromkeys(
        ("process", "database", "migrations", "partitions", "durability", "cache"), "ok"
    )
    assert {body[name] > 0 for name in ("memory_peak_mb", "disk_free_mb")} == {True}
    assert (body["ready"], body["mode"], body["uptime_s"] >= 0) == (True, "normal", True)
    assert (body["valkey"]["role"], body["valkey"]["memory_used_mb"] >= 0) == ("master", True)
    assert body["upkeep"] == {"outbox_oldest_s": 0, "backup_age_s": None}
    assert settings.DATABASES["default"]["NAME"] not in answer.content.decode()


def test_details_are_fewer_without_valkey(monkeypatch):
    monkeypatch.setattr(cache.SERVER.client().connection_pool, "get_connection", _no_connection)
    monkeypatch.setattr(cache.SERVER._line, "ready", _no_connection)
    answer = Client().get("/health/detailed", headers={"Authorization": "Bearer test-metrics"})
    body = answer.json()
    assert (answer.status_code, body["checks"]["cache"]["status"]) == (200, "degraded")
    assert body["valkey"] == {}


def _no_connection(*_: object) -> None:
    raise redis.ConnectionError


def test_commits_that_are_not_waited_for_are_told(connect):
    mighty = connect("superuser")
    database = sql.Identifier(settings.DATABASES["default"]["NAME"])
    mighty.execute(sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(database))
    try:
        answer = Client().get("/health/ready")
    finally:
        mighty.execute(sql.SQL("ALTER DATABASE {} RESET synchronous_commit").format(database))
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert answer.json()["checks"]["durability"]["status"] == "degraded"


def test_metrics_count_by_route_not_by_path():
    for _ in range(3):
        Client().get(f"/api/v1/sessions/{ids.uuid7()}/")
    text = Client().get("/metrics", headers={"Authorization": "Bearer test-metrics"})
    lines = [line for line in text.content.decode().splitlines() if "session_id" in line]
    assert any('route="api/v1/sessions/<uuid:session_id>/"' in line for line in lines)


def test_sizes_are_counted_by_route():
    about = {"method": "POST", "route": "api/v1/auth/login/"}

    def counted(name: str) -> float:
        return REGISTRY.get_sample_value(f"strongroom_http_{name}_bytes_total", about) or 0.0

    before = counted("request"), counted("response")
    body = b'{"email": "a"}'
    answer = Client().post("/api/v1/auth/login/", body, content_type="application/json")
    assert counted("request") == before[0] + len(body)
    assert counted("response") == before[1] + len(answer.content)
    # Whoever lies about it neither breaks anything nor counts for much.
    for told, most in (("9" * 400, 0), ("9" * 18, settings.ENV.file_bytes_max), ("-5", 0)):
        before = counted("request"), counted("response")
        lie = Client().post("/api/v1/auth/login/", b"{}", "application/json", CONTENT_LENGTH=told)
        assert lie.status_code < 500
        assert counted("request") == before[0] + most


def test_what_a_problem_type_means_can_be_read():
    answer = Client().get("/problems/TXN_INSUFFICIENT_FUNDS")
    assert answer.status_code == 200
    assert b"422" in answer.content
    assert Client().get("/problems/NO_SUCH").status_code == 404


SQLSTATES = {
    "40001": ("DB_BUSY", 503),
    "40P01": ("DB_BUSY", 503),
    "55P03": ("DB_BUSY", 503),
    "57014": ("TIMEOUT_REQUEST", 504),
    "22003": ("DB_NUMBER_OUT_OF_RANGE", 422),
    "23505": ("DB_VALUE_TAKEN", 409),
    "23503": ("DB_REFERENCE_MISSING", 409),
    "23514": ("DB_RULE_VIOLATED", 422),
    "53100": ("DB_STORAGE_FULL", 503),
    "25006": ("DB_UNAVAILABLE", 503),
    "25P03": ("DB_UNAVAILABLE", 503),
    "53200": ("DB_UNAVAILABLE", 503),
    "53300": ("DB_UNAVAILABLE", 503),
    "58030": ("DB_UNAVAILABLE", 503),
    "57P01": ("DB_UNAVAILABLE", 503),
    "08006": ("DB_UNAVAILABLE", 503),
}


@pytest.mark.parametrize("state", sorted(SQLSTATES))
def test_refusals_of_postgres_are_named(state):
    """Raised for real by PostgreSQL, and nothing of it is told to the client."""
    with pytest.raises(DatabaseError) as raised, connection.cursor() as cursor:
        cursor.execute(f"DO $$ BEGIN RAISE 'secret_table' USING ERRCODE = '{state}'; END $$")
    described = db.as_domain_error(raised.value)
    assert described is not None
    assert (described.code, described.status) == SQLSTATES[state]
    assert "secret_table" not in described.detail


def test_bug_of_ours_is_not_a_refusal():
    with pytest.raises(DatabaseError) as raised, connection.cursor() as cursor:
        cursor.execute("SELECT no_such_column")
    assert db.as_domain_error(raised.value) is None


@pytest.mark.parametrize(("failures", "attempts"), [(0, 1), (2, 3), (3, 3)])
def test_only_what_may_be_repeated_is_repeated(failures, attempts):
    tried = []

    def attempt() -> str:
        tried.append(1)
        if len(tried) <= failures:
            raise OperationalError from psycopg.errors.DeadlockDetected()
        return "done"

    if failures < db.ATTEMPTS_MAX:
        assert db.retrying(attempt) == "done"
    else:
        with pytest.raises(OperationalError):
            db.retrying(attempt)
    assert len(tried) == attempts


def test_other_failures_are_not_repeated():
    tried = []

    def attempt() -> None:
        tried.append(1)
        raise OperationalError from psycopg.errors.AdminShutdown()

    with pytest.raises(OperationalError):
        db.retrying(attempt)
    assert len(tried) == 1


def test_past_deadline_nothing_starts():
    late = context.Context(request_id="r", deadline_ms=clock.monotonic_ms() - 1)
    with context.entered(late), pytest.raises(errors.RequestTimeout):
        db.retrying(lambda: pytest.fail("it ran"))


def _identity(principal: Principal, key: str = "k", body: object = None) -> idempotency.Keyed:
    return idempotency.keyed(
        principal=principal, key=key, method="POST", path="/p/", body=body or {}
    )


def test_keyed_work_runs_once_and_answers_alike(ada: Person):
    ran = []

    def work():
        ran.append(1)
        return 201, {"n": len(ran)}

    first = idempotency.answer_once(_identity(ada.principal), work)
    again = idempotency.answer_once(_identity(ada.principal), work)
    assert (first.body, first.is_replay) == ({"n": 1}, False)
    assert (again.body, again.status, again.is_replay) == ({"n": 1}, 201, True)
    with pytest.raises(errors.IdempotencyKeyReused):
        idempotency.answer_once(_identity(ada.principal, body={"other": 1}), work)
    assert len(ran) == 1


def test_refusal_is_kept_and_its_work_undone(ada: Person):
    def work():
        outbox.announce(topic="t", user_id=ada.user.pk, object_id=ada.user.pk)
        raise errors.ValueTaken("It is taken.", what="name")

    for _ in range(2):
        with pytest.raises(errors.DomainError) as refused:
            idempotency.answer_once(_identity(ada.principal), work)
        assert (refused.value.code, refused.value.status) == ("DB_VALUE_TAKEN", 409)
        assert refused.value.extensions == {"what": "name"}
    assert not OutboxEvent.objects.exists()
    assert IdempotencyKey.objects.count() == 1


def test_outage_is_not_kept(ada: Person):
    def work():
        raise errors.DatabaseBusy("Busy.")

    with pytest.raises(errors.DatabaseBusy):
        idempotency.answer_once(_identity(ada.principal), work)
    assert idempotency.answer_once(_identity(ada.principal), lambda: (201, None)).status == 201


@pytest.mark.parametrize("key", ["", "a b", "é", "x" * 256, "a\tb"])
def test_keys_out_of_form_are_refused(ada: Person, key):
    request = Request(APIRequestFactory().post("/", {}, format="json"))
    request.META["HTTP_IDEMPOTENCY_KEY"] = key
    with pytest.raises(errors.IdempotencyKeyInvalid):
        idempotency.from_request(request)


def test_problem_documents_carry_the_required_members():
    body = json.loads(Client().get("/api/v1/me/").content)
    assert {"type", "title", "status", "detail", "instance", "code", "request_id"} <= set(body)


def test_old_keys_are_forgotten_and_young_ones_kept(ada: Person, monkeypatch):
    for number in range(5):
        identity = _identity(ada.principal, key=f"k-{number}")
        idempotency.answer_once(identity, lambda: (201, None))
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE idempotency_key SET created_at = created_at - interval '31 days' "
            "WHERE key_hash <> %s",
            [_identity(ada.principal, key="k-4").key_hash],
        )
    monkeypatch.setattr(idempotency, "FORGOTTEN_AT_ONCE", 2)
    assert idempotency.forget_older_than(days=30) == 4
    assert IdempotencyKey.objects.count() == 1


def test_worker_has_its_daily_work():
    daily = {task.name for task in app.tasks.values() if task.name.startswith("core.tasks.")}
    assert daily >= {"core.tasks.ensure_partitions", "core.tasks.forget_answered_requests"}
    tasks.forget_answered_requests(timestamp=0)
