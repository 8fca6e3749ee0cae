"""Buttons of the money pages: a reason first, then what the service does."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from core.models import AuditEvent
from tests.people import Person, make_person
from transactions.tests.money import hold_on, open_account

pytestmark = pytest.mark.django_db
REASON = "The guest has cancelled."


@pytest.fixture
def by_root(db) -> Client:
    client = Client()
    client.force_login(make_person("root@example.org", is_superuser=True).user)
    return client


def _press(client: Client, model: str, action: str, pk: object, **given: str) -> int:
    """Press a button; with a reason also confirm. Return the status."""
    url = reverse(f"admin:transactions_{model}_changelist")
    more = {"confirmed": "yes", **given} if given else {}
    return client.post(url, {"action": action, "_selected_action": str(pk), **more}).status_code


def test_hold_is_released_only_with_a_reason(by_root: Client, ada: Person):
    hold = hold_on(open_account(ada.principal, balance=5), open_account(ada.principal), 5)
    for given in ({}, {"reason": "short"}):
        assert _press(by_root, "hold", "release", hold.pk, **given) == 200
        hold.refresh_from_db()
        assert hold.status == "pending"
    assert _press(by_root, "hold", "release", hold.pk, reason=REASON) == 302
    hold.refresh_from_db()
    assert hold.status == "released"
    assert AuditEvent.objects.get(action="hold.release").data == {"reason": REASON}
