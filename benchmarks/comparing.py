"""Measuring sides in turn, A/B/A/B, so that what else the machine does hits all of them."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Callable, Mapping

from typing_extensions import override

Side = Callable[[], float]


@dataclasses.dataclass(frozen=True)
class Figures:
    """What one side reached in each round."""

    values: list[float]

    @property
    def median(self) -> float:
        """The middle."""
        return statistics.median(self.values)

    @override
    def __str__(self) -> str:
        """Return the median with the smallest and largest."""
        return f"{self.median:,.0f} ({min(self.values):,.0f} to {max(self.values):,.0f})"


def compared(sides: Mapping[str, Side], *, rounds: int) -> dict[str, Figures]:
    """Return the figures of each side, measured in turn after one round to warm up."""
    values: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds + 1):
        names = list(sides)
        if number % 2:
            names.reverse()
        for name in names:
            figure = sides[name]()
            if number:
                values[name].append(figure)
    return {name: Figures(found) for name, found in values.items()}


def ratio(figures: Mapping[str, Figures], ours: str, limit: str) -> float:
    """Return the median of the rounds' ratios: neighbours in time are compared."""
    pairs = zip(figures[ours].values, figures[limit].values, strict=True)
    return statistics.median(one / other for one, other in pairs)
