"""The ledger against a dict of integers: whatever is asked in whatever order, both agree."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import random
import uuid
from typing import Any, ClassVar

import pytest
from django.db import transaction
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from typing_extensions import override

from core import clock
from core.errors import DomainError
from core.principals import SYSTEM
from tests.people import Person
from transactions import selectors, services
from transactions.models import Balance, Hold, Schedule
from transactions.services import Item, Reversal
from transactions.tests.money import capture, hold_on, is_clean, move, open_account, post

ACCOUNTS = 4
START = 100
CEILING = 180
# The steps that `--steps` asks for are done by as many tests, in runs of so many each.
SHARES = 2
STEPS_A_RUN = 100
amounts = st.integers(1, 90)
places = st.integers(0, ACCOUNTS - 1)


@dataclasses.dataclass
class KnownHold:
    """A hold as the model knows it."""

    source: int
    destination: int
    left: int
    row: Hold
    is_pending: bool = True


@dataclasses.dataclass
class Sale:
    """A posted transaction and how much of it has not been given back."""

    source: int
    destination: int
    left: int
    id: uuid.UUID


class Money(RuleBasedStateMachine):
    """Posts, holds, captures, gives back, schedules; the model does the same with integers."""

    owner: Person
    steps: ClassVar[list[int]]
    holds: Bundle[KnownHold] = Bundle("holds")
    sales: Bundle[Sale] = Bundle("sales")

    @initialize()
    def open(self) -> None:
        self.undo = transaction.atomic()
        self.undo.__enter__()
        self.ids = [
            open_account(self.owner.principal, balance=START, ceiling=CEILING)
            for _ in range(ACCOUNTS)
        ]
        self.posted = [START] * ACCOUNTS
        self.out = [0] * ACCOUNTS
        self.coming = [0] * ACCOUNTS

    @override
    def teardown(self) -> None:
        if hasattr(self, "undo"):
            assert is_clean()
            transaction.set_rollback(True)
            self.undo.__exit__(None, None, None)

    def verdict(self, source: int, destination: int, amount: int) -> str:
        """Say what moving or holding ``amount`` must be answered with."""
        if source == destination:
            return "TXN_SAME_ACCOUNT"
        if self.posted[source] - self.out[source] < amount:
            return "TXN_INSUFFICIENT_FUNDS"
        if self.posted[destination] + self.coming[destination] + amount > CEILING:
            return "TXN_LIMIT_EXCEEDED"
        return "done"

    def shift(self, source: int, destination: int, amount: int) -> None:
        self.posted[source] -= amount
        self.posted[destination] += amount

    def reserve(self, hold: KnownHold, amount: int) -> None:
        self.out[hold.source] += amount
        self.coming[hold.destination] += amount

    @rule(target=sales, source=places, destination=places, amount=amounts)
    def post(self, source: int, destination: int, amount: int) -> Any:
        expected = self.verdict(source, destination, amount)
        draft = move(self.ids[source], self.ids[destination], amount)
        done = _tried(lambda: post(draft))
        assert _end(done) == expected
        if expected != "done":
            return multiple()
        self.shift(source, destination, amount)
        return Sale(source, destination, amount, done.id)

    @rule(moves=st.lists(st.tuples(places, places, amounts), min_size=1, max_size=6))
    def post_each(self, moves: list[tuple[int, int, int]]) -> None:
        expected = []
        for source, destination, amount in moves:
            expected.append(self.verdict(source, destination, amount))
            if expected[-1] == "done":
                self.shift(source, destination, amount)
        results = services.post_each(
            items=[Item(move(self.ids[s], self.ids[d], amount)) for s, d, amount in moves],
            ledger_id=selectors.get_ledger("main").pk,
            actor=SYSTEM,
        )
        assert [_end(result) for result in results] == expected

    @rule(moves=st.lists(st.tuples(places, places, amounts), min_size=1, max_size=4))
    def post_all_or_none(self, moves: list[tuple[int, int, int]]) -> None:
        before, expected = list(self.posted), "done"
        for source, destination, amount in moves:
            expected = self.verdict(source, destination, amount)
            if expected != "done":
                self.posted = before
                break
            self.shift(source, destination, amount)
        done = _tried(
            lambda: services.post_all_or_none(
                drafts=[move(self.ids[s], self.ids[d], amount) for s, d, amount in moves],
                ledger_id=selectors.get_ledger("main").pk,
                actor=SYSTEM,
            )
        )
        if any(source == destination for source, destination, _ in moves):
            # Seen before the accounts are, wherever it stands.
            expected, self.posted = "TXN_SAME_ACCOUNT", before
        assert _end(done) == expected

    @rule(target=holds, source=places, destination=places, amount=amounts)
    def hold(self, source: int, destination: int, amount: int) -> Any:
        expected = self.verdict(source, destination, amount)
        done = _tried(lambda: hold_on(self.ids[source], self.ids[destination], amount))
        assert _end(done) == expected
        if expected != "done":
            return multiple()
        hold = KnownHold(source, destination, amount, done)
        self.reserve(hold, amount)
        return hold

    @rule(target=sales, hold=holds, amount=amounts, is_final=st.booleans())
    def capture(self, hold: KnownHold, amount: int, is_final: bool) -> Any:
        expected = "done"
        if not hold.is_pending:
            expected = "HOLD_NOT_PENDING"
        elif amount > hold.left:
            expected = "HOLD_CAPTURE_EXCEEDED"
        done = _tried(lambda: capture(hold.row, amount, is_final=is_final))
        assert _end(done) == expected
        if expected != "done":
            return multiple()
        self.reserve(hold, -(hold.left if is_final else amount))
        self.shift(hold.source, hold.destination, amount)
        hold.left -= amount
        hold.is_pending = not is_final and hold.left > 0
        return Sale(hold.source, hold.destination, amount, done.id)

    @rule(hold=holds, is_expiry=st.booleans())
    def free(self, hold: KnownHold, is_expiry: bool) -> None:
        if is_expiry:
            Hold.objects.filter(pk=hold.row.pk).update(expires_at=hold.row.created_at)
            assert services.expire_holds() == hold.is_pending
        else:
            done = _tried(lambda: services.release_hold(hold_id=hold.row.pk, actor=SYSTEM))
            assert _end(done) == ("done" if hold.is_pending else "HOLD_NOT_PENDING")
        if hold.is_pending:
            self.reserve(hold, -hold.left)
            hold.is_pending = False

    @rule(sale=sales, amount=amounts)
    def give_back(self, sale: Sale, amount: int) -> None:
        expected = self.verdict(sale.destination, sale.source, amount)
        if amount > sale.left:
            expected = "TXN_REVERSAL_EXCEEDED"
        reversal = Reversal(reason="it came back", amounts_minor={0: amount})
        done = _tried(
            lambda: services.reverse_transaction(
                transaction_id=sale.id, reversal=reversal, actor=SYSTEM
            )
        )
        assert _end(done) == expected
        if expected == "done":
            self.shift(sale.destination, sale.source, amount)
            sale.left -= amount

    @rule(source=places, destination=places, amount=amounts, is_cancelled=st.booleans())
    def schedule(self, source: int, destination: int, amount: int, is_cancelled: bool) -> None:
        if source == destination:
            return
        planned = services.schedule_transaction(
            draft=move(self.ids[source], self.ids[destination], amount),
            ledger_id=selectors.get_ledger("main").pk,
            run_at=clock.now() + dt.timedelta(hours=1),
            actor=SYSTEM,
        )
        if is_cancelled:
            services.cancel_schedule(schedule_id=planned.pk, actor=SYSTEM)
        expected = self.verdict(source, destination, amount)
        Schedule.objects.filter(pk=planned.pk).update(run_at=clock.now())
        assert services.post_due() == (not is_cancelled)
        planned.refresh_from_db()
        if is_cancelled:
            assert planned.status == "cancelled"
        elif expected == "done":
            self.shift(source, destination, amount)
            assert planned.status == "posted"
        else:
            assert (planned.status, planned.failure_code) == ("failed", expected)

    @invariant()
    def both_agree(self) -> None:
        if not hasattr(self, "ids"):
            return
        self.steps[0] += 1
        rows = Balance.objects.in_bulk(self.ids, field_name="account_id")
        for number, account in enumerate(self.ids):
            row = rows[account]
            assert (row.posted, row.held_out, row.held_in) == (
                *(self.posted[number], self.out[number], self.coming[number]),
            )


def _tried(work) -> Any:
    try:
        return work()
    except DomainError as refusal:
        return refusal


def _end(result: object) -> str:
    return result.code if isinstance(result, DomainError) else "done"


@pytest.mark.django_db
@pytest.mark.long
@pytest.mark.parametrize("share", range(SHARES))
def test_ledger_and_integers_agree(ada: Person, share: int, pytestconfig: pytest.Config):
    steps = pytestconfig.getoption("--steps") // SHARES
    number = pytestconfig.getoption("--seed") or random.randrange(1, 2**32)
    print(f"\nrepeat with --seed={number}")  # noqa: T201 - the only way to the same run
    done = [0]
    machine = type("Money", (Money,), {"owner": ada, "steps": done})
    for part in itertools.count():
        # Some runs end before their last step; others make up for them.
        left = steps - done[0]
        if left <= 0:
            break
        run_state_machine_as_test(
            seed(f"{number}/{share}/{part}")(machine),
            settings=settings(
                max_examples=-(-left // STEPS_A_RUN) + 1,
                stateful_step_count=STEPS_A_RUN,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    print(f"{done[0]} steps")  # noqa: T201 - as above
