"""Run the benchmarks and write what was reached: ``python -m benchmarks [sessions posting ...]``.

``--check`` ends with 1 when a ratio falls below its floor, and writes nothing. ``--granian`` asks
granian instead of gunicorn, and says so in the rows.
"""

from __future__ import annotations

import argparse
import sys

from benchmarks import (
    charts,
    crowd,
    memory,
    posting,
    results,
    servers,
    sessions,
    starting,
    trail,
    volume,
)
from benchmarks.serving import served

BENCHMARKS = {
    "sessions": sessions.run,
    "posting": posting.run,
    "volume": volume.run,
    "memory": memory.run,
    "starting": starting.run,
    "crowd": crowd.run,
    "servers": servers.run,
    "trail": trail.run,
}
# Settings that one of them needs to be other than the others'.
CHANGES = {"crowd": crowd.CHANGES}


def main() -> int:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.5, help="For each side of each round.")
    parser.add_argument("--check", action="store_true", help="Only compare with the floors.")
    parser.add_argument("--granian", action="store_true", help="Behind granian, not gunicorn.")
    asked = parser.parse_args()
    unknown = set(asked.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    rows = []
    for name in asked.names or BENCHMARKS:
        with (
            served(changes=CHANGES.get(name)) as service,
            servers.chosen(service, granian=asked.granian) as behind,
        ):
            rows += BENCHMARKS[name](behind, rounds=asked.rounds, seconds=asked.seconds)
    if asked.granian:
        rows = [servers.of_granian(row) for row in rows]
    for row in rows:
        sys.stdout.write(
            f"{row.goal}  {row.what}: {row.reached:.2f} {row.unit}, wanted {row.wanted}"
            f"  [{row.figures}]\n"
        )
    broken = [row for row in rows if row.breaks_floor]
    for row in broken:
        sys.stderr.write(f"{row.goal} {row.what}: {row.reached:.2f} is below {row.floor}.\n")
    if not asked.check:
        results.keep(rows)
        charts.draw()
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
