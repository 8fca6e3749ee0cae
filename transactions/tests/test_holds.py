"""Holds: set aside, captured in parts, released, expired; and what a refusal leaves."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable

import pytest

from core import clock
from core import errors as core_errors
from core.models import AuditEvent, OutboxEvent
from core.principals import SYSTEM, Principal
from tests.people import Person, make_person
from transactions import errors, selectors, services
from transactions.models import Hold, LedgerAccount, Transaction
from transactions.tests.money import (
    balance_of,
    capture,
    footprint,
    held,
    hold_on,
    is_clean,
    move,
    open_account,
    post,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def purses(ada: Person, bob: Person) -> tuple[uuid.UUID, uuid.UUID]:
    """Ada's account with 100 and Bob's with nothing."""
    return open_account(ada.principal, balance=100), open_account(bob.principal)


def _hold(purses: tuple[uuid.UUID, uuid.UUID], amount: int, actor: Principal = SYSTEM) -> Hold:
    return hold_on(*purses, amount, actor)


def _overdue(hold: Hold) -> Hold:
    Hold.objects.filter(pk=hold.pk).update(expires_at=clock.now() - dt.timedelta(seconds=1))
    hold.refresh_from_db()
    return hold


def test_hold_sets_money_aside_without_moving_it(ada: Person, purses):
    source, destination = purses
    hold = hold_on(source, destination, 60, ada.principal, description="room 12")
    assert (hold.status, hold.amount, hold.captured, hold.user_id) == (
        *("pending", 60, 0),
        ada.user.pk,
    )
    assert hold == Hold.objects.get(pk=hold.pk)
    assert hold.expires_at - hold.created_at == dt.timedelta(days=7)
    assert (balance_of(source), balance_of(destination)) == (100, 0)
    assert (held(source), held(destination)) == ((60, 0), (0, 60))
    assert OutboxEvent.objects.get(pk=hold.pk).topic == "hold.placed"
    assert AuditEvent.objects.get(target_id=str(hold.pk)).action == "hold.place"
    assert is_clean()


def test_capture_in_parts_posts_each_and_the_last_closes(ada: Person, bob: Person, purses):
    source, destination = purses
    hold = hold_on(source, destination, 60, ada.principal)
    first = capture(hold, 25, bob.principal, is_final=False, reference="part-1")
    assert [(e.amount, e.balance_after) for e in first.entries] == [(-25, 75), (25, 25)]
    stored = Transaction.objects.get(pk=first.id)
    assert (stored.kind, stored.hold_id, stored.reference) == ("capture", hold.pk, "part-1")
    assert (held(source), held(destination)) == ((35, 0), (0, 35))
    second = capture(hold, 35, is_final=False)
    hold.refresh_from_db()
    assert (hold.status, hold.captured, hold.remaining) == ("captured", 60, 0)
    assert hold.closed_at is not None
    assert (held(source), held(destination)) == ((0, 0), (0, 0))
    assert (balance_of(source), balance_of(destination)) == (40, 60)
    told = OutboxEvent.objects.filter(object_id=hold.pk, topic="hold.captured")
    assert [(event.payload or {})["transaction"] for event in told.order_by("id")] == [
        str(first.id),
        str(second.id),
    ]
    assert is_clean()


def test_final_capture_of_a_part_frees_the_rest(purses):
    source, destination = purses
    hold = hold_on(source, destination, 60)
    capture(hold, 10)
    hold.refresh_from_db()
    assert (hold.status, hold.captured) == ("captured", 10)
    assert (balance_of(source), held(source)) == (90, (0, 0))
    assert is_clean()


def test_hold_counts_against_the_floor_until_it_is_gone(ada: Person, purses):
    source, destination = purses
    hold_on(source, destination, 60)
    before = footprint()
    for refused in (
        lambda: post(move(source, destination, 41)),
        lambda: hold_on(source, destination, 41),
    ):
        with pytest.raises(errors.InsufficientFunds):
            refused()
    assert footprint() == before
    post(move(source, destination, 40))


def test_hold_counts_against_the_ceiling_of_its_destination(ada: Person, bob: Person):
    source = open_account(ada.principal, balance=100)
    destination = open_account(bob.principal, ceiling=50)
    hold = hold_on(source, destination, 30)
    before = footprint()
    for refused in (
        lambda: post(move(source, destination, 21)),
        lambda: hold_on(source, destination, 21),
    ):
        with pytest.raises(errors.LimitExceeded):
            refused()
    assert footprint() == before
    capture(hold)
    post(move(source, destination, 20))
    assert balance_of(destination) == 50


def test_released_hold_gives_back_what_is_left(bob: Person, purses):
    source, destination = purses
    hold = hold_on(source, destination, 60)
    capture(hold, 20, is_final=False)
    released = services.release_hold(hold_id=hold.pk, actor=bob.principal, reason="cancelled")
    assert (released.status, released.captured, released.remaining) == ("released", 20, 0)
    assert (balance_of(source), held(source), held(destination)) == (80, (0, 0), (0, 0))
    assert OutboxEvent.objects.filter(topic="hold.released", object_id=hold.pk).count() == 1
    assert AuditEvent.objects.get(action="hold.release").data == {"reason": "cancelled"}
    assert is_clean()


def test_expired_hold_is_never_captured_even_when_nobody_swept(purses):
    hold = _overdue(_hold(purses, 60))
    before = footprint()
    with pytest.raises(errors.HoldExpired):
        capture(hold, 1)
    assert footprint() == before
    assert services.expire_holds() == 1
    hold.refresh_from_db()
    assert (hold.status, held(purses[0]), held(purses[1])) == ("expired", (0, 0), (0, 0))
    assert OutboxEvent.objects.filter(topic="hold.expired", object_id=hold.pk).count() == 1
    assert services.expire_holds() == 0
    assert is_clean()


def test_sweeper_takes_only_what_is_due_and_all_of_it(purses):
    source, destination = purses
    due = [_overdue(hold_on(source, destination, 2)) for _ in range(7)]
    kept = hold_on(source, destination, 3)
    assert services.expire_holds(at_once=3) == len(due)
    assert held(source) == (3, 0)
    assert Hold.objects.pending().get() == kept


CLOSED: dict[str, Callable[[Hold], object]] = {
    "captured": capture,
    "released": lambda hold: services.release_hold(hold_id=hold.pk, actor=SYSTEM),
    "expired": lambda hold: (_overdue(hold), services.expire_holds()),
}


@pytest.mark.parametrize("status", sorted(CLOSED))
def test_closed_hold_stays_as_it_is(purses, status: str):
    hold = _hold(purses, 60)
    CLOSED[status](hold)
    before = footprint()
    for refused in (
        lambda: capture(hold, 1),
        lambda: services.release_hold(hold_id=hold.pk, actor=SYSTEM),
    ):
        with pytest.raises(errors.HoldNotPending) as refusal:
            refused()
        assert refusal.value.extensions["hold_status"] == status
    assert footprint() == before


def test_capture_beyond_what_is_left_is_refused(purses):
    hold = _hold(purses, 60)
    capture(hold, 50, is_final=False)
    before = footprint()
    with pytest.raises(errors.CaptureExceedsHold) as refusal:
        capture(hold, 11)
    assert refusal.value.extensions == {"remaining": 10}
    assert footprint() == before


def test_only_the_owner_of_the_source_places_a_hold(ada: Person, bob: Person, purses):
    before = footprint()
    with pytest.raises(errors.LedgerAccountNotFound):
        _hold(purses, 1, bob.principal)
    assert footprint() == before


def test_source_owner_cannot_take_back_a_promise(ada: Person, purses):
    hold = _hold(purses, 60, ada.principal)
    before = footprint()
    with pytest.raises(core_errors.PermissionRefused):
        services.release_hold(hold_id=hold.pk, actor=ada.principal)
    stranger = Principal(kind="user", user_id=uuid.uuid4())
    with pytest.raises(errors.HoldNotFound):
        services.release_hold(hold_id=hold.pk, actor=stranger)
    with pytest.raises(errors.HoldNotFound):
        selectors.get_hold(hold_id=hold.pk, actor=stranger)
    assert footprint() == before


def test_frozen_account_is_neither_held_nor_captured(purses):
    source, destination = purses
    hold = hold_on(source, destination, 10)
    services.update_ledger_account(
        account=LedgerAccount.objects.select_related("balance").get(pk=source),
        expected_version=1,
        changes={"status": "frozen"},
        actor=SYSTEM,
    )
    before = footprint()
    for refused in (lambda: capture(hold), lambda: hold_on(source, destination, 1)):
        with pytest.raises(errors.LedgerAccountFrozen):
            refused()
    assert footprint() == before


def test_account_with_a_hold_cannot_close(bob: Person, purses):
    hold = _hold(purses, 10)
    account = LedgerAccount.objects.get(pk=purses[1])
    with pytest.raises(errors.LedgerAccountNotEmpty):
        services.close_ledger_account(account=account, actor=SYSTEM)
    services.release_hold(hold_id=hold.pk, actor=SYSTEM)
    assert services.close_ledger_account(account=account, actor=SYSTEM).status == "closed"


@pytest.mark.parametrize("fault", ["same", "asset", "unknown"])
def test_hold_on_what_cannot_pay_is_refused(ada: Person, purses, fault: str):
    source, _ = purses
    other, refusal = {
        "same": (source, errors.SameAccount),
        "asset": (open_account(ada.principal, asset="EUR"), errors.AssetMismatch),
        "unknown": (uuid.uuid4(), errors.LedgerAccountNotFound),
    }[fault]
    before = footprint()
    with pytest.raises(refusal):
        hold_on(source, other, 1)
    assert footprint() == before


@pytest.mark.parametrize("role", ["support", "auditor"])
def test_staff_who_may_only_look_capture_nothing(purses, role: str):
    hold = _hold(purses, 60)
    watcher = make_person(f"{role}@example.org", role=role).principal
    assert selectors.get_hold(hold_id=hold.pk, actor=watcher) == hold
    before = footprint()
    with pytest.raises(core_errors.PermissionRefused):
        capture(hold, 1, watcher)
    assert footprint() == before
