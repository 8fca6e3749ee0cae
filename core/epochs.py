"""Which life of the database a row was written in.

Transaction ids order commits, but only within one life: a dump that is restored into another
cluster, and a standby that takes over, begin to count elsewhere. So rows that are read in the
order of their commits carry the number of the life they were written in: their order is
``(epoch, xid, id)``.
"""

from __future__ import annotations

from typing import Final

from django.apps import apps
from django.db import connections, transaction
from psycopg import sql

from core import clock
from core.models import Epoch

ADVISORY_LOCK: Final = 7_301_002
# A file name of the write-ahead log begins with the timeline, which every take-over changes.
_LIFE: Final = """
    SELECT system_identifier, ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int
    FROM pg_control_system()
"""


def begin_if_restored() -> int:
    """Begin a new epoch when this is not the cluster, or the timeline, of the last one.

    Idempotent; runs as the owner role in one transaction. The number is the default of the
    column ``epoch``, so a posting pays nothing for it. Returns the current number.
    """
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ADVISORY_LOCK])
        cursor.execute(_LIFE)
        identifier, timeline = cursor.fetchone()
        last = Epoch.objects.using("owner").order_by("-number").first()
        if last and (last.system_identifier, last.timeline) == (identifier, timeline):
            return last.number
        number = last.number + 1 if last else 1
        for table in ordered_tables():
            cursor.execute(
                sql.SQL("ALTER TABLE {} ALTER COLUMN epoch SET DEFAULT {}").format(
                    sql.Identifier(table), sql.Literal(number)
                )
            )
        Epoch.objects.using("owner").create(
            number=number, system_identifier=identifier, timeline=timeline, began_at=clock.now()
        )
        return number


def ordered_tables() -> list[str]:
    """Return the tables whose model says ``ordered_by_commit``, sorted."""
    return sorted(
        model._meta.db_table  # noqa: SLF001 - Django's documented Model._meta API
        for model in apps.get_models()
        if getattr(model, "ordered_by_commit", False)
    )
