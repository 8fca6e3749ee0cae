"""Scheduled transactions: never in the past, posted once when due, cancelled before."""

from __future__ import annotations

import datetime as dt
from unittest.mock import Mock

import psycopg
import pytest
from django.db import OperationalError

from accounts import services as accounts
from accounts.models import ApiKey, User
from accounts.services.access import set_active
from core import clock
from core.errors import DatabaseBusy
from core.models import AuditEvent, OutboxEvent
from core.principals import SYSTEM
from tests.callers import fresh
from tests.people import Person, make_person
from transactions import constants, errors, selectors, services
from transactions.models import Schedule, Transaction
from transactions.services import schedules
from transactions.tests.money import balance_of, footprint, is_clean, move, open_account, post
from transactions.tests.racing import race

SOON = dt.timedelta(hours=1)


def _schedule(draft, actor=SYSTEM, after: dt.timedelta = SOON) -> Schedule:
    return services.schedule_transaction(
        draft=draft,
        ledger_id=selectors.get_ledger("main").pk,
        run_at=clock.now() + after,
        actor=actor,
    )


def _let_time_pass() -> None:
    Schedule.objects.update(run_at=clock.now() - dt.timedelta(seconds=1))


@pytest.mark.django_db
def test_due_transaction_is_posted_once_in_the_name_of_who_scheduled_it(ada: Person):
    a, b = open_account(ada.principal, balance=10), open_account(ada.principal)
    schedule = _schedule(move(a, b, 4, reference="rent", metadata={"k": "v"}), ada.principal)
    assert services.post_due() == 0
    assert balance_of(b) == 0
    _let_time_pass()
    assert services.post_due() == 1
    assert services.post_due() == 0
    schedule.refresh_from_db()
    assert schedule.transaction_id is not None
    stored = Transaction.objects.get(pk=schedule.transaction_id)
    assert (schedule.status, balance_of(b)) == ("posted", 4)
    assert (stored.actor_id, stored.reference, stored.metadata) == (
        *(ada.user.pk, "rent", {"k": "v"}),
    )
    assert stored.effective_at == schedule.run_at
    told = OutboxEvent.objects.filter(object_id=schedule.pk).order_by("id")
    assert [event.topic for event in told] == ["schedule.created", "schedule.posted"]
    assert is_clean()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("after", "refusal"),
    [
        (dt.timedelta(0), errors.ScheduleInPast),
        (dt.timedelta(days=-1), errors.ScheduleInPast),
        (constants.SCHEDULE_AHEAD_MAX + SOON, errors.ScheduleTooFar),
    ],
)
def test_past_and_far_future_are_refused(ada: Person, after, refusal):
    a, b = open_account(ada.principal, balance=10), open_account(ada.principal)
    before = footprint()
    with pytest.raises(refusal):
        _schedule(move(a, b, 4), after=after)
    assert not Schedule.objects.exists()
    assert footprint() == before


@pytest.mark.django_db
def test_somebody_elses_account_is_refused_at_once(ada: Person, bob: Person):
    a, b = open_account(ada.principal, balance=10), open_account(bob.principal)
    with pytest.raises(errors.LedgerAccountNotFound):
        _schedule(move(a, b, 4), bob.principal)
    assert not Schedule.objects.exists()


@pytest.mark.django_db
def test_refusal_when_due_is_kept_and_stops_nothing_else(ada: Person):
    a, b = open_account(ada.principal, balance=10), open_account(ada.principal)
    poor, rich = _schedule(move(a, b, 11)), _schedule(move(a, b, 3))
    _let_time_pass()
    assert services.post_due() == 2
    poor.refresh_from_db()
    rich.refresh_from_db()
    assert (poor.status, poor.failure_code) == ("failed", "TXN_INSUFFICIENT_FUNDS")
    assert (rich.status, balance_of(b)) == ("posted", 3)
    assert is_clean()


