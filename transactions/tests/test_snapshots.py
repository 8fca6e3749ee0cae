"""Daily balances: right for any day by either clock, whatever is posted for whichever day."""

from __future__ import annotations

import dataclasses
import datetime as dt
import threading

import pytest
from django.core.management import call_command
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from core import clock
from core.principals import SYSTEM
from tests.people import Person, make_person
from transactions import selectors, services, verification
from transactions.models import BalanceSnapshot, LedgerAccount, SnapshotHorizon
from transactions.services import snapshots
from transactions.tests.money import move, open_account, post

CLOCKS = (("recorded", 0), ("effective", 1))


def _balance(account, at, by, **facts) -> int:
    return selectors.balance_at(LedgerAccount.objects.get(pk=account), at, by=by, **facts)


def _clean() -> bool:
    return not any(finding.faults for finding in verification.verify())


@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.integers(1, 50), st.integers(-5, 0), st.integers(0, 86_399)),
            st.just("refresh"),
        ),
        max_size=14,
    ),
    asked=st.lists(st.tuples(st.integers(-6, 1), st.integers(0, 86_399)), min_size=1, max_size=4),
)
def test_any_instant_by_either_clock_equals_a_naive_sum(ada: Person, steps, asked):
    a, b = open_account(ada.principal, floor=None), open_account(ada.principal)
    midnight = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    happened = []
    for step in steps:
        if step == "refresh":
            services.refresh_snapshots()
            continue
        amount, days, seconds = step
        effective_at = midnight + dt.timedelta(days=days, seconds=seconds) if days else None
        done = post(move(a, b, amount, effective_at=effective_at))
        happened.append((done.recorded_at, effective_at or done.recorded_at, amount))
    instants = [midnight + dt.timedelta(days=days, seconds=seconds) for days, seconds in asked]
    for at in [*instants, midnight, clock.now()]:
        for by, place in CLOCKS:
            until = sum(row[2] for row in happened if row[place] <= at)
            before = sum(row[2] for row in happened if row[place] < at)
            assert (_balance(b, at, by), _balance(a, at, by)) == (until, -until)
            assert _balance(b, at, by, inclusive=False) == before
    services.refresh_snapshots()
    assert _clean()


def test_snapshot_has_a_row_for_each_day_that_moved(ada: Person):
    a, b = open_account(ada.principal, balance=100), open_account(ada.principal)
    today = clock.now()
    post(move(a, b, 5, effective_at=today - dt.timedelta(days=3)))
    post(move(a, b, 7, effective_at=today - dt.timedelta(days=1)))
    assert services.refresh_snapshots() == 3
    assert services.refresh_snapshots() == 0
    post(move(a, b, 11, effective_at=today - dt.timedelta(days=2)))
    assert services.refresh_snapshots() == 2
    rows = BalanceSnapshot.objects.filter(account_id=b).order_by("day")
    days = [(today - dt.timedelta(days=back)).date() for back in (3, 2, 1, 0)]
    assert list(rows.values_list("day", "effective", "recorded")) == [
        (days[0], 5, 0),
        (days[1], 16, 0),
        (days[2], 23, 0),
        (days[3], 23, 23),
    ]


def test_entry_after_the_horizon_counts_before_the_next_refresh(ada: Person):
    a, b = open_account(ada.principal, balance=100), open_account(ada.principal)
    post(move(a, b, 5))
    services.refresh_snapshots()
    yesterday = clock.now() - dt.timedelta(days=1)
    post(move(a, b, 3, effective_at=yesterday - dt.timedelta(hours=1)))
    assert (_balance(b, yesterday, "effective"), _balance(b, yesterday, "recorded")) == (3, 0)
    assert _balance(b, clock.now(), "effective") == 8


def test_refreshers_and_writers_at_once_leave_right_snapshots(committed_db):
    ada = make_person("ada@example.org").principal
    a, b = open_account(ada, floor=None), open_account(ada)
    is_over = threading.Event()

    def refresh() -> None:
        while not is_over.is_set():
            services.refresh_snapshots()
        connection.close()

    def write() -> None:
        for number in range(30):
            days = dt.timedelta(days=number % 4)
            post(move(a, b, 1, effective_at=clock.now() - days))
        connection.close()

    refreshers = [threading.Thread(target=refresh) for _ in range(2)]
    writers = [threading.Thread(target=write) for _ in range(3)]
    for thread in (*refreshers, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    is_over.set()
    for thread in refreshers:
        thread.join()
    services.refresh_snapshots()
    assert SnapshotHorizon.objects.get(account_id=b).entry_seq == 90
    assert _clean()


def test_accounts_are_taken_in_several_rounds(ada: Person, monkeypatch, capsys):
    monkeypatch.setattr(snapshots, "ACCOUNTS_AT_ONCE", 2)
    for _ in range(4):
        open_account(ada.principal, balance=1)
    call_command("snapshots_refresh")
    assert "5 accounts had moved" in capsys.readouterr().out
    assert SnapshotHorizon.objects.count() == 5


@pytest.mark.parametrize("by", ["recorded", "effective"])
def test_last_and_first_instants_are_answered(ada: Person, by):
    account = open_account(ada.principal, balance=5)
    services.refresh_snapshots()
    assert _balance(account, dt.datetime.max.replace(tzinfo=dt.UTC), by) == 5
    assert _balance(account, dt.datetime(1, 1, 2, tzinfo=dt.UTC), by) == 0


def test_planted_snapshot_is_found(ada: Person):
    open_account(ada.principal, balance=5)
    services.refresh_snapshots()
    BalanceSnapshot.objects.filter(effective=5).update(effective=6)
    faults = {finding.check.name: finding.faults for finding in verification.verify()}
    assert faults.pop("snapshots") == 1
    assert not any(faults.values())


def test_backdating_window_is_a_setting(ada: Person, settings):
    a, b = open_account(ada.principal, balance=5), open_account(ada.principal)
    settings.ENV = dataclasses.replace(settings.ENV, ledger_backdating_days_max=2)
    post(move(a, b, 1, effective_at=clock.now() - dt.timedelta(days=1)), SYSTEM)
    with pytest.raises(Exception, match="within 2 days"):
        post(move(a, b, 1, effective_at=clock.now() - dt.timedelta(days=3)), SYSTEM)
