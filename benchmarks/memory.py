"""P9: what a worker holds after many requests, and whether that grows."""

from __future__ import annotations

from benchmarks import load
from benchmarks.results import Row
from benchmarks.serving import Served

COMMAND = "python -m benchmarks memory"
CLIENTS, REQUESTS, PARTS = 16, 50_000, 5
RSS_MIB_MAX, SLOPE_MIB_MAX = 120, 1.0


def run(served: Served, *, rounds: int, seconds: float) -> list[Row]:  # noqa: ARG001 - as the others are called
    """Measure it."""
    asked = load.request(served, "GET", "/api/v1/ledger-accounts/?limit=5")
    held: list[float] = []
    part = REQUESTS // PARTS

    def ask() -> float:
        for _ in range(PARTS):
            load.many(served, asked, clients=CLIENTS, count=part, expect=200)
            held.append(served.worker_rss_mib())
        return REQUESTS

    cpu_us = served.cpu_us_each(ask, seconds=1)
    # What is warm by the first part is not counted as growth.
    slope = (held[-1] - held[0]) / ((PARTS - 1) * part / 10_000)
    figures = ", ".join(f"{mib:.0f}" for mib in held) + f"; processor {cpu_us:,.0f} us each"
    return [
        Row(
            goal="P9",
            what=f"resident memory of a worker after {REQUESTS:,} requests",
            wanted=f"<= {RSS_MIB_MAX} MiB",
            reached=held[-1],
            unit="MiB",
            is_met=held[-1] <= RSS_MIB_MAX,
            figures=figures,
            command=COMMAND,
        ),
        Row(
            goal="P9",
            what="growth for each 10,000 requests once warm",
            wanted="about 0",
            reached=slope,
            unit="MiB",
            is_met=slope <= SLOPE_MIB_MAX,
            figures=figures,
            command=COMMAND,
        ),
    ]
