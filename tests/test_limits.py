"""Limits over HTTP: exact over many workers, told to the client, changed while they hold."""

from __future__ import annotations

import collections
import concurrent.futures
import contextlib
import time

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from prometheus_client import REGISTRY

from core import cache, clock, errors, limits
from core.models import AuditEvent, LimitPlan
from core.principals import SYSTEM
from sessions_app.services import start_session
from tests.http import Client as HttpClient
from tests.http import registered
from tests.people import Person, make_person
from tests.proxy import NAME

LIMIT = 100
FORGED = ("6.6.6.6", "a", "::::", "1.1.1.1, 2.2.2.2", ", ".join(["8.8.8.8"] * 500), "2001:db8::1")


@pytest.fixture
def committed(django_capture_on_commit_callbacks):
    """Let plans of a test take effect as commits do."""

    def plan(scope: str, requests: int, window_s: int = 3_600) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            limits.set_plan(scope=scope, requests=requests, window_s=window_s, actor=SYSTEM)

    return plan


def _by(person: Person, **headers: str) -> Client:
    _, token = start_session(user=person.user)
    return Client(headers={"Authorization": f"Bearer {token}", **headers})


def test_caller_is_told_how_they_stand_and_refused_in_time(committed, ada: Person):
    committed("user", 3)
    by_ada = _by(ada)
    remaining, before = [], _counted()
    for _ in range(3):
        answer = by_ada.get("/api/v1/me/")
        assert answer.status_code == 200
        assert answer["RateLimit-Policy"] == '"user";q=3;w=3600'
        remaining.append(answer["RateLimit"].split(";")[1])
    assert remaining == ["r=2", "r=1", "r=0"]
    refused = by_ada.get("/api/v1/me/")
    assert (refused.status_code, refused.json()["code"]) == (429, "RATE_LIMITED")
    assert 0 < int(refused["Retry-After"]) <= 1_200
    assert refused["RateLimit"].startswith('"user";r=0;t=')
    assert [now - then for now, then in zip(_counted(), before, strict=True)] == [3, 1, 1]


def _counted() -> list[float]:
    """Requests let in and refused by this plan, and refusals told, as Prometheus reads them."""
    asked = [
        ("limit_checks", {"scope": "user", "outcome": "allowed"}),
        ("limit_checks", {"scope": "user", "outcome": "limited"}),
        ("errors", {"code": "RATE_LIMITED"}),
    ]
    return [REGISTRY.get_sample_value(f"strongroom_{name}_total", of) or 0 for name, of in asked]


def test_caller_asks_how_they_stand_without_using_up_money(committed, ada: Person):
    committed("user", 3)
    committed("money", 5)
    by_ada = _by(ada)
    for left in (2, 1, 0):
        answer = by_ada.get("/api/v1/rate-limit/")
        user, money = answer.json()["plans"]
        assert (user["scope"], user["requests"], user["window_s"]) == ("user", 3, 3_600)
        assert (user["remaining"], user["is_allowed"]) == (left, left > 0)
        assert answer["RateLimit"] == f'"user";r={left};t={user["reset_s"]}'
        assert (money["scope"], money["remaining"], money["reset_s"]) == ("money", 5, 0)
    assert by_ada.get("/api/v1/rate-limit/").status_code == 429


def test_each_person_has_a_limit_of_their_own_on_any_address(committed, ada: Person, bob: Person):
    committed("user", 1)
    assert _by(ada).get("/api/v1/me/", REMOTE_ADDR="192.0.2.1").status_code == 200
    assert _by(ada).get("/api/v1/me/", REMOTE_ADDR="192.0.2.2").status_code == 429
    assert _by(bob).get("/api/v1/me/", REMOTE_ADDR="192.0.2.1").status_code == 200


def test_strangers_count_by_address_and_hold_up_no_known_caller(committed, ada: Person):
    committed("stranger", 2)
    by_ada = _by(ada)
    statuses = [Client().get("/api/v1/me/").status_code for _ in range(3)]
    assert statuses == [401, 401, 429]
    assert Client().post("/api/v1/auth/login/", {}).status_code == 429
    assert by_ada.get("/api/v1/me/").status_code == 200
    assert Client().get("/api/v1/me/", REMOTE_ADDR="192.0.2.9").status_code == 401
    assert Client().get("/api/v1/me/", REMOTE_ADDR="2001:db8::1").status_code == 401
    assert Client().get("/api/v1/me/", REMOTE_ADDR="2001:db8::2").status_code == 401
    assert Client().get("/api/v1/me/", REMOTE_ADDR="2001:db8::3").status_code == 429


def test_forged_addresses_share_one_counter(committed, db):
    committed("stranger", len(FORGED))
    for forged in FORGED:
        assert Client().get("/api/v1/me/", headers={"X-Forwarded-For": forged}).status_code == 401
    assert Client().get("/api/v1/me/", headers={"X-Forwarded-For": "9.9.9.9"}).status_code == 429


