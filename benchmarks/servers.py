"""The same service behind granian instead of gunicorn: in turn here, or for any benchmark.

granian comes from PyPI into ``var/granian``. It runs without what config/gunicorn.py adds: no
draining, no answers to what cannot be parsed.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks import load, posting
from benchmarks.comparing import Figures, Side, compared, ratio
from benchmarks.peers.environments import installed
from benchmarks.results import Row
from benchmarks.serving import ROOT, THREADS, WORKERS, Served
from tests.ready import await_ready, free_port

COMMAND = "python -m benchmarks servers"
CLIENTS = 16
PATHS = {
    "a view that does nothing": "/api/v1/benchmarks/nothing/",
    "P1's view": "/api/v1/benchmarks/known/",
}
ONE, BULK = "one transaction", "transfers in bulks of 1,000"


def run(served: Served, *, rounds: int, seconds: float) -> list[Row]:
    """Measure both."""
    with _granian(served) as beside:
        behind = {"gunicorn": served, "granian": beside}
        sides: dict[str, Side] = {}
        for server, at in behind.items():
            for name, path in PATHS.items():
                sides[f"{server} {name}"] = _asking(at, path, seconds)
            sides[f"{server} {ONE}"] = posting.singles(at, seconds, hot=False)
            sides[f"{server} {BULK}"] = posting.bulks(at, seconds, hot=False, atomic=True)
        found = compared(sides, rounds=rounds)
        cpu = {
            name: (beside if name.startswith("granian") else served).cpu_us_each(
                side, seconds=seconds
            )
            for name, side in sides.items()
        }
    goals = {**dict.fromkeys(PATHS, "P1"), ONE: "P3", BULK: "P4"}
    return [_row(goal, name, found, cpu) for name, goal in goals.items()]


def _row(goal: str, name: str, found: dict[str, Figures], cpu: dict[str, float]) -> Row:
    ours, other = f"gunicorn {name}", f"granian {name}"
    return Row(
        goal=goal,
        what=f"{name}: granian : gunicorn",
        wanted="reported",
        reached=ratio(found, other, ours),
        is_met=True,
        figures=f"{found[other]} : {found[ours]} a second; "
        f"processor {cpu[other]:,.0f} : {cpu[ours]:,.0f} us each",
        command=COMMAND,
    )


def _asking(at: Served, path: str, seconds: float) -> Side:
    asked = load.request(at, "GET", path)
    return lambda: load.rate(at, lambda _: asked, clients=CLIENTS, seconds=seconds, expect=200)


@contextlib.contextmanager
def chosen(served: Served, *, granian: bool) -> Iterator[Served]:
    """Return what is served behind granian, or else what is served anyway."""
    if not granian:
        yield served
        return
    with _granian(served) as behind:
        yield behind


def of_granian(row: Row) -> Row:
    """Say in ``row`` that it is of granian."""
    command = f"{row.command} --granian"
    return dataclasses.replace(row, what=f"{row.what}, behind granian", command=command)


@contextlib.contextmanager
def _granian(served: Served) -> Iterator[Served]:
    """Serve the same world behind granian, too."""
    port, place = free_port(), ROOT / "var" / "granian"
    environment, command = behind_granian(served.environment, port, "config.wsgi:application")
    log, metrics = place / "granian.log", place / "metrics"
    metrics.mkdir(exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *command],
            env={**environment, "PROMETHEUS_MULTIPROC_DIR": str(metrics)},
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        await_ready(f"http://127.0.0.1:{port}", process, log)
        yield dataclasses.replace(served, port=port, pid=process.pid)
    finally:
        process.terminate()
        process.wait(40)


def behind_granian(
    environment: Mapping[str, str], port: int, application: str
) -> tuple[dict[str, str], list[str]]:
    """Return environment and arguments of a Python that serves ``application`` by granian."""
    place = ROOT / "var" / "granian"
    installed(place, Path(__file__).parent / "granian.txt")
    (packages,) = place.glob("lib/python*/site-packages")
    command = ["-m", "granian", "--interface", "wsgi", "--no-log"]
    command += ["--workers", str(WORKERS), "--blocking-threads", str(THREADS)]
    command += ["--host", "127.0.0.1", "--port", str(port), application]
    return {**environment, "PYTHONPATH": os.pathsep.join([str(ROOT), str(packages)])}, command
