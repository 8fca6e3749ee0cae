"""Control totals: what a restored database must add up to.

They count what had ended for good when they were read, which is below a watermark of transaction
ids, so that the same question asks the same rows later, however much was written since.
"""

from __future__ import annotations

from typing import Any, Final

import psycopg

from core import hooks

WATERMARK: Final = """
    SELECT (SELECT max(number) FROM epoch) AS epoch,
           pg_snapshot_xmin(pg_current_snapshot())::text AS xid
"""


def read_totals(connection: psycopg.Connection[Any]) -> dict[str, Any]:
    """Return a watermark and the totals below it, of one snapshot."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        row = connection.execute(WATERMARK).fetchone()
        assert row is not None, "it always has one row"
        watermark = {"epoch": row[0], "xid": row[1]}
        return {"below": watermark, "counted": _counted(connection, watermark)}


def differences(connection: psycopg.Connection[Any], known: dict[str, Any]) -> list[str]:
    """Return in which totals this database differs from those of a manifest."""
    found = _counted(connection, known["below"])
    names = sorted(found.keys() | known["counted"].keys())
    return [name for name in names if found.get(name) != known["counted"].get(name)]


def _counted(connection: psycopg.Connection[Any], watermark: dict[str, Any]) -> dict[str, Any]:
    counted: dict[str, Any] = {}
    for part in hooks.fire(hooks.TOTALS_READ, connection=connection, watermark=watermark):
        counted |= part
    return counted
