"""P6, P7, P8: what a million transactions change, how fast they come, what they weigh."""

from __future__ import annotations

import dataclasses
import functools
import re
import statistics
import subprocess
import sys
import time
import uuid

import psycopg

from benchmarks import load
from benchmarks.results import Row
from benchmarks.serving import ROOT, Served
from core.embedded.postgres import SUPERUSER

COMMAND = "python -m benchmarks volume"
COUNT, PEOPLE, DAYS = 1_000_000, 1_000, 120
POSTED, BULK, CLIENTS = 20_000, 1_000, 4
GENERATED_S_MAX, ROWS_S_MIN, BYTES_MAX, HOT_MIN, SLOWER_MAX = 180, 10_000, 750, 0.95, 1.2
_WEIGHT = """
    SELECT coalesce(parent.relname, c.relname), sum(pg_total_relation_size(c.oid))::bigint
    FROM pg_class c
    LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
    LEFT JOIN pg_class parent ON parent.oid = i.inhparent
    WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace GROUP BY 1
"""


def run(served: Served, *, rounds: int, seconds: float) -> list[Row]:
    """Measure all of it; rounds and seconds are those of each question."""
    rows = [_imported(served), *_weighed(served)]
    small = _speeds(served, rounds=rounds, seconds=seconds / 4)
    rows.append(_generated(served))
    large = _speeds(served, rounds=rounds, seconds=seconds / 4)
    return [*rows, *_slower(small, large)]


def _imported(served: Served) -> Row:
    told = _manage(served, "demo_load")
    found = re.search(r"rows a second\s+([\d,]+)", told)
    assert found, told
    speed = float(found[1].replace(",", ""))
    return Row(
        goal="P7",
        what="import of the bank's year, compared row by row",
        wanted=f">= {ROWS_S_MIN:,} rows/s",
        reached=speed,
        unit="rows/s",
        is_met=speed >= ROWS_S_MIN,
        figures="28,205 rows, one run",
        command=COMMAND,
    )


def _generated(served: Served) -> Row:
    started = time.monotonic()
    _manage(
        served,
        *("demo_generate", "--users", str(PEOPLE), "--transactions", str(COUNT)),
        *("--days", str(DAYS), "--ledger", "million", "--force"),
    )
    made_s = time.monotonic() - started
    _manage(served, "ledger_verify")
    return Row(
        goal="P7",
        what="1,000,000 transactions generated; ledger_verify is clean",
        wanted=f"<= {GENERATED_S_MAX} s",
        reached=made_s,
        unit="s",
        is_met=made_s <= GENERATED_S_MAX,
        figures=f"one run; verified in another {time.monotonic() - started - made_s:.0f} s",
        command=COMMAND,
    )


def _weighed(served: Served) -> list[Row]:
    """Post singles' worth of history through bulks: rows are the same, keys come by hundreds."""
    items = [
        b'{"postings":[{"source":"%s","destination":"%s","amount":1,"asset":"USD"}]}'
        % (served.accounts[n].encode(), served.accounts[-1 - n].encode())
        for n in range(BULK)
    ]
    body = b'{"ledger":"generated","items":[' + b",".join(items) + b"]}"
    with psycopg.connect(served.database_url(SUPERUSER), autocommit=True) as connection:
        before = _weights(connection)
        for _ in range(POSTED // BULK):
            path = "/api/v1/transactions/bulk/"
            asked = load.request(served, "POST", path, body, key=uuid.uuid4().hex)
            load.answered(served, asked, expect=201)
        after = _weights(connection)
        connection.execute("SELECT pg_stat_force_next_flush()")
        hot, updated = connection.execute(
            "SELECT n_tup_hot_upd, n_tup_upd FROM pg_stat_user_tables WHERE relname = 'balance'"
        ).fetchone() or (0, 0)
    grown = {name: (size - before.get(name, 0)) / POSTED for name, size in after.items()}
    parts = sorted((bytes_, name) for name, bytes_ in grown.items() if bytes_ >= 1)
    weight, share = sum(grown.values()), hot / max(1, updated)
    return [
        Row(
            goal="P8",
            what="bytes for each transfer, all indexes",
            wanted=f"<= {BYTES_MAX}",
            reached=weight,
            unit="bytes",
            is_met=weight <= BYTES_MAX,
            figures=", ".join(f"{name} {bytes_:.0f}" for bytes_, name in reversed(parts)),
            command=COMMAND,
        ),
        Row(
            goal="P8",
            what="updates of balances that stay on their page",
            wanted=f">= {HOT_MIN:.0%}",
            reached=share,
            unit="of all",
            is_met=share >= HOT_MIN,
            figures=f"{hot:,} of {updated:,}",
            command=COMMAND,
            floor=0.5,
        ),
    ]


def _weights(connection: psycopg.Connection) -> dict[str, int]:
    rows: list[tuple[str, int]] = connection.execute(_WEIGHT).fetchall()
    return dict(rows)


@dataclasses.dataclass
class _Speed:
    """The shares of a no-op's speed that a question reached, and what one costs the processor."""

    shares: list[float]
    cpu_us: float = 0.0

    @property
    def share(self) -> float:
        return statistics.median(self.shares)


def _speeds(served: Served, *, rounds: int, seconds: float) -> dict[str, _Speed]:
    """Return how fast each question is answered."""
    with psycopg.connect(served.database_url(SUPERUSER)) as connection:
        (busiest,) = connection.execute(
            "SELECT account_id FROM balance ORDER BY entry_seq DESC LIMIT 1"
        ).fetchone() or ("",)
    account = f"/api/v1/ledger-accounts/{busiest}"
    asked = {
        "balance": f"{account}/balance/",
        "entries": f"{account}/entries/?limit=100",
        "statement": f"{account}/statement/?limit=100&from=2000-01-01T00:00:00Z",
        "list": "/api/v1/transactions/?limit=100",
    }
    nothing = load.request(served, "GET", "/api/v1/benchmarks/known/")
    questions = {name: load.request(served, "GET", path) for name, path in asked.items()}
    speeds = {name: _Speed([]) for name in asked}
    for _ in range(rounds):
        for name, question in questions.items():
            speed = _speed(served, question, seconds)
            speeds[name].shares.append(speed / _speed(served, nothing, seconds))
    for name, question in questions.items():
        ask = functools.partial(_speed, served, question, seconds)
        speeds[name].cpu_us = served.cpu_us_each(ask, seconds=seconds)
    return speeds


def _speed(served: Served, question: bytes, seconds: float) -> float:
    return load.rate(served, lambda _: question, clients=CLIENTS, seconds=seconds, expect=200)


def _slower(small: dict[str, _Speed], large: dict[str, _Speed]) -> list[Row]:
    rows = []
    for name, before in small.items():
        after = large[name]
        slower = before.share / after.share
        rows.append(
            Row(
                goal="P6",
                what=f"{name}: time at 2.3 million entries : at 20,000",
                wanted=f"<= {SLOWER_MAX} x",
                reached=slower,
                is_met=slower <= SLOWER_MAX,
                figures=f"{before.share:.2f} : {after.share:.2f} of a no-op's speed, small to "
                f"large; processor {before.cpu_us:,.0f} : {after.cpu_us:,.0f} us each",
                command=COMMAND,
            )
        )
    return rows


def _manage(served: Served, *arguments: str) -> str:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        env={**served.environment, "LOG_STREAM": "stderr"},
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
