"""What money does, counted by asset once it is committed: for alerts and people who watch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from django.db import transaction

from core import metrics

POSTED: Final = "posted"
REVERSED: Final = "reversed"
HELD: Final = "held"
CAPTURED: Final = "captured"
_MOVES_MONEY: Final = frozenset({POSTED, REVERSED, CAPTURED})

# The asset of each leg, and how many minor units.
Legs = Sequence[tuple[str, int]]


def count(state: str, each: Iterable[Legs]) -> None:
    """Count transactions, or holds, once this transaction commits; one of two assets in both.

    Assets are rows that staff made, never a caller's words, so that series stay few.
    """
    times: Counter[str] = Counter()
    amounts: Counter[str] = Counter()
    for legs in each:
        times.update({asset for asset, _ in legs})
        for asset, amount_minor in legs:
            amounts[asset] += amount_minor

    def tell() -> None:
        for asset, number in times.items():
            metrics.TRANSACTIONS.labels(asset=asset, state=state).inc(number)
            if state in _MOVES_MONEY:
                metrics.MONEY_MOVED.labels(asset=asset).inc(amounts[asset])

    transaction.on_commit(tell)
