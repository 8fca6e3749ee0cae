"""What happens to somebody's money when something happens to them."""

from __future__ import annotations

import pytest
from django.conf import settings

from accounts.models import User
from accounts.services import set_active
from accounts.services.registration import open_account as register
from core import hooks
from core.models import AuditEvent
from core.principals import SYSTEM
from tests.people import Person
from transactions import constants, errors, services
from transactions.models import LedgerAccount
from transactions.services import people
from transactions.tests.money import (
    capture,
    footprint,
    hold_on,
    is_clean,
    move,
    open_account,
    post,
)

pytestmark = pytest.mark.django_db


def _status(account) -> str:
    return LedgerAccount.objects.get(pk=account).status


def _set_status(account, status: str) -> None:
    row = LedgerAccount.objects.select_related("balance").get(pk=account)
    services.update_ledger_account(
        account=row, expected_version=row.version, changes={"status": status}, actor=SYSTEM
    )


def test_newcomer_begins_with_an_account():
    register(email="new@example.org", encoded_password="!")
    user = User.objects.get(email="new@example.org")
    account = LedgerAccount.objects.select_related("balance").get(user=user)
    assert (account.code, account.asset_id) == (
        *(constants.DEFAULT_ACCOUNT, settings.ENV.default_asset),
    )
    assert (account.balance.floor, account.balance.posted) == (0, 0)


def test_newcomer_and_account_come_together_or_not_at_all(monkeypatch):
    def fail(**_facts) -> None:
        raise errors.AssetNotFound("there is none")

    monkeypatch.setitem(hooks._listeners, hooks.USER_CREATED, [fail])
    with pytest.raises(errors.AssetNotFound):
        register(email="new@example.org", encoded_password="!")
    assert not User.objects.filter(email="new@example.org").exists()


def test_locked_out_persons_money_stands_still_until_they_are_let_in(ada: Person, bob: Person):
    purse, shop = open_account(ada.principal, balance=10), open_account(bob.principal, balance=10)
    half = open_account(ada.principal)
    _set_status(half, constants.FROZEN_DEBIT)
    hold = hold_on(purse, shop, 2)
    set_active(user=ada.user, is_active=False, actor=SYSTEM, reason="a test of it")
    assert (_status(purse), _status(half), _status(shop)) == ("frozen", "frozen", "open")
    before = footprint()
    for refused in (
        lambda: post(move(purse, shop, 1)),
        lambda: post(move(shop, purse, 1)),
        lambda: capture(hold),
    ):
        with pytest.raises(errors.LedgerAccountFrozen):
            refused()
    assert footprint() == before
    set_active(user=ada.user, is_active=True, actor=SYSTEM, reason="a test of it")
    assert (_status(purse), _status(half)) == ("open", "frozen_debit")
    post(move(purse, shop, 1))
    changes = AuditEvent.objects.filter(action="ledger_account.change", target_id=str(purse))
    assert [row.data["reason"] for row in changes.order_by("id")] == [
        *("the owner was locked out", "the owner was let in again"),
    ]
    assert is_clean()


def test_letting_somebody_in_frees_only_what_their_lock_froze(ada: Person):
    before, during = open_account(ada.principal), open_account(ada.principal)
    _set_status(before, constants.FROZEN)
    set_active(user=ada.user, is_active=False, actor=SYSTEM, reason="a test of it")
    _set_status(during, constants.FROZEN)
    people.follow_access(user_id=ada.user.pk, is_active=False)
    set_active(user=ada.user, is_active=True, actor=SYSTEM, reason="a test of it")
    assert (_status(before), _status(during)) == ("frozen", "frozen")
