"""Counting: exact under races, refilled by time alone, closed when Valkey is gone."""

from __future__ import annotations

import dataclasses
import datetime as dt
import threading
from typing import Any

import pytest
from django.conf import settings

from core import cache, client_address, clock, context, counted, rates

pytestmark = pytest.mark.django_db


@pytest.fixture
def alone(monkeypatch):
    """One process without Valkey, and its clock, which stands until it is moved by seconds."""
    monkeypatch.setattr(settings, "ENV", dataclasses.replace(settings.ENV, web_workers=1))
    monkeypatch.setattr(counted.SERVER, "run_script", lambda *_, **__: None)
    moment = [clock.monotonic_ms()]
    monkeypatch.setattr(clock, "monotonic_ms", lambda: moment[0])

    def move(seconds: float) -> None:
        moment[0] += seconds * 1_000

    return move


@pytest.fixture(params=["valkey", "alone"])
def pass_time(request):
    """Both ways of counting; returns how to let seconds pass. Valkey's clock cannot be moved, so
    its counters are."""
    if request.param == "alone":
        return request.getfixturevalue("alone")
    client: Any = cache.SERVER.client()

    def move(seconds: float) -> None:
        for name in client.keys(f"{cache.PREFIX}rate:*"):
            client.set(name, int(client.get(name)) - int(seconds * 1_000_000))

    return move


def _take(key: str = "k", **changes: int) -> rates.Verdict:
    return rates.take(key, **{"limit": 3, "period_s": 60, **changes})


def test_burst_passes_then_one_for_each_share_of_the_period(pass_time):
    assert [_take().remaining for _ in range(3)] == [2, 1, 0]
    assert _take() == rates.Verdict(is_allowed=False, remaining=0, retry_after_s=20)
    pass_time(19)
    assert _take() == rates.Verdict(is_allowed=False, remaining=0, retry_after_s=1)
    pass_time(1)
    assert _take().is_allowed
    assert not _take().is_allowed
    pass_time(60)
    assert [_take().is_allowed for _ in range(4)] == [True, True, True, False]


def test_a_limit_of_more_than_one_a_microsecond_still_counts(pass_time):
    verdicts = [rates.take("many", limit=5_000_000, period_s=1) for _ in range(3)]
    assert all(verdict.is_allowed for verdict in verdicts)


@pytest.mark.parametrize("days", [-1, 1])
@pytest.mark.parametrize("is_alone", [False, True])
def test_jump_of_the_clock_moves_no_limit_and_no_deadline(request, monkeypatch, days, is_alone):
    if is_alone:
        request.getfixturevalue("alone")
    running = context.Context(request_id="r", deadline_ms=clock.monotonic_ms() + 60_000)
    assert _take(limit=1).is_allowed
    then = clock.now() + dt.timedelta(days=days)
    monkeypatch.setattr(clock, "now", lambda: then)
    monkeypatch.setattr("time.time", then.timestamp)
    assert not _take(limit=1).is_allowed
    remaining_ms = running.remaining_ms()
    assert remaining_ms is not None
    assert 0 < remaining_ms <= 60_000


def test_keys_are_counted_apart(pass_time):
    assert [_take().is_allowed for _ in range(4)][-1] is False
    assert _take("other").is_allowed


def test_what_comes_after_a_refusal_is_not_counted(pass_time):
    first, second = rates.Rate("first", 1, 60), rates.Rate("second", 2, 60)
    assert [one.is_allowed for one in rates.take_in_turn([first, second])] == [True, True]
    assert [one.is_allowed for one in rates.take_in_turn([first, second])] == [False]
    assert rates.take("second", limit=2, period_s=60).remaining == 0


def test_nothing_is_taken_where_the_rates_are_made_of_something_old(db):
    cache.put("plans", b"new-and-the-rest", ttl_s=60)
    assert rates.take_in_turn([rates.Rate("k", 3, 60)], known=("plans", "old")) == []
    (verdict,) = rates.take_in_turn([rates.Rate("k", 3, 60)], known=("plans", "new"))
    assert verdict.remaining == 2


def test_giving_back_returns_one_token_and_never_more_than_there_were(pass_time):
    rates.give_back("k", limit=3, period_s=60)
    assert [_take().is_allowed for _ in range(4)] == [True, True, True, False]
    rates.give_back("k", limit=3, period_s=60)
    assert [_take().is_allowed for _ in range(2)] == [True, False]


def test_of_forty_at_once_exactly_the_limit_passes(pass_time):
    gate = threading.Barrier(40)
    passed: list[bool] = []

    def run() -> None:
        gate.wait()
        passed.append(_take(limit=7, period_s=3_600).is_allowed)

    threads = [threading.Thread(target=run) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert passed.count(True) == 7


def test_processes_share_the_limit_while_valkey_is_gone(alone, monkeypatch):
    monkeypatch.setattr(settings, "ENV", dataclasses.replace(settings.ENV, web_workers=2))
    assert [_take(limit=10).is_allowed for _ in range(6)] == [True] * 5 + [False]
    assert [_take("rare", limit=1).is_allowed for _ in range(2)] == [True, False]


def test_without_room_a_new_key_is_refused_and_an_old_one_not_forgotten(alone, monkeypatch):
    monkeypatch.setattr(rates, "KEYS_MAX", 2)
    while _take("victim").is_allowed:
        pass
    assert _take("flood").is_allowed
    assert _take("one too many") == rates.Verdict(is_allowed=False, remaining=0, retry_after_s=20)
    assert not _take("victim").is_allowed
    alone(60)
    assert _take("one too many").is_allowed


@pytest.mark.parametrize(
    ("address", "counted_as"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("", ""),
    ],
)
def test_limits_count_by_what_one_customer_has(address, counted_as):
    assert client_address.neighbourhood(address) == counted_as
