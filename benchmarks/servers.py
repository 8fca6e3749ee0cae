"""The same service behind granian instead of gunicorn, each for every row of P1 and P2.

granian comes from PyPI into ``var/granian``. It runs without what config/gunicorn.py adds: no
draining, no answers to what cannot be parsed.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks import load
from benchmarks.comparing import Side, compared, ratio
from benchmarks.peers.environments import installed
from benchmarks.results import Row
from benchmarks.serving import ROOT, THREADS, WORKERS, Served
from tests.ready import await_ready, free_port

COMMAND = "python -m benchmarks servers"
CLIENTS = 16
PATHS = {"a view that does nothing": "/benchmarks/nothing/", "P1's view": "/benchmarks/known/"}


def run(served: Served, *, rounds: int, seconds: float) -> list[Row]:
    """Measure both."""
    sides: dict[str, Side] = {}
    with _granian(served) as port:
        for name, path in PATHS.items():
            asked = load.request(served, "GET", path)
            sides[f"gunicorn {name}"] = _asking(served.port, asked, seconds)
            sides[f"granian {name}"] = _asking(port, asked, seconds)
        found = compared(sides, rounds=rounds)
    rows = []
    for name in PATHS:
        ours, other = f"gunicorn {name}", f"granian {name}"
        rows.append(
            Row(
                goal="P1",
                what=f"{name}: granian : gunicorn",
                wanted="reported",
                reached=ratio(found, other, ours),
                is_met=True,
                figures=f"{found[other]} : {found[ours]} a second",
                command=COMMAND,
            )
        )
    return rows


def _asking(port: int, asked: bytes, seconds: float) -> Side:
    return lambda: load.rate_at(
        ("127.0.0.1", port), lambda _: asked, clients=CLIENTS, seconds=seconds, expect=200
    )


@contextlib.contextmanager
def _granian(served: Served) -> Iterator[int]:
    place = ROOT / "var" / "granian"
    installed(place, Path(__file__).parent / "granian.txt")
    (packages,) = place.glob("lib/python*/site-packages")
    port, log = free_port(), place / "granian.log"
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--no-log"]
    command += ["--workers", str(WORKERS), "--blocking-threads", str(THREADS)]
    command += ["--host", "127.0.0.1", "--port", str(port), "config.wsgi:application"]
    metrics = place / "metrics"
    metrics.mkdir(exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env={
                **served.environment,
                "PYTHONPATH": os.pathsep.join([str(ROOT), str(packages)]),
                "PROMETHEUS_MULTIPROC_DIR": str(metrics),
            },
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        await_ready(f"http://127.0.0.1:{port}", process, log)
        yield port
    finally:
        process.terminate()
        process.wait(40)
