"""Buttons of the money pages: a reason first, then what the service does."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from django.test import Client
from django.urls import reverse

from core import clock, context
from core.models import AuditEvent
from core.principals import SYSTEM
from sessions_app.models import Session
from tests.people import Person, make_person
from transactions import selectors, services
from transactions.models import Balance, LedgerAccount
from transactions.tests.money import balance_of, hold_on, move, open_account, post

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


def _limits(account: uuid.UUID) -> tuple[int | None, int | None]:
    balance = Balance.objects.get(account_id=account)
    return balance.floor, balance.ceiling


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


def test_transaction_is_reversed_with_a_reason_and_a_fresh_login(by_root: Client, ada: Person):
    purse, shop = open_account(ada.principal, balance=5), open_account(ada.principal)
    sold = post(move(purse, shop, 3))
    assert _press(by_root, "transaction", "reverse", sold.id) == 200
    assert balance_of(shop) == 3
    Session.objects.update(authenticated_at=clock.now() - dt.timedelta(hours=1))
    assert _press(by_root, "transaction", "reverse", sold.id, reason=REASON) == 302
    assert balance_of(shop) == 3
    Session.objects.update(authenticated_at=clock.now())
    assert _press(by_root, "transaction", "reverse", sold.id, reason=REASON) == 302
    assert (balance_of(purse), balance_of(shop)) == (5, 0)
    assert AuditEvent.objects.get(action="transaction.reverse").data["reason"] == REASON


def test_account_is_frozen_with_a_reason(by_root: Client, ada: Person):
    account = open_account(ada.principal)
    assert _press(by_root, "ledgeraccount", "freeze", account) == 200
    assert LedgerAccount.objects.get(pk=account).status == "open"
    assert _press(by_root, "ledgeraccount", "freeze", account, reason=REASON) == 302
    assert LedgerAccount.objects.get(pk=account).status == "frozen"
    changed = AuditEvent.objects.get(action="ledger_account.change")
    assert changed.data["reason"] == REASON


def test_limits_are_set_with_a_reason_as_the_balance_is_written(by_root: Client, ada: Person):
    account = open_account(ada.principal, balance=500)
    asked = {"floor": "-1,000.50", "ceiling": "No limit", "reason": REASON}
    assert _press(by_root, "ledgeraccount", "set_limits", account) == 200
    for wrong in ({"floor": "1.005"}, {"floor": "lots"}, {"ceiling": ""}, {"reason": "short"}):
        assert _press(by_root, "ledgeraccount", "set_limits", account, **{**asked, **wrong}) == 200
    assert _limits(account) == (0, None)
    assert _press(by_root, "ledgeraccount", "set_limits", account, **asked) == 302
    assert _limits(account) == (-100_050, None)
    changed = AuditEvent.objects.get(action="ledger_account.change").data
    assert changed["before"] == {"floor": 0, "ceiling": None}
    assert changed["after"] == {"floor": -100_050, "ceiling": None}
    assert changed["reason"] == REASON
    # The balance of 5.00 would lie above.
    asked |= {"ceiling": "4.99"}
    assert _press(by_root, "ledgeraccount", "set_limits", account, **asked) == 302
    assert _limits(account) == (-100_050, None)


def test_limits_are_set_for_one_account_at_a_time(by_root: Client, ada: Person):
    both = [open_account(ada.principal) for _ in range(2)]
    url = reverse("admin:transactions_ledgeraccount_changelist")
    asked = {"floor": "-1", "ceiling": "1", "reason": REASON, "confirmed": "yes"}
    by_root.post(
        url, {"action": "set_limits", "_selected_action": [str(pk) for pk in both], **asked}
    )
    assert {_limits(account) for account in both} == {(0, None)}


def test_account_is_closed_with_a_reason_when_it_is_empty(by_root: Client, ada: Person):
    full, empty = open_account(ada.principal, balance=1), open_account(ada.principal)
    assert _press(by_root, "ledgeraccount", "close", empty) == 200
    for account in (full, empty):
        assert _press(by_root, "ledgeraccount", "close", account, reason=REASON) == 302
    assert LedgerAccount.objects.get(pk=full).status == "open"
    assert LedgerAccount.objects.get(pk=empty).status == "closed"
    (closed,) = AuditEvent.objects.filter(action="ledger_account.close")
    assert (closed.target_id, closed.data["reason"]) == (str(empty), REASON)


def test_account_frozen_one_way_still_receives(by_root: Client, ada: Person):
    account = open_account(ada.principal)
    assert _press(by_root, "ledgeraccount", "freeze_debits", account, reason=REASON) == 302
    assert LedgerAccount.objects.get(pk=account).status == "frozen_debit"


def test_schedule_is_cancelled_with_a_reason(by_root: Client, ada: Person):
    a, b = open_account(ada.principal, balance=5), open_account(ada.principal)
    schedule = services.schedule_transaction(
        draft=move(a, b, 1),
        ledger_id=selectors.get_ledger("main").pk,
        run_at=clock.now() + dt.timedelta(days=1),
        actor=SYSTEM,
    )
    assert _press(by_root, "schedule", "cancel", schedule.pk, reason=REASON) == 302
    schedule.refresh_from_db()
    assert schedule.status == "cancelled"


def test_transactions_are_found_by_request_and_account(by_root: Client, ada: Person):
    a, b = open_account(ada.principal, balance=9), open_account(ada.principal)
    with context.entered(context.Context(request_id="request-7")):
        services.post_all_or_none(
            drafts=[move(a, b, 1, reference=f"r-{number}") for number in range(3)],
            ledger_id=selectors.get_ledger("main").pk,
            actor=SYSTEM,
        )
    post(move(a, b, 1, reference="other"))
    url = reverse("admin:transactions_transaction_changelist")
    by_request = by_root.get(url, {"q": "request-7"}).content.decode()
    assert all(f"r-{number}" in by_request for number in range(3))
    assert "other" not in by_request
    by_account = by_root.get(url, {"q": str(b)}).content.decode()
    assert all(name in by_account for name in ("r-0", "r-2", "other"))
