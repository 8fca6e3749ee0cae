"""Posting: what happens, what is refused, and that a refusal moves nothing."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core import clock, context, fields, idempotency
from core import errors as core_errors
from core.models import AuditEvent, OutboxEvent
from core.principals import SYSTEM
from tests.people import Person
from transactions import constants, errors, selectors, services, verification
from transactions.models import LedgerAccount, Transaction
from transactions.services import Draft, Expectation, Posting, posting
from transactions.tests.money import balance_of, footprint, move, open_account, post

pytestmark = pytest.mark.django_db


def _clean() -> bool:
    return not any(finding.faults for finding in verification.verify())


def test_posting_moves_and_records_everything_once(ada: Person):
    source, destination = open_account(ada.principal, balance=1_000), open_account(ada.principal)
    before = footprint()
    with context.entered(context.Context(request_id="request-1", client_address="203.0.113.7")):
        posted = post(move(source, destination, 250, reference="r-1", metadata={"order": "42"}))
    assert (balance_of(source), balance_of(destination)) == (750, 250)
    assert [(e.account_id, e.amount, e.account_seq, e.balance_after) for e in posted.entries] == [
        (source, -250, 2, 750),
        (destination, 250, 1, 250),
    ]
    stored = Transaction.objects.get(pk=posted.id)
    assert (stored.reference, stored.metadata) == ("r-1", {"order": "42"})
    assert (stored.actor_id, stored.request_id) == (SYSTEM.user_id, "request-1")
    assert stored.user_id == ada.user.pk
    assert stored.effective_at == stored.recorded_at == posted.recorded_at
    assert OutboxEvent.objects.get(pk=posted.id).topic == "transaction.posted"
    audited = AuditEvent.objects.get(target_id=str(posted.id))
    assert (audited.action, audited.client_address) == ("transaction.post", "203.0.113.7")
    changed = [after - then for after, then in zip(footprint(), before, strict=True)]
    assert changed == [1, 2, 1, 1, 0, 2, 1, 0, 0, 0, 0]


def test_several_postings_net_on_one_account(ada: Person):
    a, b, c = (open_account(ada.principal, balance=n) for n in (100, 0, 0))
    draft = Draft(postings=[Posting(a, b, 100, "USD"), Posting(b, c, 60, "USD")])
    posted = post(draft)
    assert [entry.balance_after for entry in posted.entries] == [0, 100, 40, 60]
    assert [balance_of(x) for x in (a, b, c)] == [0, 40, 60]


def test_postings_are_limited_on_both_sides(ada: Person):
    a, b = open_account(ada.principal, balance=1_000), open_account(ada.principal)
    many = Draft(postings=[Posting(a, b, 1, "USD")] * constants.POSTINGS_MAX)
    assert len(post(many).entries) == 2 * constants.POSTINGS_MAX
    assert balance_of(b) == constants.POSTINGS_MAX


def _faulty(ada, bob):
    """Name each fault with a draft, who posts it, and the refusal it must meet."""
    mine, other = open_account(ada.principal, balance=100), open_account(bob.principal)
    euros = open_account(ada.principal, balance=100, asset="EUR")
    frozen, closed = open_account(ada.principal, balance=5), open_account(ada.principal)
    half = open_account(ada.principal, balance=5)
    full = open_account(bob.principal, ceiling=50)
    huge = open_account(ada.principal, balance=fields.INT64_MAX - 100, asset="JPY")
    deep = open_account(ada.principal, floor=None, asset="JPY")
    theirs = open_account(bob.principal, balance=100)
    for account, status in ((frozen, "frozen"), (half, "frozen_debit")):
        services.update_ledger_account(
            account=LedgerAccount.objects.select_related("balance").get(pk=account),
            expected_version=1,
            changes={"status": status},
            actor=SYSTEM,
        )
    services.close_ledger_account(account=LedgerAccount.objects.get(pk=closed), actor=SYSTEM)
    post(move(mine, other, 1, reference="taken"))
    return {
        "funds": (move(mine, other, 100), SYSTEM, errors.InsufficientFunds),
        "ceiling": (move(mine, full, 51), SYSTEM, errors.LimitExceeded),
        "overflow": (move(deep, huge, 101, asset="JPY"), SYSTEM, errors.BalanceOverflow),
        "same": (move(mine, mine, 1), SYSTEM, errors.SameAccount),
        "asset": (move(mine, euros, 1), SYSTEM, errors.AssetMismatch),
        "asset named": (move(mine, other, 1, asset="EUR"), SYSTEM, errors.AssetMismatch),
        "unknown": (move(mine, uuid.uuid4(), 1), SYSTEM, errors.LedgerAccountNotFound),
        "not mine": (move(theirs, mine, 1), ada.principal, errors.LedgerAccountNotFound),
        "frozen source": (move(frozen, other, 1), SYSTEM, errors.LedgerAccountFrozen),
        "frozen destination": (move(mine, frozen, 1), SYSTEM, errors.LedgerAccountFrozen),
        "half frozen": (move(half, other, 1), SYSTEM, errors.LedgerAccountFrozen),
        "closed": (move(mine, closed, 1), SYSTEM, errors.LedgerAccountClosed),
        "reference": (move(mine, other, 1, reference="taken"), SYSTEM, errors.ReferenceTaken),
        "too old": (
            move(mine, other, 1, effective_at=clock.now() - dt.timedelta(days=400)),
            SYSTEM,
            errors.EffectiveAtOutOfRange,
        ),
        "too new": (
            move(mine, other, 1, effective_at=clock.now() + dt.timedelta(hours=1)),
            SYSTEM,
            errors.EffectiveAtOutOfRange,
        ),
    }


CLOCKS: tuple[tuple[selectors.Clock, int], ...] = (("recorded", 2), ("effective", 3))
FAULTS = [
    *("funds", "ceiling", "overflow", "same", "asset", "asset named", "unknown", "not mine"),
    *("frozen source", "frozen destination", "half frozen", "closed", "reference"),
    *("too old", "too new"),
]


@pytest.mark.parametrize("fault", FAULTS)
def test_refusal_moves_nothing(ada: Person, bob: Person, fault: str):
    draft, actor, refusal = _faulty(ada, bob)[fault]
    before = footprint()
    with pytest.raises(refusal):
        post(draft, actor)
    assert footprint() == before
    assert _clean()


def test_every_fault_is_tried(ada: Person, bob: Person):
    assert sorted(_faulty(ada, bob)) == sorted(FAULTS)


def test_half_frozen_account_still_receives(ada: Person):
    source, half = open_account(ada.principal, balance=5), open_account(ada.principal)
    account = LedgerAccount.objects.select_related("balance").get(pk=half)
    services.update_ledger_account(
        account=account, expected_version=1, changes={"status": "frozen_debit"}, actor=SYSTEM
    )
    post(move(source, half, 5))
    assert balance_of(half) == 5


def test_refusal_points_at_the_posting(ada: Person):
    a, b = open_account(ada.principal, balance=10), open_account(ada.principal)
    draft = Draft(postings=[Posting(a, b, 1, "USD"), Posting(a, uuid.uuid4(), 1, "USD")])
    with pytest.raises(errors.LedgerAccountNotFound) as refused:
        post(draft)
    assert refused.value.extensions["errors"][0]["pointer"] == "#/postings/1/destination"


def test_expectation_holds_or_nothing_moves(ada: Person):
    a, b = open_account(ada.principal, balance=10), open_account(ada.principal)
    post(move(a, b, 1, expectations=[Expectation(a, 1), Expectation(b, 0)]))
    other = open_account(ada.principal)
    before = footprint()
    # Moved on; not there yet; right, but no business of this transaction.
    for expected in (Expectation(a, 1), Expectation(b, 2), Expectation(other, 0)):
        with pytest.raises(errors.ExpectationFailed):
            post(move(a, b, 1, expectations=[expected]))
    assert footprint() == before


def _key(person: Person, key: str = "k-1", body: object = None) -> idempotency.Keyed:
    return idempotency.keyed(
        principal=person.principal, key=key, method="POST", path="/t/", body=body or {}
    )


def test_same_key_posts_once_and_answers_alike(ada: Person):
    a, b = open_account(ada.principal, balance=10), open_account(ada.principal)
    first = post(move(a, b, 1), identity=_key(ada))
    before = footprint()
    again = post(move(a, b, 1), identity=_key(ada))
    assert again.is_replay
    assert (again.id, again.recorded_at, list(again.entries)) == (
        first.id,
        first.recorded_at,
        list(first.entries),
    )
    assert footprint() == before


def test_key_with_another_body_is_refused_and_nothing_moves(ada: Person):
    a, b = open_account(ada.principal, balance=10), open_account(ada.principal)
    post(move(a, b, 1), identity=_key(ada))
    before = footprint()
    with pytest.raises(core_errors.IdempotencyKeyReused):
        post(move(a, b, 2), identity=_key(ada, body={"other": 1}))
    assert footprint() == before


def test_two_callers_may_use_one_key(ada: Person, bob: Person):
    a, b = open_account(ada.principal, balance=10), open_account(bob.principal, balance=10)
    first = post(move(a, b, 1), identity=_key(ada))
    second = post(move(b, a, 1), identity=_key(bob))
    assert first.id != second.id
    assert not second.is_replay


def test_kept_refusal_does_not_turn_into_a_success(ada: Person):
    a, b = open_account(ada.principal), open_account(ada.principal, balance=10)
    with pytest.raises(errors.InsufficientFunds):
        post(move(a, b, 5), identity=_key(ada))
    post(move(b, a, 10))
    before = footprint()
    with pytest.raises(core_errors.DomainError) as refused:
        post(move(a, b, 5), identity=_key(ada))
    assert (refused.value.code, refused.value.status) == ("TXN_INSUFFICIENT_FUNDS", 422)
    assert footprint() == before


@hypothesis_settings(max_examples=30)
@given(
    moves=st.lists(
        st.tuples(
            st.integers(0, 3),
            st.integers(0, 3),
            st.integers(1, 50),
            st.integers(-3, 0),
        ),
        min_size=1,
        max_size=12,
    ),
    asked=st.integers(-4, 1),
)
def test_balances_by_either_clock_equal_a_fold_of_the_entries(ada: Person, moves, asked):
    accounts = [open_account(ada.principal, floor=None) for _ in range(4)]
    now, happened = clock.now(), []
    for source, destination, amount, days in moves:
        if source == destination:
            continue
        effective_at = now + dt.timedelta(days=days) if days else None
        done = post(
            move(accounts[source], accounts[destination], amount, effective_at=effective_at)
        )
        happened.append((source, -amount, done.recorded_at, effective_at or done.recorded_at))
        happened.append((destination, amount, done.recorded_at, effective_at or done.recorded_at))
    at = clock.now() + dt.timedelta(days=asked)
    for number, account_id in enumerate(accounts):
        account = LedgerAccount.objects.get(pk=account_id)
        mine = [row for row in happened if row[0] == number]
        for by, place in CLOCKS:
            expected = sum(row[1] for row in mine if row[place] <= at)
            assert selectors.balance_at(account, at, by=by) == expected
            lines = list(
                selectors.statement_stream(
                    account, since=now - dt.timedelta(days=9), until=clock.now(), by=by
                )
            )
            assert sum(line["amount"] for line in lines) == balance_of(account_id)
            assert [line["at"] for line in lines] == sorted(line["at"] for line in lines)
            assert not lines or lines[-1]["balance"] == balance_of(account_id)
    assert _clean()


def test_verdict_that_was_faster_is_the_answer(ada: Person):
    """Two requests with one key, one refused after the other has posted: the posted one stands."""
    a, b = open_account(ada.principal, balance=10), open_account(ada.principal)
    first = post(move(a, b, 10), identity=_key(ada))
    answer = posting._keep(_key(ada), errors.InsufficientFunds("Too late."))
    assert (answer.id, answer.is_replay) == (first.id, True)
    with pytest.raises(core_errors.IdempotencyKeyReused):
        posting._keep(_key(ada, body={"other": 1}), errors.InsufficientFunds("Too late."))