@pytest.mark.django_db
def test_broken_one_holds_up_no_other_and_fails_in_the_end(ada: Person):
    a, b = open_account(ada.principal, balance=10), open_account(ada.principal)
    broken, fine = _schedule(move(a, b, 1)), _schedule(move(a, b, 3))
    Schedule.objects.filter(pk=broken.pk).update(draft={"postings": [["no id", "x", 1, "USD"]]})
    _let_time_pass()
    assert services.post_due() == 1
    fine.refresh_from_db()
    assert (fine.status, balance_of(b)) == ("posted", 3)
    for attempts in range(1, constants.SCHEDULE_ATTEMPTS_MAX):
        broken.refresh_from_db()
        assert (broken.status, broken.attempts) == ("scheduled", attempts)
        services.post_due()
    broken.refresh_from_db()
    assert (broken.status, broken.failure_code) == ("failed", "TXN_SCHEDULE_BROKEN")
    assert broken.failure_detail == "ValueError, 5 times; the log says more."
    (told,) = OutboxEvent.objects.filter(topic="schedule.failed")
    assert told.object_id == broken.pk
    assert services.post_due() == 0
    assert balance_of(b) == 3


@pytest.mark.django_db
def test_busy_database_is_no_verdict(ada: Person, monkeypatch):
    a, b = open_account(ada.principal, balance=10), open_account(ada.principal)
    schedule = _schedule(move(a, b, 1))
    _let_time_pass()
    with monkeypatch.context() as patch:
        busy = DatabaseBusy("Others hold it.")
        patch.setattr(schedules, "post_transactions", Mock(side_effect=busy))
        assert services.post_due() == 0
        gone = OperationalError("the connection is closed")
        gone.__cause__ = psycopg.OperationalError("the connection is closed")
        patch.setattr(schedules, "post_transactions", Mock(side_effect=gone))
        with pytest.raises(OperationalError):
            services.post_due()
    schedule.refresh_from_db()
    assert (schedule.status, schedule.attempts) == ("scheduled", 1)
    assert services.post_due() == 1
    assert balance_of(b) == 1


@pytest.mark.django_db
@pytest.mark.parametrize("how", ["locked", "closed"])
def test_nothing_happens_in_the_name_of_who_is_locked_out_or_gone(
    ada: Person, bob: Person, grace: Person, how: str
):
    """Not even from other people's accounts, which stay as open as they were."""
    a, b = open_account(bob.principal, balance=10), open_account(bob.principal)
    schedule = _schedule(move(a, b, 4), grace.principal)
    if how == "locked":
        set_active(user=grace.user, is_active=False, actor=SYSTEM, reason="It left the bank.")
    else:
        User.objects.filter(pk=grace.user.pk).update(
            is_active=False, is_staff=False, is_superuser=False, deleted_at=clock.now()
        )
    _let_time_pass()
    assert services.post_due() == 1
    schedule.refresh_from_db()
    assert (schedule.status, schedule.failure_code) == ("failed", "AUTH_FORBIDDEN")
    assert (balance_of(a), balance_of(b)) == (10, 0)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("how", "becomes"),
    [
        ("nothing", "posted"),
        ("rotated", "posted"),
        ("revoked", "failed"),
        ("revoked after it was rotated", "failed"),
        ("its successor revoked", "failed"),
        ("expired", "failed"),
    ],
)
def test_key_schedules_only_while_it_or_its_successor_is_valid(ada: Person, how: str, becomes: str):
    a, b = open_account(ada.principal, balance=10), open_account(ada.principal)
    key, text = accounts.create_api_key(
        name="rent", scope_names=[constants.TRANSACTIONS_WRITE], lifetime_days=1, actor=fresh(ada)
    )
    schedule = _schedule(move(a, b, 4), accounts.authenticate_key(text))
    successor = None
    if "rotated" in how or "successor" in how:
        successor, _ = accounts.rotate_api_key(key_id=key.pk, overlap_s=0, actor=fresh(ada))
    if "revoked" in how:
        ended = successor if successor and "successor" in how else key
        accounts.revoke_api_key(key_id=ended.pk, actor=ada.principal)
    if how == "expired":
        ApiKey.objects.filter(pk=key.pk).update(expires_at=clock.now())
    _let_time_pass()
    assert services.post_due() == 1
    schedule.refresh_from_db()
    assert schedule.status == becomes
    assert schedule.failure_code == ("" if becomes == "posted" else "AUTH_FORBIDDEN")
    assert balance_of(b) == (4 if becomes == "posted" else 0)


