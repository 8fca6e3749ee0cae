"""What the business does is counted by topic, and only once it is committed."""

from __future__ import annotations

import pytest
from django.db import transaction
from prometheus_client import REGISTRY

from accounts import services as accounts
from core import outbox
from sessions_app import constants
from sessions_app.errors import ConsentMissing
from sessions_app.tests import cookies
from tests.callers import fresh
from tests.people import Person
from transactions.errors import HoldNotPending, InsufficientFunds
from transactions.services import release_hold
from transactions.tests.money import capture, hold_on, move, open_account, post

pytestmark = pytest.mark.django_db


def _counted(topic: str) -> float:
    return REGISTRY.get_sample_value("strongroom_events_total", {"topic": topic}) or 0.0


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
    before = {topic: _counted(topic) for topic in topics}
    source = open_account(ada.principal, balance=10)
    target = open_account(ada.principal)
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


def test_transactions_are_counted_as_they_are_posted(
    ada: Person, django_capture_on_commit_callbacks
):
    source = open_account(ada.principal, balance=10)
    target = open_account(ada.principal)
    before = _counted("transaction.posted")
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(3):
            post(move(source, target, 1))
        with pytest.raises(InsufficientFunds):
            post(move(source, target, 100))
        with transaction.atomic():
            post(move(source, target, 1))
            transaction.set_rollback(True)
    assert _counted("transaction.posted") == before + 3


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
