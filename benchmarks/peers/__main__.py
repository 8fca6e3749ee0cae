"""P1 and P3 against what others use: ``python -m benchmarks.peers [sessions ledgers]``.

Each peer is installed from PyPI into ``var/peers`` and served by gunicorn with our number of
processes and threads, on our PostgreSQL and Valkey, all of them at the same time as we are.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import random
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
from psycopg import sql

from benchmarks import charts, load, posting, results, servers
from benchmarks.comparing import Figures, Side, compared, ratio
from benchmarks.peers.environments import installed
from benchmarks.results import Row
from benchmarks.serving import ROOT, THREADS, WORKERS, Served, cpu_us_each, served
from core.embedded.postgres import OWNER_ROLE, SUPERUSER
from tests.ready import free_port

PLACE = ROOT / "var" / "peers"
COMMAND = "python -m benchmarks.peers"
CLIENTS, READY_TIMEOUT_S = 16, 30
# How many times as fast as each peer an authenticated GET has to be.
WANTED = {
    "knox": 5.0,
    "allauth headless": 5.0,
    "simplejwt, user looked up": 1.5,
    "simplejwt, stateless": 1.0,
    "Django sessions": 1.0,
}


LEDGERS_WANTED = {"ORM statements": 5.0, "django-hordak": 5.0, "django-ledger": 5.0}
POSTING_CLIENTS = 8


def main() -> int:
    """Measure, and write what was reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="sessions, ledgers")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--granian", action="store_true", help="Behind granian, not gunicorn.")
    asked = parser.parse_args()
    python = installed(PLACE, Path(__file__).parent / "requirements.txt")
    rows = []
    for name, measure in {"sessions": _sessions, "ledgers": _ledgers}.items():
        if name in (asked.names or [name]):
            with served() as service, servers.chosen(service, granian=asked.granian) as ours:
                peers = Peers(ours, python, granian=asked.granian)
                rows += measure(peers, rounds=asked.rounds, seconds=asked.seconds)
    if asked.granian:
        rows = [servers.of_granian(row) for row in rows]
    for row in rows:
        sys.stdout.write(f"{row.what}: {row.reached:.2f} x, wanted {row.wanted}  [{row.figures}]\n")
    results.keep(rows)
    charts.draw()
    return 0


@dataclasses.dataclass(frozen=True)
class Peers:
    """Where the peers are served: beside ``service``, by their own Python."""

    service: Served
    python: Path
    granian: bool


def _sessions(peers: Peers, *, rounds: int, seconds: float) -> list[Row]:
    """Ask who is calling, of each in turn."""
    service = peers.service
    with contextlib.ExitStack() as stack:
        ours = load.request(service, "GET", "/api/v1/benchmarks/known/")
        sides: dict[str, Side] = {"ours": _asking(service.port, ours, seconds)}
        pids = {"ours": service.pid}
        for number, peer in enumerate(WANTED):
            port, proof, pids[peer] = stack.enter_context(_peer(peers, peer, number))
            lines = ("GET /known/ HTTP/1.1", f"Host: 127.0.0.1:{port}", proof, "", "")
            sides[peer] = _asking(port, "\r\n".join(lines).encode(), seconds)
        found = compared(sides, rounds=rounds)
        cpu = {name: cpu_us_each(pids[name], sides[name], seconds=seconds) for name in sides}
    return [
        _row("P1", f"authenticated GET, revocable session : {peer}", wanted, found, cpu, peer)
        for peer, wanted in WANTED.items()
    ]


def _ledgers(peers: Peers, *, rounds: int, seconds: float) -> list[Row]:
    """Post single transactions, with each in turn."""
    service = peers.service
    with contextlib.ExitStack() as stack:
        sides: dict[str, Side] = {"ours": posting.singles(service, seconds, hot=False)}
        pids = {"ours": service.pid}
        for number, peer in enumerate(LEDGERS_WANTED):
            port, proof, pids[peer] = stack.enter_context(_peer(peers, peer, number))
            sides[peer] = _posting(port, proof, seconds)
        found = compared(sides, rounds=rounds)
        cpu = {name: cpu_us_each(pids[name], sides[name], seconds=seconds) for name in sides}
    what = "one transaction over HTTP : {} behind the same server"
    return [
        _row("P3", what.format(peer), wanted, found, cpu, peer)
        for peer, wanted in LEDGERS_WANTED.items()
    ]


def _row(
    goal: str,
    what: str,
    wanted: float,
    found: dict[str, Figures],
    cpu: dict[str, float],
    peer: str,
) -> Row:
    reached = ratio(found, "ours", peer)
    return Row(
        goal=goal,
        what=what,
        wanted=f">= {wanted} x",
        reached=reached,
        is_met=reached >= wanted,
        figures=f"{found['ours']} : {found[peer]} a second; "
        f"processor {cpu['ours']:,.0f} : {cpu[peer]:,.0f} us each",
        command=COMMAND,
    )


def _posting(port: int, proof: str, seconds: float) -> Side:
    def make(_number: int) -> bytes:
        source, destination = random.sample(range(1, 200), 2)
        body = json.dumps({"source": source, "destination": destination, "amount": 1})
        lines = (
            "POST /transactions/ HTTP/1.1",
            f"Host: 127.0.0.1:{port}",
            proof,
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            f"Idempotency-Key: {uuid.uuid4().hex}",
            "",
            body,
        )
        return "\r\n".join(lines).encode()

    place = ("127.0.0.1", port)
    return lambda: load.rate_at(place, make, clients=POSTING_CLIENTS, seconds=seconds, expect=201)


def _asking(port: int, asked: bytes, seconds: float) -> Side:
    return lambda: load.rate_at(
        ("127.0.0.1", port), lambda _: asked, clients=CLIENTS, seconds=seconds, expect=200
    )


@contextlib.contextmanager
def _peer(peers: Peers, peer: str, number: int) -> Iterator[tuple[int, str, int]]:
    """Serve a peer from a database of its own; yield port, header of a caller, and process."""
    name, service, python = f"peer_{number}", peers.service, str(peers.python)
    with psycopg.connect(service.cluster.url(SUPERUSER), autocommit=True) as connection:
        statement = sql.SQL("CREATE DATABASE {} OWNER {}")
        connection.execute(statement.format(sql.Identifier(name), sql.Identifier(OWNER_ROLE)))
    environment = {
        **os.environ,
        "PEER": peer,
        "PEER_DATABASE_URL": service.cluster.url(OWNER_ROLE, name),
        "PEER_REDIS_URL": service.environment["REDIS_URL"],
    }
    module = "benchmarks.peers.project"
    proof = subprocess.run(
        [python, "-m", module], env=environment, cwd=ROOT, check=True, capture_output=True
    ).stdout.decode()
    port = free_port()
    command = ["-m", "gunicorn", "--preload", "--worker-class", "gthread"]
    command += ["--workers", str(WORKERS), "--threads", str(THREADS), "--keep-alive", "75"]
    command += ["--no-control-socket", "--bind", f"127.0.0.1:{port}", f"{module}:application"]
    if peers.granian:
        environment, command = servers.behind_granian(environment, port, f"{module}:application")
    with (PLACE / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            [python, *command], env=environment, cwd=ROOT, stdout=log, stderr=log
        )
    try:
        _await(port, process)
        yield port, proof, process.pid
    finally:
        process.terminate()
        process.wait(40)


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    asked = f"GET /known/ HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
    deadline = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            load.answered_at(("127.0.0.1", port), asked, expect=(401, 403))
            return
        time.sleep(0.1)
    raise load.Wrong("a peer does not serve")


if __name__ == "__main__":
    sys.exit(main())
