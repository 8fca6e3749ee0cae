"""Ending many sessions: what is told of each, at a cost that does not grow with them."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.models import AuditEvent, OutboxEvent
from sessions_app import services
from sessions_app.models import RefreshFamily, Session
from sessions_app.services import endings
from tests.people import Person

pytestmark = pytest.mark.django_db


def _begin(person: Person, times: int) -> None:
    for _ in range(times):
        services.start_refreshed_session(user=person.user)


def _cost_of_ending_all(person: Person) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        services.end_all_sessions(actor=person.principal)
    return len(captured)


def test_ending_forty_sessions_costs_what_two_cost(ada: Person, bob: Person):
    _begin(ada, 2)
    _begin(bob, 40)
    assert _cost_of_ending_all(bob) == _cost_of_ending_all(ada)


def test_each_ended_session_is_told_once_and_no_other_is_touched(ada: Person, bob: Person):
    _begin(ada, 5)
    _begin(bob, 1)
    ended_before = Session.objects.of_user(ada.user.pk).latest("id")
    services.end_session(session_id=ended_before.pk, actor=ada.principal)
    assert services.end_all_sessions(actor=ada.principal) == 4
    assert services.end_all_sessions(actor=ada.principal) == 0

    of_ada = Session.objects.of_user(ada.user.pk)
    ids = sorted(of_ada.values_list("pk", flat=True))
    reasons = dict(of_ada.values_list("pk", "revoke_reason"))
    assert reasons.pop(ended_before.pk) == "logout"
    assert set(reasons.values()) == {"ended_everywhere"}
    told = AuditEvent.objects.filter(action="session.end")
    assert sorted(told.values_list("target_id", flat=True)) == [str(pk) for pk in ids]
    assert {event.user_id for event in told} == {event.actor_id for event in told} == {ada.user.pk}
    announced = OutboxEvent.objects.filter(topic="session.ended")
    assert sorted(announced.values_list("object_id", flat=True)) == ids
    assert sorted(announced.values_list("payload__reason", flat=True)) == [
        *["ended_everywhere"] * 4,
        "logout",
    ]
    live = RefreshFamily.objects.filter(revoked_at=None)
    assert [family.user_id for family in live] == [bob.user.pk]


def test_more_than_a_batch_ends_whole(ada: Person, monkeypatch):
    monkeypatch.setattr(endings, "BATCH", 2)
    _begin(ada, 5)
    assert services.end_all_sessions(actor=ada.principal) == 5
    assert not Session.objects.of_user(ada.user.pk).filter(revoked_at=None).exists()
    assert OutboxEvent.objects.filter(topic="session.ended").count() == 5
