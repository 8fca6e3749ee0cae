"""Numbers over time as the geometry of small SVGs: no script draws them, no style is inline."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final

WIDTH: Final = 720
HEIGHT: Final = 160
BASE: Final = HEIGHT - 4


@dataclasses.dataclass(frozen=True, slots=True)
class Bar:
    """One step: where its column stands, how high it is, and what it says when pointed at."""

    x: float
    y: float
    height: float
    failed_y: float
    failed_height: float
    width: float
    about: str


@dataclasses.dataclass(frozen=True, slots=True)
class Chart:
    """Columns up to ``highest``, which is the number at the upper edge."""

    bars: list[Bar]
    highest: float
    first: str
    last: str
    width: int = WIDTH
    height: int = HEIGHT
    base: int = BASE


def requests_chart(steps: Sequence[Mapping[str, Any]]) -> Chart:
    """Return the answers of each step, failures as a part of them."""
    return _chart(steps, "requests", "failures", "{requests} requests, {failures} failed")


def latency_chart(steps: Sequence[Mapping[str, Any]]) -> Chart:
    """Return the p95 of each step."""
    return _chart(steps, "p95_ms", None, "p95 {p95_ms} ms")


def _chart(steps: Sequence[Mapping[str, Any]], value: str, part: str | None, about: str) -> Chart:
    highest = max((step[value] or 0 for step in steps), default=0)
    width = WIDTH / max(1, len(steps))

    def height(number: float | None) -> float:
        return round((number or 0) / highest * (BASE - 4), 2) if highest else 0.0

    bars = [
        Bar(
            x=round(place * width, 2),
            y=round(BASE - height(step[value]), 2),
            height=height(step[value]),
            failed_y=round(BASE - height(step[part] if part else 0), 2),
            failed_height=height(step[part] if part else 0),
            width=round(width * 0.8, 2),
            about=f"{step['at'][11:16]} " + about.format(**step),
        )
        for place, step in enumerate(steps)
        if step[value]
    ]
    return Chart(bars, highest, steps[0]["at"][11:16], steps[-1]["at"][11:16])
