"""Month partitions of the big tables.

They are cut by UUIDv7: the bound of a month is the smallest id its first millisecond can have, so
a look-up by id touches one partition without knowing a date. There is no default partition: a row
without a month is refused, and readiness warns while there is still time.
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from typing import Final

from django.apps import apps
from django.db import connections
from psycopg import sql

from core import clock, ids

MONTHS_AHEAD: Final = 3
MONTHS_AHEAD_WARNING: Final = 2
# Two deploys, or a deploy and the worker, may ensure partitions at the same time.
ADVISORY_LOCK: Final = 7_301_001
_BOUND: Final = re.compile(r"TO \('([0-9a-f-]{36})'\)")


def partitioned_tables() -> list[str]:
    """Return the tables whose model says ``partitioned_by``, sorted."""
    return sorted(
        model._meta.db_table  # noqa: SLF001 - Django's documented Model._meta API
        for model in apps.get_models()
        if getattr(model, "partitioned_by", None)
    )


def ensure_months(*, first: dt.date | None = None, months_ahead: int = MONTHS_AHEAD) -> list[str]:
    """Create the missing partitions from ``first`` (default: this month) to ``months_ahead``.

    Idempotent; runs as the owner role in one transaction under an advisory lock. Returns the
    names of the partitions it created. The application role gets no rights on partitions: an
    insert that bypasses the parent would bypass its statement triggers.
    """
    today = clock.now().date()
    months = _months(first or today, _add_months(today, months_ahead))
    created = []
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [ADVISORY_LOCK])
        try:
            for table in partitioned_tables():
                for month in months:
                    name = f"{table}_{month:%Y_%m}"
                    cursor.execute("SELECT to_regclass(%s) IS NULL", [name])
                    if cursor.fetchone()[0]:
                        cursor.execute(_create_statement(table, name, month))
                        created.append(name)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [ADVISORY_LOCK])
    return created


def months_ahead(alias: str = "default") -> int:
    """Return for how many whole months beyond this one every big table has a partition."""
    horizon = min(_horizon(table, alias) for table in partitioned_tables())
    this_month = clock.now().date().replace(day=1)
    return (horizon.year - this_month.year) * 12 + horizon.month - this_month.month - 1


def month_bounds(month: dt.date) -> tuple[uuid.UUID, uuid.UUID]:
    """Return the lowest id of ``month`` and the lowest id of the month after it."""
    start = month.replace(day=1)
    return _bound(start), _bound(_add_months(start, 1))


def _create_statement(table: str, name: str, month: dt.date) -> sql.Composed:
    lower, upper = month_bounds(month)
    return sql.SQL("CREATE TABLE {} PARTITION OF {} FOR VALUES FROM ({}) TO ({})").format(
        sql.Identifier(name),
        sql.Identifier(table),
        sql.Literal(str(lower)),
        sql.Literal(str(upper)),
    )


def _horizon(table: str, alias: str) -> dt.date:
    """Return the first month for which ``table`` has no partition."""
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i "
            "JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = %s::regclass",
            [f'"{table}"'],
        )
        uppers = [_BOUND.search(bound) for (bound,) in cursor.fetchall()]
    ends = [ids.made_at(uuid.UUID(match[1])).date() for match in uppers if match]
    return max(ends, default=clock.now().date().replace(day=1))


def _bound(day: dt.date) -> uuid.UUID:
    return ids.first_uuid7_at(dt.datetime(day.year, day.month, 1, tzinfo=dt.UTC))


def _months(first: dt.date, last: dt.date) -> list[dt.date]:
    month, months = first.replace(day=1), []
    while month <= last:
        months.append(month)
        month = _add_months(month, 1)
    return months


def _add_months(day: dt.date, count: int) -> dt.date:
    index = day.year * 12 + day.month - 1 + count
    return dt.date(index // 12, index % 12 + 1, 1)
