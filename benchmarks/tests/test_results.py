"""What a benchmark reached: written beside the others' rows, and told when it is far too little."""

from __future__ import annotations

import dataclasses
import json

import pytest

from benchmarks import results
from benchmarks.comparing import compared, ratio
from benchmarks.limits import LIMITS
from benchmarks.results import Row

ROW = Row(
    goal="P3",
    what="one",
    wanted=">= 0.5 x",
    reached=0.61,
    figures="6 : 10",
    is_met=True,
    command="make bench",
    floor=0.2,
)


@pytest.fixture
def book(tmp_path, monkeypatch):
    """Results of our own."""
    monkeypatch.setattr(results, "RESULTS", tmp_path / "RESULTS.md")
    monkeypatch.setattr(results, "FIGURES", tmp_path / "figures.json")
    results.RESULTS.write_text(f"before\n{results.BEGIN}\nold\n{results.END}\nafter\n")
    return results.RESULTS


def test_each_benchmark_writes_its_own_rows(book):
    other = dataclasses.replace(ROW, goal="P10", what="two", reached=3.0, is_met=False)
    results.keep([other])
    results.keep([ROW])
    results.keep([dataclasses.replace(ROW, reached=0.7)])
    text = book.read_text()
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    lines = [line for line in text.splitlines() if line.startswith("| P") and line.count("|") > 3]
    assert [line.split(" | ")[:2] for line in lines] == [["| P3", "one"], ["| P10", "two"]]
    assert "0.70 x | yes" in lines[0]
    assert "3.00 x | no" in lines[1]
    assert "old" not in text
    told = [line for line in text.splitlines() if line.startswith("| P10 two | ")]
    assert told == [f"| P10 two | {LIMITS['P10']} |"]


def test_whatever_goal_is_missed_its_limit_is_told():
    rows = json.loads(results.FIGURES.read_text()).values()
    assert {row["goal"] for row in rows} | {"A1", "A2"} <= set(LIMITS)


def test_only_a_ratio_below_its_floor_is_an_error():
    assert not ROW.breaks_floor
    assert dataclasses.replace(ROW, reached=0.19).breaks_floor
    assert not dataclasses.replace(ROW, reached=0.0, floor=None).breaks_floor


def test_sides_are_measured_in_turn_and_neighbours_compared():
    order: list[str] = []

    def side(name: str, figure: float):
        def measure() -> float:
            order.append(name)
            return figure * len(order)

        return measure

    found = compared({"ours": side("ours", 1), "limit": side("limit", 2)}, rounds=2)
    assert order == ["ours", "limit", "limit", "ours", "ours", "limit"]
    assert found["ours"].values == [4, 5]
    assert ratio(found, "ours", "limit") == pytest.approx((4 / 6 + 5 / 12) / 2)
