"""Reversals: full, in parts, never beyond the original, linked both ways."""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid

import pytest

from core import clock
from core import errors as core_errors
from core.models import AuditEvent, OutboxEvent
from core.principals import SYSTEM, Principal
from tests.people import Person
from transactions import errors, selectors, services
from transactions.models import Transaction
from transactions.services import Draft, Posting, Reversal
from transactions.tests.money import (
    balance_of,
    capture,
    footprint,
    hold_on,
    is_clean,
    move,
    open_account,
    post,
    reverse,
)

pytestmark = pytest.mark.django_db


def _fresh(person: Person) -> Principal:
    return dataclasses.replace(person.principal, authenticated_at=clock.now())


@pytest.fixture
def sale(ada: Person, bob: Person):
    """Ada has paid Bob 60 of 100; returns the transaction and the two accounts."""
    purse, shop = open_account(ada.principal, balance=100), open_account(bob.principal)
    return post(move(purse, shop, 60)).id, purse, shop


def test_full_reversal_puts_everything_back_and_links_both(bob: Person, sale):
    sold, purse, shop = sale
    posted = reverse(sold, actor=_fresh(bob))
    assert [(e.account_id, e.amount) for e in posted.entries] == [(shop, -60), (purse, 60)]
    assert (balance_of(purse), balance_of(shop)) == (100, 0)
    stored = Transaction.objects.get(pk=posted.id)
    assert (stored.kind, stored.reverses_id) == ("reversal", sold)
    assert stored.description == "goods came back"
    assert selectors.reversals_of(sold) == [posted.id]
    told = OutboxEvent.objects.get(topic="transaction.reversed")
    assert (told.object_id, told.payload) == (sold, {"reversal": str(posted.id)})
    audited = AuditEvent.objects.get(action="transaction.reverse")
    assert (audited.target_id, audited.data["reason"]) == (str(sold), "goods came back")
    assert is_clean()


def test_parts_add_up_to_the_original_and_no_further(sale):
    sold, purse, _ = sale
    first, second = reverse(sold, 25), reverse(sold)
    assert [entry.amount for entry in second.entries] == [-35, 35]
    assert selectors.reversals_of(sold) == [first.id, second.id]
    assert balance_of(purse) == 100
    before = footprint()
    with pytest.raises(errors.AlreadyReversed):
        reverse(sold)
    with pytest.raises(errors.ReversalExceedsOriginal):
        reverse(sold, 1)
    assert footprint() == before
    assert is_clean()


def test_part_beyond_what_is_left_is_refused(sale):
    sold, purse, shop = sale
    post(move(purse, shop, 40))
    before = footprint()
    with pytest.raises(errors.ReversalExceedsOriginal):
        reverse(sold, 61)
    assert footprint() == before
    reverse(sold, 30)
    before = footprint()
    with pytest.raises(errors.ReversalExceedsOriginal):
        reverse(sold, 31)
    assert footprint() == before


def test_postings_are_reversed_one_by_one(ada: Person, bob: Person):
    purse = open_account(ada.principal, balance=100)
    shop, tip = open_account(bob.principal), open_account(bob.principal)
    sold = post(Draft(postings=[Posting(purse, shop, 50, "USD"), Posting(purse, tip, 5, "USD")]))

    def give_back(amounts: dict[int, int]):
        return services.reverse_transaction(
            transaction_id=sold.id,
            reversal=Reversal(reason="tip was a mistake", amounts_minor=amounts),
            actor=SYSTEM,
        )

    give_back({1: 5})
    assert (balance_of(shop), balance_of(tip)) == (50, 0)
    before = footprint()
    with pytest.raises(errors.PostingNotFound):
        give_back({2: 1})
    # One of two is beyond what is left, so neither moves.
    with pytest.raises(errors.ReversalExceedsOriginal):
        give_back({0: 1, 1: 1})
    assert footprint() == before
    assert [entry.amount for entry in reverse(sold.id).entries] == [-50, 50]


def test_capture_is_reversed_like_any_other(ada: Person, bob: Person):
    purse, shop = open_account(ada.principal, balance=100), open_account(bob.principal)
    captured = capture(hold_on(purse, shop, 60), 40)
    reverse(captured.id, 15)
    assert (balance_of(purse), balance_of(shop)) == (75, 25)
    assert is_clean()


def test_reversal_is_not_reversed(sale):
    given_back = reverse(sale[0])
    before = footprint()
    with pytest.raises(errors.ReversalOfReversal):
        reverse(given_back.id)
    assert footprint() == before


def test_only_who_received_the_money_gives_it_back(ada: Person, sale):
    before = footprint()
    with pytest.raises(core_errors.PermissionRefused):
        reverse(sale[0], actor=_fresh(ada))
    stranger = dataclasses.replace(_fresh(ada), user_id=uuid.uuid4())
    with pytest.raises(errors.TransactionNotFound):
        reverse(sale[0], actor=stranger)
    assert footprint() == before


def test_old_login_and_unscoped_key_are_refused(bob: Person, sale):
    late = clock.now() - dt.timedelta(hours=1)
    key = Principal(kind="key", user_id=bob.user.pk, scopes=frozenset({"transactions:write"}))
    before = footprint()
    with pytest.raises(core_errors.StepUpRequired):
        reverse(sale[0], actor=dataclasses.replace(bob.principal, authenticated_at=late))
    with pytest.raises(core_errors.ScopeMissing):
        reverse(sale[0], actor=key)
    assert footprint() == before
    reverse(sale[0], actor=dataclasses.replace(key, scopes=frozenset({"transactions:reverse"})))


def test_money_that_is_gone_is_not_given_back(ada: Person, sale):
    sold, _, shop = sale
    post(move(shop, open_account(ada.principal), 30))
    before = footprint()
    with pytest.raises(errors.InsufficientFunds):
        reverse(sold)
    assert footprint() == before


def test_refund_over_http(by_bob, by_ada, sale):
    sold, *_ = sale
    body = {"reason": "One of two came back.", "amount": 20, "reference": "refund-1"}
    answer = by_bob.send("POST", f"transactions/{sold}/reverse/", body, Idempotency_Key="k")
    assert answer.status_code == 201
    given_back = answer.json()
    assert (given_back["kind"], given_back["reverses"]) == ("reversal", str(sold))
    again = by_bob.send("POST", f"transactions/{sold}/reverse/", body, Idempotency_Key="k")
    assert (again.json(), again["Idempotency-Replayed"]) == (given_back, "true")
    assert by_ada.get(f"transactions/{given_back['id']}/").json() == given_back
    assert by_ada.get(f"transactions/{sold}/").json()["reversed_by"] == [given_back["id"]]
    without_key = by_bob.send("POST", f"transactions/{sold}/reverse/", body)
    assert without_key.json()["code"] == "IDEMPOTENCY_KEY_MISSING"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"reason": "x", "amount": 0},
        {"reason": "x", "amount": 1, "postings": [{"posting": 0, "amount": 1}]},
        {"reason": "x", "postings": [{"posting": 0, "amount": 1}] * 2},
    ],
)
def test_refund_without_reason_or_sense_is_refused(by_bob, sale, body):
    before = footprint()
    answer = by_bob.send("POST", f"transactions/{sale[0]}/reverse/", body, Idempotency_Key="k")
    assert answer.status_code == 400
    assert footprint() == before
