"""Tabs that refresh one token at one moment, some never hearing the answer: nobody is logged out.

``REFRESH_RACES=10000 .venv/bin/pytest -n 1 tests/test_refresh_races.py`` is the full run, whose
figures so far are in benchmarks/README.md.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import http.client
import json
import os
import random
import threading
import time
import urllib.parse
from http import HTTPStatus

import psycopg

from tests.database import url_of
from tests.http import Client, registered
from tests.people import PASSWORD

RACES = int(os.environ.get("REFRESH_RACES", "120"))
LANES = 2
TABS_MIN, TABS_MAX = 2, 20
LOST = 0.02


@dataclasses.dataclass
class Tally:
    """What happened in one lane: a session whose tabs race again and again."""

    races: int = 0
    requests: int = 0
    lost: int = 0
    busy: int = 0
    false_logouts: int = 0
    split: int = 0


class Tab:
    """One connection that asks for the successor of a token until it hears it."""

    def __init__(self, url: str, choose: random.Random) -> None:
        self.address = urllib.parse.urlsplit(url).netloc
        self.choose = choose
        self.connection = http.client.HTTPConnection(self.address, timeout=30)

    def refresh(self, token: str, gate: threading.Barrier, tally: Tally) -> str | None:
        """Return the refresh token to go on with, ``None`` when logged out."""
        gate.wait()
        while True:
            tally.requests += 1
            try:
                self.connection.request(
                    "POST",
                    "/api/v1/auth/refresh/",
                    json.dumps({"refresh_token": token}),
                    {"Content-Type": "application/json"},
                )
            except OSError:
                # The server gave up a connection that was idle for long.
                self.connection.close()
                continue
            if self.choose.random() < LOST:
                # The answer never arrives; the tab tries again with what it has.
                tally.lost += 1
                self.connection.close()
                continue
            answer = self.connection.getresponse()
            body = json.loads(answer.read())
            if answer.status == HTTPStatus.SERVICE_UNAVAILABLE:
                # Too much at once: an answer to be asked again, not a logout.
                tally.busy += 1
                continue
            return str(body["refresh_token"]) if answer.status == 200 else None


def _race_on(url: str, token: str, races: int, seed: int) -> tuple[Tally, str]:
    choose, tally = random.Random(seed), Tally()
    tabs = [Tab(url, random.Random(seed + number)) for number in range(TABS_MAX)]
    with concurrent.futures.ThreadPoolExecutor(TABS_MAX) as threads:
        for _ in range(races):
            racing = tabs[: choose.randint(TABS_MIN, TABS_MAX)]
            gate = threading.Barrier(len(racing))
            asked = [threads.submit(tab.refresh, token, gate, tally) for tab in racing]
            heard = [future.result() for future in asked]
            tally.races += 1
            tally.false_logouts += heard.count(None)
            tally.split += len(set(heard)) != 1
            token = heard[0] or token
    for tab in tabs:
        tab.connection.close()
    return tally, token


def test_attack_06_parallel_refreshes_make_one_generation_and_log_nobody_out(serve):
    service = serve(workers=2, threads=8)
    seed = random.randrange(2**32)
    registered(service, "ada@example.org").close()
    credentials = {"email": "ada@example.org", "password": PASSWORD, "refresh": True}
    first = [
        Client(service.url).call("POST", "/api/v1/auth/login/", credentials)[2]["refresh_token"]
        for _ in range(LANES)
    ]
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(LANES) as lanes:
        ended = list(
            lanes.map(
                lambda lane: _race_on(
                    service.url, first[lane], RACES // LANES, seed + 1_000 * lane
                ),
                range(LANES),
            )
        )
    took_s = time.monotonic() - began
    total = Tally(
        *(sum(column) for column in zip(*(dataclasses.astuple(t) for t, _ in ended), strict=True))
    )
    print(f"seed {seed}: {total} in {took_s:.0f} s, {total.requests / took_s:.0f} requests/s")
    assert total.races == RACES // LANES * LANES
    assert total.lost > 0
    assert (total.false_logouts, total.split) == (0, 0)
    with psycopg.connect(url_of("owner", service.database)) as connection:
        rows = connection.execute(
            "SELECT generation, revoked_at FROM refresh_family ORDER BY generation"
        ).fetchall()
    assert rows == [(RACES // LANES, None)] * LANES
    for _, token in ended:
        body = {"refresh_token": token}
        assert Client(service.url).call("POST", "/api/v1/auth/refresh/", body)[0] == 200
