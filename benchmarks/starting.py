"""P9: how long ``make run`` takes to its first answer, in a fresh clone and once more."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from benchmarks.results import Row
from benchmarks.serving import ROOT, Served
from tests.ready import free_port

COMMAND = "python -m benchmarks starting"
GIVEN_UP_AFTER_S = 300
COLD_S, WARM_S = 60, 5


def run(_served: Served, *, rounds: int, seconds: float) -> list[Row]:  # noqa: ARG001 - as others are called
    """Start a clone of the last commit without anything, then ``rounds`` times with everything.

    ``seconds`` says nothing here. Needs the package registry.
    """
    with tempfile.TemporaryDirectory(prefix="strongroom-start-") as folder:
        place = Path(folder) / "strongroom"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(place)], check=True)
        cold_s = _until_ready_s(place)
        warm_s = sorted(_until_ready_s(place) for _ in range(rounds))
    middle_s = warm_s[len(warm_s) // 2]
    return [
        _row("make run in a fresh clone, everything to be installed", cold_s, COLD_S, "one run"),
        _row("make run once installed", middle_s, WARM_S, f"{warm_s[0]:.1f} to {warm_s[-1]:.1f} s"),
    ]


def _row(what: str, reached_s: float, wanted_s: int, figures: str) -> Row:
    return Row(
        goal="P9",
        what=f"{what}: seconds to the first 200",
        wanted=f"<= {wanted_s} s",
        reached=reached_s,
        unit="s",
        figures=figures,
        is_met=reached_s <= wanted_s,
        command=COMMAND,
    )


def _until_ready_s(place: Path) -> float:
    port = free_port()
    url = f"http://127.0.0.1:{port}/health/ready"
    own = {"PORT": str(port), "PIP_NO_CACHE_DIR": "1", "VIRTUAL_ENV": ""}
    kept = {name: os.environ[name] for name in os.environ if name.startswith(("PIP_", "LANG"))}
    environment = {"PATH": os.environ["PATH"], "HOME": str(place.parent), **kept, **own}
    began = time.monotonic()
    process = subprocess.Popen(
        ["make", "run"],
        cwd=place,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        while not _answers(url):
            if process.poll() is not None or time.monotonic() - began > GIVEN_UP_AFTER_S:
                raise RuntimeError("make run did not come up")
            time.sleep(0.02)
        return time.monotonic() - began
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
