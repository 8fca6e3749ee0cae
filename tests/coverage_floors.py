"""Fail when an app's services are covered less than promised: ``... coverage.json``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

BRANCH_FLOOR_PERCENT = 90


def main(report: str) -> int:
    """Print the branch coverage of every services module; 1 when one is below the floor."""
    files = json.loads(Path(report).read_text())["files"]
    failed = 0
    services = {
        name: entry["summary"]
        for name, entry in files.items()
        if "/services" in name and "/tests/" not in name
    }
    for name, summary in sorted(services.items()):
        total = summary["num_statements"] + summary["num_branches"]
        covered = summary["covered_lines"] + summary["covered_branches"]
        percent = 100 * covered / total if total else 100.0
        mark = "ok" if percent >= BRANCH_FLOOR_PERCENT else f"below {BRANCH_FLOOR_PERCENT} %"
        failed += mark != "ok"
        sys.stdout.write(f"{percent:6.1f} %  {name}  {mark}\n")
    return 1 if failed or not services else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
