"""Drawing what was reached: ``python -m benchmarks.charts`` makes docs/charts from figures.json.

One chart for each goal that has a number: a bar for each row, as long as the share of the goal
that was reached, and a line where the goal is. ``--check`` ends with 1 when a chart is stale.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import defaultdict
from html import escape
from pathlib import Path
from typing import Any

from benchmarks.results import FIGURES

FOLDER = Path(__file__).parent.parent / "docs" / "charts"
ROW_HEIGHT, BAR_HEIGHT, MARGIN, LABEL_WIDTH, GOAL_WIDTH = 44, 14, 16, 16, 360
# Bars end here; the number beside them says the rest.
SHARE_MAX = 1.5
_NUMBER = re.compile(r"(>=|<=) ([\d,]+(?:\.\d+)?)(%?)")


def share_of(row: dict[str, Any]) -> float | None:
    """Return how much of its goal a row reached: 1 is all of it; ``None`` without a number."""
    found = _NUMBER.match(row["wanted"])
    if found is None or not row["reached"]:
        return None
    wanted = float(found[2].replace(",", "")) / (100 if found[3] else 1)
    reached = float(row["reached"])
    return reached / wanted if found[1] == ">=" else wanted / reached


def chart(goal: str, rows: list[dict[str, Any]]) -> str:
    """Return the chart of one goal as SVG."""
    goal_x = LABEL_WIDTH + GOAL_WIDTH
    width = int(LABEL_WIDTH + GOAL_WIDTH * SHARE_MAX + 150)
    height = MARGIN * 2 + ROW_HEIGHT * len(rows)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" '
        f'font-family="sans-serif" font-size="12">',
        f"<title>{goal}: share of the goal that was reached</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for number, row in enumerate(rows):
        share = share_of(row) or 0.0
        y = MARGIN + number * ROW_HEIGHT
        length = round(min(share, SHARE_MAX) * GOAL_WIDTH, 1)
        colour = "#2e7d32" if row["is_met"] else "#b26a00"
        reached = f"{row['reached']:,.2f} {row['unit']}, wanted {row['wanted']}"
        parts += [
            f'<text x="{LABEL_WIDTH}" y="{y + 12}" fill="#222222">{escape(row["what"])}</text>',
            f'<rect x="{LABEL_WIDTH}" y="{y + 18}" width="{length}" height="{BAR_HEIGHT}" '
            f'fill="{colour}"/>',
            f'<text x="{max(LABEL_WIDTH + length, goal_x) + 6}" y="{y + 30}" fill="#444444">'
            f"{escape(reached)}</text>",
        ]
    parts += [
        f'<line x1="{goal_x}" y1="{MARGIN}" x2="{goal_x}" y2="{height - MARGIN}" '
        'stroke="#222222" stroke-dasharray="3 3"/>',
        "</svg>",
        "",
    ]
    return "\n".join(parts)


def charts() -> dict[str, str]:
    """Return every chart by the name of its file."""
    by_goal: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in json.loads(FIGURES.read_text()).values():
        if share_of(row) is not None:
            by_goal[row["goal"]].append(row)
    return {f"{goal}.svg": chart(goal, rows) for goal, rows in by_goal.items()}


def stale() -> list[str]:
    """Return the names of the charts that do not show what was reached, or should not be there."""
    made = charts()
    there = {path.name: path.read_text() for path in FOLDER.glob("*.svg")}
    return sorted(name for name in made.keys() | there.keys() if made.get(name) != there.get(name))


def draw() -> None:
    """Write the charts, and remove those of goals without rows."""
    FOLDER.mkdir(exist_ok=True)
    made = charts()
    for path in FOLDER.glob("*.svg"):
        if path.name not in made:
            path.unlink()
    for name, text in made.items():
        (FOLDER / name).write_text(text)


def main() -> int:
    """Draw, or check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="Change nothing; fail if stale.")
    if not parser.parse_args().check:
        draw()
        return 0
    if old := stale():
        sys.stderr.write(f"Run python -m benchmarks.charts, these are stale: {', '.join(old)}.\n")
    return 1 if old else 0


if __name__ == "__main__":
    sys.exit(main())