@pytest.mark.django_db
def test_lost_permission_counts_when_it_is_due(bob: Person, grace: Person):
    a, b = open_account(bob.principal, balance=10), open_account(bob.principal)
    kept, lost = (
        _schedule(move(a, b, 1), grace.principal),
        _schedule(move(a, b, 2), grace.principal),
    )
    Schedule.objects.filter(pk=kept.pk).update(run_at=clock.now() - SOON)
    assert services.post_due() == 1
    grace.user.groups.clear()
    _let_time_pass()
    assert services.post_due() == 1
    lost.refresh_from_db()
    assert (lost.status, lost.failure_code) == ("failed", "LEDGER_ACCOUNT_NOT_FOUND")
    assert balance_of(b) == 1


@pytest.mark.django_db
def test_cancelled_transaction_never_happens(ada: Person, bob: Person):
    a, b = open_account(ada.principal, balance=10), open_account(ada.principal)
    schedule = _schedule(move(a, b, 4), ada.principal)
    with pytest.raises(errors.ScheduleNotFound):
        services.cancel_schedule(schedule_id=schedule.pk, actor=bob.principal)
    cancelled = services.cancel_schedule(schedule_id=schedule.pk, actor=ada.principal)
    assert cancelled.status == "cancelled"
    assert AuditEvent.objects.filter(action="schedule.cancel").count() == 1
    _let_time_pass()
    assert services.post_due() == 0
    with pytest.raises(errors.ScheduleClosed):
        services.cancel_schedule(schedule_id=schedule.pk, actor=ada.principal)
    assert balance_of(b) == 0


def test_two_runners_post_a_thousand_due_ones_once_each(committed_db):
    ada = make_person("ada@example.org").principal
    a, b = open_account(ada, balance=1_000), open_account(ada)
    first = _schedule(move(a, b, 1))
    row = {
        field.attname: getattr(first, field.attname)
        for field in Schedule._meta.concrete_fields
        if field.attname != "id"
    }
    Schedule.objects.bulk_create([Schedule(**row) for _ in range(999)])
    _let_time_pass()
    dealt_with: list[int] = []
    assert race([lambda: dealt_with.append(services.post_due())] * 2) == {"done": 2}
    assert (sum(dealt_with), balance_of(b)) == (1_000, 1_000)
    assert min(dealt_with) > 0
    became = Schedule.objects.values_list("transaction_id", flat=True)
    assert len(set(became)) == 1_000
    assert Transaction.objects.count() == 1_001
    assert is_clean()


@pytest.mark.django_db
def test_schedule_over_http(by_ada, by_bob, ada: Person):
    a, b = open_account(ada.principal, balance=10), open_account(ada.principal)
    posting = {"source": str(a), "destination": str(b), "amount": 4, "asset": "USD"}
    body = {"postings": [posting], "run_at": clock.as_rfc3339(clock.now() + SOON)}
    made = by_ada.send("POST", "schedules/", body, Idempotency_Key="k")
    assert (made.status_code, made.json()["status"]) == (201, "scheduled")
    path = f"schedules/{made.json()['id']}/"
    assert by_bob.get(path).status_code == 404
    assert [row["id"] for row in by_ada.walk("schedules/")] == [made.json()["id"]]
    assert by_ada.send("DELETE", path).json()["status"] == "cancelled"
    again = by_ada.send("DELETE", path)
    assert (again.status_code, again.json()["code"]) == (409, "TXN_SCHEDULE_CLOSED")
    late = {**body, "run_at": clock.as_rfc3339(clock.now() - SOON)}
    refused = by_ada.send("POST", "schedules/", late, Idempotency_Key="k2")
    assert (refused.status_code, refused.json()["code"]) == (422, "TXN_SCHEDULE_IN_PAST")
    post(move(a, b, 1))
