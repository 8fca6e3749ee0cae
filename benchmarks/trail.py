"""What the audit triggers cost: money postings, and one UPDATE of an audited row, with and without.

A posting writes to tables that have none, so it should cost what it costs without.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from benchmarks.comparing import Side, compared, ratio
from benchmarks.posting import pgbench, singles
from benchmarks.results import Row
from benchmarks.serving import Served
from core.embedded.postgres import SUPERUSER

COMMAND = "python -m benchmarks trail"
UPDATE = "UPDATE ledger_account SET name = 'named ' || random() WHERE id = '{account}';\n"
_TRIGGERS = """
    SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    JOIN pg_proc p ON p.oid = t.tgfoid WHERE p.proname = 'audit_changes'
"""


def run(served: Served, *, rounds: int, seconds: float) -> list[Row]:
    """Measure both, in turn."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "update.sql"
        script.write_text(UPDATE.format(account=served.accounts[0]))
        Path(folder).chmod(0o755)
        script.chmod(0o644)

        def update() -> float:
            return pgbench(served, script, seconds, clients=1)

        post = singles(served, seconds, hot=False)
        found = compared(
            {
                "posting": post,
                "posting without": _without(served, post),
                "update": update,
                "update without": _without(served, update),
            },
            rounds=rounds,
        )
    rows = []
    for goal, what, floor in (("A1", "posting", 0.7), ("A2", "update", 0.1)):
        of_without = ratio(found, what, f"{what} without")
        figures = f"{found[what]} and {found[f'{what} without']} a second"
        rows.append(
            Row(
                goal=goal,
                what=f"{what} with audit triggers, of the same without",
                wanted=">= 0.95" if goal == "A1" else "told",
                reached=of_without,
                figures=figures,
                is_met=goal == "A2" or of_without >= 0.95,
                command=COMMAND,
                floor=floor,
            )
        )
    return rows


def _without(served: Served, side: Side) -> Side:
    def measure() -> float:
        with _switched_off(served):
            return side()

    return measure


@contextmanager
def _switched_off(served: Served) -> Iterator[None]:
    """Let no audit trigger fire meanwhile."""
    with psycopg.connect(served.database_url(SUPERUSER), autocommit=True) as connection:
        triggers = connection.execute(_TRIGGERS).fetchall()
        assert triggers, "there is something to measure"

        def switch(word: str) -> None:
            for table, trigger in triggers:
                connection.execute(
                    sql.SQL("ALTER TABLE {} {} TRIGGER {}").format(
                        sql.Identifier(table), sql.SQL(word), sql.Identifier(trigger)
                    )
                )

        switch("DISABLE")
        try:
            yield
        finally:
            switch("ENABLE")
