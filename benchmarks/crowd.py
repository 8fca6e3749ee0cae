"""P10 and P11: a thousand clients through nginx, and what a storm of logins does to the others."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from http import HTTPStatus
from typing import Final

from benchmarks import load
from benchmarks.results import Row
from benchmarks.serving import ROOT, Served

COMMAND = "python -m benchmarks crowd"
CLIENTS, CROWD_S = 1_000, 60.0
LOGINS, ASKED, SLOWER_MAX, GROWN_MIB_MAX = 50, 60, 2.0, 200
# What the service needs beyond the others' settings: a name for nginx, and room for many guesses.
CHANGES: Final = {
    "ALLOWED_HOSTS": "strongroom.test,127.0.0.1",
    "TRUSTED_PROXY_COUNT": "1",
    "GUESSES_PER_ACCOUNT_MAX": "100000",
    "GUESSES_PER_ADDRESS_MAX": "100000",
}


def run(served: Served, *, rounds: int, seconds: float) -> list[Row]:  # noqa: ARG001 - as the others are called
    """Measure both."""
    return [*_stormed(served), _crowded(served)]


def _stormed(served: Served) -> list[Row]:
    """Let fifty people log in at once, again and again, while somebody asks for little."""
    body = json.dumps({"email": "ada@example.org", "password": served.password}).encode()
    login = load.request(served, "POST", "/api/v1/auth/login/", body)
    login = b"\r\n".join(line for line in login.split(b"\r\n") if b"Authorization" not in line)
    place = (served.host, served.port)
    idle_ms, before = _p95_ms(served), served.worker_rss_mib()
    is_over = threading.Event()

    def storm() -> None:
        while not is_over.is_set():
            answer = json.loads(load.answered_at(place, login, expect=(200, 503)))
            if answer.get("status") == HTTPStatus.SERVICE_UNAVAILABLE:
                # What Retry-After asks for.
                is_over.wait(1)

    threads = [threading.Thread(target=storm) for _ in range(LOGINS)]
    for thread in threads:
        thread.start()
    stormy_ms = _p95_ms(served)
    grown = served.worker_rss_mib() - before
    is_over.set()
    for thread in threads:
        thread.join()
    return [
        Row(
            goal="P11",
            what=f"p95 of a small request beside {LOGINS} logins at a time : idle",
            wanted=f"<= {SLOWER_MAX} x",
            reached=stormy_ms / idle_ms,
            is_met=stormy_ms <= SLOWER_MAX * idle_ms,
            figures=f"{stormy_ms:.0f} : {idle_ms:.0f} ms",
            command=COMMAND,
        ),
        Row(
            goal="P11",
            what="what the largest worker grew by in the storm",
            wanted=f"<= {GROWN_MIB_MAX} MiB",
            reached=grown,
            unit="MiB",
            is_met=grown <= GROWN_MIB_MAX,
            figures=f"{before:.0f} MiB before",
            command=COMMAND,
        ),
    ]


def _p95_ms(served: Served) -> float:
    asked = load.request(served, "GET", "/api/v1/benchmarks/known/")
    took = []
    for _ in range(ASKED):
        started = time.monotonic()
        load.answered(served, asked, expect=200)
        took.append((time.monotonic() - started) * 1_000)
    return statistics.quantiles(took, n=20)[18]


def _crowded(served: Served) -> Row:
    """Keep a thousand connections alive for a minute, from ten addresses, each posting money."""
    before = _balances(served)
    facts = {
        "service": f"{served.host}:{served.port}",
        "token": served.token,
        "accounts": served.accounts[:2],
    }
    seen: dict[str, int] = {}

    def crowd() -> float:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.crowd_clients", str(CLIENTS), str(CROWD_S)],
            cwd=ROOT,
            env={**served.environment, "LOG_STREAM": "stderr"},
            input=json.dumps(facts).encode(),
            stdout=subprocess.PIPE,
            check=True,
        )
        seen.update(json.loads(done.stdout))
        return sum(seen.values())

    cpu_us = served.cpu_us_each(crowd, seconds=1)
    bad = sum(count for kind, count in seen.items() if kind not in {"201", "429", "503"})
    moved, posted = _balances(served) - before, seen.get("201", 0)
    return Row(
        goal="P10",
        what=f"{CLIENTS:,} kept-alive clients through nginx for {CROWD_S:.0f} s: "
        "resets, faults and money lost",
        wanted="0",
        reached=float(bad + abs(moved - posted)),
        unit="",
        is_met=bad == 0 and moved == posted,
        figures=", ".join(f"{kind}: {count:,}" for kind, count in sorted(seen.items()))
        + f"; processor {cpu_us:,.0f} us each",
        command=COMMAND,
    )


def _balances(served: Served) -> int:
    asked = urllib.request.Request(
        f"http://{served.host}:{served.port}/api/v1/ledger-accounts/{served.accounts[0]}/balance/",
        headers={"Authorization": f"Bearer {served.token}"},
    )
    with urllib.request.urlopen(asked, timeout=60) as answer:
        posted: int = json.load(answer)["posted"]
        return posted
