"""Month partitions of the big tables.

They are cut by UUIDv7: the bound of a month is the smallest id its first millisecond can have, so
a look-up by id touches one partition without knowing a date. There is no default partition: a row
without a month is refused, and readiness warns while there is still time.
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Iterable
from typing import Any, Final

from django.apps import apps
from django.conf import settings
from django.db import connections
from psycopg import sql

from core import clock, ids

MONTHS_AHEAD: Final = 3
MONTHS_AHEAD_WARNING: Final = 2
# Two deploys, or a deploy and the worker, may ensure partitions at the same time.
ADVISORY_LOCK: Final = 7_301_001
_BOUND: Final = re.compile(r"TO \('([0-9a-f-]{36})'\)")
_LOWER: Final = re.compile(r"FROM \('([0-9a-f-]{36})'\)")
_BOUNDS: Final = """
    SELECT pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i
    JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = %s::regclass
"""
ALL_BOUNDS: Final = """
    SELECT p.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i
    JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
    WHERE p.relname = ANY (%s) AND pg_table_is_visible(p.oid)
"""
_RIGHTS: Final = """
    SELECT c.relname FROM pg_inherits i
    JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
    WHERE p.relname = ANY (%(tables)s)
      AND has_table_privilege(%(role)s, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
    ORDER BY 1
"""


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
                created += [
                    partition_name(table, month)
                    for month in months
                    if create_month(cursor, table, month)
                ]
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [ADVISORY_LOCK])
    return created


def create_month(cursor: Any, table: str, month: dt.date) -> bool:
    """Create one partition as the owner role; ``False`` when it is there."""
    name = partition_name(table, month)
    cursor.execute("SELECT to_regclass(%s) IS NULL", [name])
    if not cursor.fetchone()[0]:
        return False
    cursor.execute(_create_statement(table, name, month))
    return True


def partition_name(table: str, month: dt.date) -> str:
    """Return the name of the partition of ``table`` for ``month``."""
    return f"{table}_{month:%Y_%m}"


def is_attached(cursor: Any, name: str) -> bool:
    """Return whether there is a partition of that name."""
    cursor.execute("SELECT FROM pg_inherits WHERE inhrelid = to_regclass(%s)", [name])
    return cursor.fetchone() is not None


def months_ahead(alias: str = "default") -> int:
    """Return for how many whole months beyond this one every big table has a partition."""
    with connections[alias].cursor() as cursor:
        cursor.execute(ALL_BOUNDS, [partitioned_tables()])
        return months_ahead_of(cursor.fetchall())


def months_ahead_of(bounds: Iterable[tuple[str, str]]) -> int:
    """Return the same of what :data:`ALL_BOUNDS` answered."""
    this_month = clock.now().date().replace(day=1)
    horizons = dict.fromkeys(partitioned_tables(), this_month)
    for table, bound in bounds:
        upper = _BOUND.search(bound)
        if upper:
            end = ids.made_at(uuid.UUID(upper[1])).date()
            horizons[table] = max(horizons[table], end)
    horizon = min(horizons.values())
    return (horizon.year - this_month.year) * 12 + horizon.month - this_month.month - 1


def months_of(table: str) -> list[dt.date]:
    """Return the months ``table`` has partitions for, in order."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(_BOUNDS, [f'"{table}"'])
        lowers = [_LOWER.search(bound) for (bound,) in cursor.fetchall()]
    return sorted(ids.made_at(uuid.UUID(match[1])).date() for match in lowers if match)


def months_older_than(months: int) -> list[dt.date]:
    """Return the months that are here and older than so many whole months before this one."""
    limit = _add_months(clock.now().date(), -months)
    found = {month for table in partitioned_tables() for month in months_of(table)}
    return sorted(month for month in found if month < limit)


def faults(*, archived: set[dt.date]) -> list[str]:
    """Say what is wrong: few months ahead, months missing between others, rights on partitions."""
    found = []
    if months_ahead("owner") < MONTHS_AHEAD_WARNING:
        found.append(f"Fewer than {MONTHS_AHEAD_WARNING} months ahead; run partitions_ensure.")
    for table in partitioned_tables():
        here = months_of(table)
        expected = _months(here[0], here[-1]) if here else []
        found += [
            f"{table} has no partition for {month:%Y-%m}."
            for month in expected
            if month not in here and month not in archived
        ]
    role = settings.DATABASES["default"]["USER"]
    if role != settings.DATABASES["owner"]["USER"]:
        with connections["owner"].cursor() as cursor:
            cursor.execute(_RIGHTS, {"role": role, "tables": partitioned_tables()})
            found += [f"{role} has rights on {name} itself." for (name,) in cursor.fetchall()]
    return found


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
