"""Reading a table in the order its rows were committed, without skipping and without doubling.

Ids are made before commits, so reading by id overtakes transactions that are still open. Rows
that say ``ordered_by_commit`` are read by ``(epoch, xid, id)`` instead, and only as far as every
transaction has ended: whoever remembers a position misses nothing.
"""

from __future__ import annotations

import dataclasses
import uuid
from typing import Final

from django.db import connection
from psycopg import sql

from core.models import Epoch

# Below xmin every transaction has ended; the ids of earlier epochs say nothing about running ones.
# One epoch at a time: PostgreSQL would estimate a comparison of all three columns by the first
# alone, expect nothing and sort everything.
FINAL_AFTER: Final = """
    SELECT r.xid::text::bigint AS number, r.id
    FROM {table} r
    WHERE r.epoch = %(epoch)s
      AND (r.xid, r.id) > (%(xid)s::text::xid8, %(id)s::uuid)
      AND r.xid < (
          SELECT CASE WHEN max(number) = %(epoch)s THEN pg_snapshot_xmin(pg_current_snapshot())
              ELSE '18446744073709551615'::xid8 END
          FROM epoch
      )
    ORDER BY r.epoch, r.xid, r.id LIMIT %(limit)s
"""


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in the order of commits: that of the row ``id``."""

    epoch: int
    xid: int
    id: uuid.UUID


START: Final = Position(0, 0, uuid.UUID(int=0))


def final_after(table: str, after: Position, *, limit: int) -> list[Position]:
    """Return up to ``limit`` final rows of ``table`` after a position, in the order of commits.

    A transaction that stays open, in any database of the server, holds back what committed after
    it began.
    """
    epochs = Epoch.objects.filter(number__gte=after.epoch).order_by("number")
    found: list[Position] = []
    for number in epochs.values_list("number", flat=True):
        first = after if number == after.epoch else dataclasses.replace(START, epoch=number)
        found += _of_epoch(table, first, limit - len(found))
        if len(found) == limit:
            break
    return found


def _of_epoch(table: str, after: Position, limit: int) -> list[Position]:
    statement = sql.SQL(FINAL_AFTER).format(table=sql.Identifier(table))
    with connection.cursor() as cursor:
        cursor.execute(
            statement, {"epoch": after.epoch, "xid": after.xid, "id": after.id, "limit": limit}
        )
        return [Position(after.epoch, xid, identifier) for xid, identifier in cursor]
