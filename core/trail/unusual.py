"""What hardly ever happens and should be looked at when it does, found in the audit trail.

Metrics count what the service does; a superuser made at a ``psql`` prompt, or a command that writes
out one person after the other, is in the trail alone.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any, Final

from django.db import connection, transaction

from core import clock, ids
from core.operations import measurements

LOOK_BACK: Final = dt.timedelta(hours=1)
# So many people's data in the hands of one, within the time that is looked at, is a heap.
PEOPLE_MIN: Final = 20


@dataclasses.dataclass(frozen=True, slots=True)
class Kind:
    """Something unusual; ``statement`` returns who did it, and to what, for each case."""

    name: str
    statement: str


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One case of it."""

    kind: str
    who: str
    what: str


# ``since`` is an id: the partitions of earlier months, and rows before it, are not read.
KINDS: Final = (
    Kind(
        measurements.SUPERUSERS_MADE,
        "SELECT concat_ws(' ', actor_kind, actor_id, 'as', database_role), row_id "
        "FROM audit_change WHERE id >= %(since)s AND table_name = 'users' "
        "AND after ->> 'is_superuser' = 'true'",
    ),
    Kind(
        measurements.BULK_EXPORTS,
        "SELECT concat_ws(' ', actor_kind, actor_id), count(DISTINCT user_id) || ' people' "
        "FROM audit_event WHERE id >= %(since)s "
        "AND action IN ('account.export', 'account.export_fetch') "
        "GROUP BY actor_kind, actor_id HAVING count(DISTINCT user_id) >= %(people)s",
    ),
    # The clock deletes what is over; people, keys and whoever is at a prompt do not.
    Kind(
        measurements.MASS_DELETES,
        "SELECT concat_ws(' ', actor_kind, actor_id, 'as', database_role), "
        "table_name || ' of ' || count(DISTINCT user_id) || ' people' "
        "FROM audit_change WHERE id >= %(since)s AND operation = 'delete' "
        "AND actor_kind <> 'system' GROUP BY actor_kind, actor_id, database_role, table_name "
        "HAVING count(DISTINCT user_id) >= %(people)s",
    ),
)


def find(*, back: dt.timedelta = LOOK_BACK) -> list[Finding]:
    """Return what was unusual in the last ``back``. Reads both trails since then, once a kind."""
    asked: dict[str, Any] = {
        "since": ids.first_uuid7_at(clock.now() - back),
        "people": PEOPLE_MIN,
    }
    found = []
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        for kind in KINDS:
            cursor.execute(kind.statement, asked)
            found += [Finding(kind.name, who, what) for who, what in cursor.fetchall()]
    return found


def note() -> None:
    """Keep how much of each kind there was in the last hour, and which superusers there are.

    Commits its own transaction.
    """
    found = find()
    with transaction.atomic(), connection.cursor() as cursor:
        for kind in KINDS:
            cases = [finding for finding in found if finding.kind == kind.name]
            told = "; ".join(f"{case.who}: {case.what}" for case in cases)
            measurements.note(kind.name, len(cases), detail=told)
        cursor.execute("SELECT rolname FROM pg_roles WHERE rolsuper ORDER BY rolname")
        roles = [name for (name,) in cursor.fetchall()]
        measurements.note(measurements.DATABASE_SUPERUSERS, len(roles), detail=", ".join(roles))