def test_one_caller_may_have_a_plan_of_their_own(committed, ada: Person, bob: Person):
    committed("user", 1)
    committed(f"user:{ada.user.pk}", 5)
    assert [_by(ada).get("/api/v1/me/").status_code for _ in range(5)] == [200] * 5
    assert [_by(bob).get("/api/v1/me/").status_code for _ in range(2)] == [200, 429]


def test_scope_nobody_heard_of_gets_ten_an_hour(db):
    for _ in range(10):
        limits.require("no-such", "x")
    with pytest.raises(errors.RateLimited) as refused:
        limits.require("no-such", "x")
    assert refused.value.retry_after_s


def test_staff_change_a_plan_in_the_admin_and_it_holds_at_once(
    grace: Person, ada: Person, django_capture_on_commit_callbacks
):
    admin = Client()
    admin.force_login(make_person("root@example.org", is_superuser=True).user)
    form = {"scope": "user", "requests": "1", "window_s": "3600"}
    with django_capture_on_commit_callbacks(execute=True):
        assert admin.post(reverse("admin:core_limitplan_add"), form).status_code == 302
    by_ada = _by(ada)
    assert [by_ada.get("/api/v1/me/").status_code for _ in range(2)] == [200, 429]
    assert AuditEvent.objects.filter(action="limit.set", target_id="user").count() == 1
    bad = {"scope": "no good", "requests": "0", "window_s": "99999999"}
    answer = admin.post(reverse("admin:core_limitplan_add"), bad)
    assert answer.status_code == 200
    assert len(answer.context["errors"]) == 3
    delete = reverse("admin:core_limitplan_delete", args=("user",))
    with django_capture_on_commit_callbacks(execute=True):
        assert admin.post(delete, {"post": "yes"}).status_code == 302
    assert by_ada.get("/api/v1/me/").status_code == 200


def test_plan_another_process_wrote_holds_for_the_next_request(ada: Person):
    by_ada = _by(ada)
    assert by_ada.get("/api/v1/me/").status_code == 200
    # As the other process publishes it: nothing tells this one.
    LimitPlan.objects.create(scope="user", requests=1, window_s=3_600, changed_at=clock.now())
    cache.overwrite(limits._TABLE, limits._read(), ttl_s=60)
    assert [by_ada.get("/api/v1/me/").status_code for _ in range(2)] == [200, 429]


def test_plan_rolled_back_changes_nothing(ada: Person, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=False):
        limits.set_plan(scope="unheard", requests=1, window_s=60, actor=SYSTEM)
    assert limits.plan_of("user").requests == settings.ENV.limit_user_requests


def test_limit_is_exact_over_eight_workers(serve):
    """At least three times the limit, for at least ten seconds."""
    service = serve(workers=8, threads=2, LIMIT_USER_REQUESTS="1000000")
    ada = registered(service, "ada@example.org")
    service.set_plan("user", LIMIT)
    statuses: collections.Counter[int] = collections.Counter()
    until = time.monotonic() + 10

    def ask() -> None:
        while time.monotonic() < until or statuses.total() < 3 * LIMIT:
            # A connection of its own each time, so that every worker is asked.
            with contextlib.closing(HttpClient(service.url, ada.token)) as client:
                statuses[client.call("GET", "/api/v1/me/")[0]] += 1

    with concurrent.futures.ThreadPoolExecutor(15) as pool:
        for future in [pool.submit(ask) for _ in range(15)]:
            future.result()
    assert set(statuses) == {200, 429}
    assert statuses[200] in (LIMIT, LIMIT + 1)


def test_plan_holds_from_the_next_request_on_every_worker(serve):
    service = serve(workers=4, threads=2)
    ada = registered(service, "ada@example.org")

    def each() -> list[int]:
        clients = [HttpClient(service.url, ada.token) for _ in range(16)]
        try:
            return [client.call("GET", "/api/v1/me/")[0] for client in clients]
        finally:
            for client in clients:
                client.close()

    assert each() == [200] * 16
    service.set_plan("user", 1)
    assert each() == [200] + [429] * 15
    service.set_plan("user", 1_000)
    assert each() == [200] * 16


def test_forged_addresses_share_one_counter_behind_the_proxy(serve, proxied):
    service = serve(workers=2, ALLOWED_HOSTS=f"{NAME},127.0.0.1", TRUSTED_PROXY_COUNT="1")
    service.set_plan("stranger", len(FORGED))
    stranger = proxied(service).client()
    statuses = [
        stranger.call("GET", "/api/v1/me/", X_Forwarded_For=forged)[0]
        for forged in (*FORGED, "9.9.9.9")
    ]
    assert statuses == [401] * len(FORGED) + [429]
