"""What the business does is counted by topic, and only once it is committed."""

from __future__ import annotations

import pytest
from django.db import transaction
from prometheus_client import REGISTRY

from accounts import services as accounts
from core import outbox
from tests.callers import fresh
from tests.people import Person
from transactions.services import release_hold
from transactions.tests.money import hold_on, open_account

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
    topics = ("hold.placed", "hold.captured", "hold.released")
    before = {topic: _counted(topic) for topic in topics}
    source = open_account(ada.principal, balance=10)
    target = open_account(ada.principal)
    with django_capture_on_commit_callbacks(execute=True):
        hold_on(source, target, 1)
        released = hold_on(source, target, 2)
        release_hold(hold_id=released.pk, actor=ada.principal)
    assert {topic: _counted(topic) - before[topic] for topic in topics} == {
        "hold.placed": 2,
        "hold.captured": 0,
        "hold.released": 1,
    }
