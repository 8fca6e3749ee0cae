"""What the business does is counted by topic, and only once it is committed."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.auth.hashers import make_password
from django.db import transaction
from prometheus_client import REGISTRY

from accounts import services as accounts
from core import clock, gauges, outbox
from sessions_app import constants, services
from sessions_app.errors import ConsentMissing
from sessions_app.models import Session
from sessions_app.tests import cookies
from tests.callers import fresh
from tests.people import Person
from transactions.errors import HoldNotPending, InsufficientFunds
from transactions.services import release_hold
from transactions.tests.money import capture, hold_on, move, open_account, post, reverse

pytestmark = pytest.mark.django_db


def _value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"strongroom_{name}", labels) or 0.0


def _counted(topic: str) -> float:
    return _value("events_total", topic=topic)


def _money() -> dict[str, float]:
    states = ("posted", "reversed", "held", "captured", "released")
    counted = {state: _value("transactions_total", asset="USD", state=state) for state in states}
    return {**counted, "moved": _value("money_moved_minor_total", asset="USD")}


def test_what_is_committed_is_counted(ada: Person, django_capture_on_commit_callbacks):
    before = _counted("api_key.created")
    with django_capture_on_commit_callbacks(execute=True):
        accounts.create_api_key(name="Ada's", scope_names=["account:read"], actor=fresh(ada))
        assert _counted("api_key.created") == before
    assert _counted("api_key.created") == before + 1


def test_what_is_undone_is_not_counted(ada: Person, django_capture_on_commit_callbacks):
    before = _counted("account.verified")
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        outbox.announce(topic="account.verified", user_id=ada.user.pk, object_id=ada.user.pk)
        transaction.set_rollback(True)
    assert _counted("account.verified") == before


def test_holds_are_counted_by_what_becomes_of_them(ada: Person, django_capture_on_commit_callbacks):
    topics = ("hold.placed", "hold.captured", "hold.released", "transaction.posted")
    source = open_account(ada.principal, balance=10)
    target = open_account(ada.principal)
    before, money = {topic: _counted(topic) for topic in topics}, _money()
    with django_capture_on_commit_callbacks(execute=True):
        hold_on(source, target, 1)
        released = hold_on(source, target, 2)
        release_hold(hold_id=released.pk, actor=ada.principal)
        for amount in (1, 2):
            capture(hold_on(source, target, amount))
        with pytest.raises(HoldNotPending):
            capture(released)
    assert {topic: _counted(topic) - before[topic] for topic in topics} == {
        "hold.placed": 4,
        "hold.captured": 2,
        "hold.released": 1,
        "transaction.posted": 2,
    }
    after = _money()
    assert {name: after[name] - money[name] for name in after} == {
        "held": 4,
        "captured": 2,
        "released": 1,
        "posted": 0,
        "reversed": 0,
        "moved": 3,
    }


def test_transactions_are_counted_as_they_are_posted(
    ada: Person, django_capture_on_commit_callbacks
):
    source = open_account(ada.principal, balance=10)
    target = open_account(ada.principal)
    before, money = _counted("transaction.posted"), _money()
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(2):
            post(move(source, target, 2))
        reverse(post(move(source, target, 2)).id)
        with pytest.raises(InsufficientFunds):
            post(move(source, target, 100))
        with transaction.atomic():
            post(move(source, target, 1))
            transaction.set_rollback(True)
    assert _counted("transaction.posted") == before + 4
    after = _money()
    assert {name: after[name] - money[name] for name in ("posted", "reversed", "moved")} == {
        "posted": 3,
        "reversed": 1,
        "moved": 8,
    }


def test_cookies_are_counted_as_they_are_issued(ada: Person, django_capture_on_commit_callbacks):
    cookies.define("__Host-basket")
    cookies.define("seen", constants.ANALYTICS)
    before = _counted("cookie.issued")
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(3):
            cookies.issue(user_id=ada.user.pk)
        with pytest.raises(ConsentMissing):
            cookies.issue(name="seen", user_id=ada.user.pk)
    assert _counted("cookie.issued") == before + 3


def test_sessions_and_cookies_are_counted_by_what_is_alive(ada: Person):
    before = services.note_counts()
    kept, _ = services.start_session(user=ada.user)
    ended, _ = services.start_session(user=ada.user)
    services.end_session(session_id=ended.pk, actor=ada.principal)
    cookies.define("__Host-basket")
    cookies.issue(user_id=ada.user.pk)
    cookies.filled_jar(ada.principal, "crawler", "a=1; Max-Age=60", "b=2")
    assert services.note_counts() == {name: count + 1 for name, count in before.items()} | {
        "cookies_in_jars": before["cookies_in_jars"] + 2
    }
    Session.objects.filter(pk=kept.pk).update(last_seen_at=clock.now() - dt.timedelta(days=9))
    assert services.note_counts()["sessions_live"] == before["sessions_live"]
    gauges.measure()
    for name, count in services.note_counts().items():
        assert REGISTRY.get_sample_value("strongroom_measured", {"name": name}) == count


def test_time_of_a_password_is_measured():
    before = _value("password_hash_duration_seconds_count")
    make_password("correct horse battery staple")
    assert _value("password_hash_duration_seconds_count") == before + 1
