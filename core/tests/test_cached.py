"""What is cached: loaded once, exact, forgotten in time, never in the way."""

from __future__ import annotations

import datetime as dt
import decimal
import threading
import uuid
from collections import Counter

import pytest
import redis
from django.db import transaction
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from core import cache, cached, clock
from core.principals import SYSTEM
from sessions_app.services import start_session
from tests.people import Person
from transactions import services

pytestmark = pytest.mark.django_db
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.uuids()
    | st.decimals(allow_nan=False)
    | st.datetimes(timezones=st.just(dt.UTC))
    | st.dates(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=10,
)


def _counting(value: object):
    calls = []

    def load():
        calls.append(1)
        return value

    return load, calls


@given(VALUES)
def test_what_comes_back_is_exactly_what_went_in(value):
    back = cached.unpack(cached.pack(value))
    assert back == value
    assert type(back) is type(value)


def test_what_would_change_is_refused():
    for value in ({1, 2}, object(), 1j):
        with pytest.raises(TypeError):
            cached.pack(value)


def test_second_look_loads_nothing_and_none_is_a_value():
    load, calls = _counting(None)
    for _ in range(3):
        assert cached.get_or_load("user", "a", owner="a", load=load) is None
    assert len(calls) == 1


def test_hundred_threads_on_a_cold_key_load_once():
    calls: Counter[str] = Counter()
    gate = threading.Barrier(100)
    inside, go_on = threading.Event(), threading.Event()
    found = []

    def load():
        calls["load"] += 1
        inside.set()
        go_on.wait(4)
        return decimal.Decimal("0.1")

    def ask():
        gate.wait()
        found.append(cached.get_or_load("user", "cold", owner="x", load=load))

    threads = [threading.Thread(target=ask) for _ in range(100)]
    for thread in threads:
        thread.start()
    inside.wait(10)
    go_on.set()
    for thread in threads:
        thread.join()
    assert calls["load"] == 1
    assert found == [decimal.Decimal("0.1")] * 100


def test_invalidation_is_of_one_owner_and_waits_for_the_commit(
    django_capture_on_commit_callbacks,
):
    of_one, ones = _counting("one")
    of_ten, tens = _counting("ten")

    def ask():
        cached.get_or_load("user", "1", owner="1", load=of_one)
        cached.get_or_load("user", "10", owner="10", load=of_ten)

    ask()
    with django_capture_on_commit_callbacks(execute=False):
        cached.invalidate("1")
    ask()
    assert (len(ones), len(tens)) == (1, 1)
    with django_capture_on_commit_callbacks(execute=True):
        cached.invalidate("1")
    ask()
    assert (len(ones), len(tens)) == (2, 1)


def test_rollback_invalidates_nothing(django_capture_on_commit_callbacks):
    load, calls = _counting("one")
    cached.get_or_load("user", "1", owner="1", load=load)

    def fail() -> None:
        with transaction.atomic():
            cached.invalidate("1")
            raise ZeroDivisionError

    with django_capture_on_commit_callbacks(execute=True), pytest.raises(ZeroDivisionError):
        fail()
    cached.get_or_load("user", "1", owner="1", load=load)
    assert len(calls) == 1


def test_what_was_read_before_a_change_is_not_believed_after_it(
    django_capture_on_commit_callbacks,
):
    def load_slowly():
        with django_capture_on_commit_callbacks(execute=True):
            cached.invalidate("1")
        return "old"

    assert cached.get_or_load("user", "1", owner="1", load=load_slowly) == "old"
    assert cached.get_or_load("user", "1", owner="1", load=lambda: "new") == "new"


def test_lives_differ_by_a_tenth_and_by_kind(settings):
    found = {cached.ttl_s("default") for _ in range(100)}
    assert len(found) > 10
    assert min(found) >= 3_240
    assert max(found) <= 3_960
    assert 54 <= cached.ttl_s("external") <= 66
    assert 270 <= cached.ttl_s("user") <= 330
    cached.get_or_load("external", "k", owner="o", load=lambda: 1)
    remaining = cache.SERVER.client().ttl(f"{cache.PREFIX}cached:external:k")
    assert 50 <= remaining <= 66


def test_near_its_end_one_loads_anew_and_the_others_do_not_wait(monkeypatch):
    cached.get_or_load("user", "1", owner="1", load=lambda: "old")
    later = clock.now() + dt.timedelta(hours=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    nested: list[str] = []

    def second() -> str:
        raise AssertionError("two load at one time")

    def load() -> str:
        nested.append(cached.get_or_load("user", "1", owner="1", load=second))
        return "new"

    assert cached.get_or_load("user", "1", owner="1", load=load) == "new"
    assert nested == ["old"]


def test_failed_load_is_told_and_keeps_nobody_waiting():
    with pytest.raises(ZeroDivisionError):
        cached.get_or_load("user", "1", owner="1", load=lambda: 1 // 0)
    assert cached.get_or_load("user", "1", owner="1", load=lambda: uuid.UUID(int=1)).int == 1


def test_assets_are_read_once_and_anew_when_one_is_added(
    ada: Person, django_assert_num_queries, django_capture_on_commit_callbacks
):
    _, token = start_session(user=ada.user)
    client = Client(headers={"Authorization": f"Bearer {token}"})
    before = client.get("/api/v1/assets/").json()["items"]
    with django_assert_num_queries(0):
        assert client.get("/api/v1/assets/").json()["items"] == before
    with django_capture_on_commit_callbacks(execute=True):
        services.create_asset(code="GOLD", name="Gold", exponent=3, actor=SYSTEM)
    codes = {asset["code"] for asset in client.get("/api/v1/assets/").json()["items"]}
    assert codes == {asset["code"] for asset in before} | {"GOLD"}


def test_dead_cache_is_asked_once(monkeypatch):
    asked = []

    class Dead:
        def __getattr__(self, name):
            asked.append(name)
            raise redis.ConnectionError

    monkeypatch.setattr(cache.SERVER, "client", Dead)
    monkeypatch.setattr(cache.SERVER, "_line", Dead())
    monkeypatch.setattr(cache.SERVER, "_usable_at_ms", 0.0)
    load, calls = _counting("value")
    for _ in range(20):
        assert cached.get_or_load("user", "1", owner="1", load=load) == "value"
    assert len(calls) == 20
    assert len(asked) == 1
