"""Many at once on one hold or one sale: one final state, and never more than there was."""

from __future__ import annotations

import functools
import uuid

import pytest

from core.principals import SYSTEM
from tests.people import make_person
from transactions import selectors, services
from transactions.models import Hold, Transaction
from transactions.services import Item
from transactions.tests.money import (
    balance_of,
    capture,
    held,
    hold_on,
    is_clean,
    move,
    open_account,
    post,
    reverse,
)
from transactions.tests.racing import race

THREADS = 8
HOLDS = 500
SALES = 500
SALES_AT_ONCE = 4
BATCHES = 480
BATCHES_AT_ONCE = 12


@pytest.fixture
def purses(committed_db):
    ada = make_person("ada@example.org").principal
    return open_account(ada, balance=1_000_000), open_account(ada)


def test_capture_races_release_to_one_final_state(purses):
    source, destination = purses
    holds = [hold_on(source, destination, 10) for _ in range(HOLDS)]
    for number in range(0, HOLDS, THREADS // 2):
        some = holds[number : number + THREADS // 2]
        ends = race(
            [functools.partial(capture, hold) for hold in some]
            + [
                functools.partial(services.release_hold, hold_id=hold.pk, actor=SYSTEM)
                for hold in some
            ]
        )
        assert ends == {"done": len(some), "HOLD_NOT_PENDING": len(some)}
    captured = 0
    for hold in Hold.objects.all():
        assert hold.captured == (10 if hold.status == "captured" else 0)
        captured += hold.captured
    assert balance_of(destination) == captured
    assert held(source) == held(destination) == (0, 0)
    assert is_clean()


def test_parts_captured_at_once_stay_within_the_hold(purses):
    source, destination = purses
    hold = hold_on(source, destination, 100)
    ends = race([lambda: capture(hold, 30, is_final=False)] * THREADS)
    assert ends == {"done": 3, "HOLD_CAPTURE_EXCEEDED": THREADS - 3}
    assert (balance_of(destination), held(source)) == (90, (10, 0))
    assert is_clean()


def test_holds_and_debits_at_once_never_break_the_floor(purses):
    source, destination = purses
    for _ in range(10):
        spendable = balance_of(source) - held(source)[0]
        rest = hold_on(source, destination, spendable - 100)
        ends = race(
            [
                lambda: hold_on(source, destination, 30),
                lambda: post(move(source, destination, 30)),
            ]
            * (THREADS // 2)
        )
        assert ends == {"done": 3, "TXN_INSUFFICIENT_FUNDS": THREADS - 3}
        services.release_hold(hold_id=rest.pk, actor=SYSTEM)
    assert is_clean()


def test_refunds_at_once_never_pass_the_original(purses):
    source, destination = purses
    post(move(source, destination, 10_000))
    for _ in range(SALES // SALES_AT_ONCE):
        sold = [post(move(source, destination, 100)).id for _ in range(SALES_AT_ONCE)]
        # Of each, two in three fit.
        ends = race([functools.partial(reverse, sale, 40) for sale in sold * 3])
        assert ends == {"done": 2 * SALES_AT_ONCE, "TXN_REVERSAL_EXCEEDED": SALES_AT_ONCE}
        assert [len(selectors.reversals_of(sale)) for sale in sold] == [2] * SALES_AT_ONCE
    assert balance_of(destination) == 10_000 + SALES * 20
    assert is_clean()


def test_one_of_many_gives_back_all_that_is_left(purses):
    source, destination = purses
    for _ in range(20):
        sold = post(move(source, destination, 100)).id
        reverse(sold, 30)
        ends = race([functools.partial(reverse, sold)] * 3)
        assert ends["done"] == 1
        assert set(ends) <= {"done", "TXN_ALREADY_REVERSED", "TXN_REVERSAL_EXCEEDED"}
    assert balance_of(destination) == 0
    assert is_clean()


def test_sweepers_share_the_work(purses):
    source, destination = purses
    for _ in range(300):
        hold_on(source, destination, 1)
    Hold.objects.update(expires_at="2026-01-01T00:00:00Z")
    swept: list[int] = []
    race([lambda: swept.append(services.expire_holds(at_once=20))] * 3)
    assert sum(swept) == 300
    assert held(source) == held(destination) == (0, 0)
    assert Hold.objects.filter(status="expired").count() == 300
    assert is_clean()


def _batch(accounts: list[uuid.UUID], number: int) -> list[Item]:
    """Return thirty moves around the accounts; another number begins elsewhere."""
    places = [(number * 7 + step * 5) % 12 for step in range(30)]
    return [Item(move(accounts[p], accounts[(p + 1 + p % 3) % 12], 1)) for p in places]


def test_overlapping_batches_never_deadlock(committed_db):
    ada = make_person("ada@example.org").principal
    accounts = [open_account(ada, balance=1_000) for _ in range(12)]
    for first in range(0, BATCHES, BATCHES_AT_ONCE):
        ends = race(
            [
                functools.partial(
                    services.post_each,
                    items=_batch(accounts, number),
                    ledger_id=selectors.get_ledger("main").pk,
                    actor=SYSTEM,
                )
                for number in range(first, first + BATCHES_AT_ONCE)
            ]
        )
        assert ends == {"done": BATCHES_AT_ONCE}
    assert sum(balance_of(account) for account in accounts) == 12_000
    assert Transaction.objects.count() == 12 + BATCHES * 30
    assert is_clean()
