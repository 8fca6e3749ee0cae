"""A balance over time as the geometry of a small SVG: no script draws it, no style is inline."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from typing import Final

WIDTH: Final = 960
HEIGHT: Final = 240
MARGIN: Final = 24


@dataclasses.dataclass(frozen=True, slots=True)
class Chart:
    """Where the line runs, where zero is (``None``: outside), and what the edges stand for."""

    points: str
    zero_y: int | None
    lowest: int
    highest: int
    since: dt.datetime
    until: dt.datetime
    width: int = WIDTH
    height: int = HEIGHT
    margin: int = MARGIN
    right: int = WIDTH - MARGIN
    bottom: int = HEIGHT - MARGIN


def balance_chart(opening: int, balances: Sequence[tuple[dt.datetime, int]]) -> Chart | None:
    """Return the steps of a balance from ``opening`` on; ``None`` when nothing moved.

    Each balance holds from its instant until the next. Whole numbers only, also for money.
    """
    if not balances:
        return None
    since, until = balances[0][0], balances[-1][0]
    amounts = [opening, *(amount for _, amount in balances)]
    lowest, highest = min(amounts), max(amounts)

    def x(at: dt.datetime) -> int:
        return MARGIN + _scaled(_us(at - since), _us(until - since), WIDTH - 2 * MARGIN)

    def y(amount: int) -> int:
        return HEIGHT - MARGIN - _scaled(amount - lowest, highest - lowest, HEIGHT - 2 * MARGIN)

    corners = [(MARGIN, y(opening))]
    for at, amount in balances:
        corners += [(x(at), corners[-1][1]), (x(at), y(amount))]
    corners.append((WIDTH - MARGIN, corners[-1][1]))
    return Chart(
        points=" ".join(f"{left},{top}" for left, top in corners),
        zero_y=y(0) if lowest < 0 < highest else None,
        lowest=lowest,
        highest=highest,
        since=since,
        until=until,
    )


def _scaled(part: int, whole: int, length: int) -> int:
    return part * length // whole if whole else length


def _us(span: dt.timedelta) -> int:
    return span // dt.timedelta(microseconds=1)
