"""What PostgreSQL ends is done again only where it says that it may be."""

from __future__ import annotations

import concurrent.futures
import threading
from collections.abc import Callable

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from core import clock, db, metrics
from core.models import LimitPlan

ONE, OTHER = "one", "other"


def _retries(sqlstate: str) -> float:
    return float(metrics.DB_RETRIES.labels(sqlstate=sqlstate)._value.get())


@pytest.fixture
def rows(committed_db) -> None:
    for scope in (ONE, OTHER):
        LimitPlan.objects.create(scope=scope, requests=1, window_s=60, changed_at=clock.now())


def _raise(scope: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE limit_plan SET requests = requests + 1 WHERE scope = %s", [scope])


def _crossing(
    run: Callable[[Callable[[], None]], None], order: tuple[str, str], first: threading.Barrier
) -> int:
    """Change two rows in ``order``; both sides have their first before either asks for more."""
    tries = 0

    def work() -> None:
        nonlocal tries
        tries += 1
        _raise(order[0])
        if tries == 1:
            first.wait(30)
        _raise(order[1])

    try:
        run(work)
    finally:
        connection.close()
    return tries


def test_both_sides_of_a_deadlock_end_well(rows):
    before, first = _retries("40P01") + _retries("55P03"), threading.Barrier(2)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        sides = [
            pool.submit(_crossing, db.run_in_transaction, order, first)
            for order in ((ONE, OTHER), (OTHER, ONE))
        ]
        tries = sum(side.result() for side in sides)
    assert tries > 2, "they did not meet"
    assert _retries("40P01") + _retries("55P03") == before + tries - 2
    assert set(LimitPlan.objects.values_list("requests", flat=True)) == {3}


def test_what_can_never_succeed_is_tried_once(rows):
    tries = []

    def double() -> None:
        tries.append(1)
        LimitPlan.objects.create(scope=ONE, requests=1, window_s=60, changed_at=clock.now())

    with pytest.raises(IntegrityError):
        db.run_in_transaction(double)
    assert tries == [1]


def test_only_the_outermost_tries_again(committed_db):
    tries = []

    def refused() -> None:
        tries.append(1)
        with connection.cursor() as cursor:
            cursor.execute("DO $$ BEGIN RAISE SQLSTATE '40001'; END $$")

    with pytest.raises(DatabaseError), transaction.atomic():
        db.run_in_transaction(refused)
    assert tries == [1]
    with pytest.raises(DatabaseError):
        db.run_in_transaction(refused)
    assert len(tries) == 1 + db.ATTEMPTS_MAX
