"""Balances at an instant, by either clock: the snapshot of the day before, and what came after."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final, Literal

from django.db import connection

from transactions import errors
from transactions.models import LedgerAccount

Clock = Literal["recorded", "effective"]
_LAST_INSTANT: Final = dt.datetime.max.replace(tzinfo=dt.UTC)
_A_MOMENT: Final = dt.timedelta(microseconds=1)
# recorded_at never goes back along account_seq, so entries beyond the horizon (seq) are found
# from its recorded_at on.
_KNOWN: Final = """
    LEFT JOIN LATERAL (
        SELECT s.day, s.recorded, s.effective FROM balance_snapshot s
        WHERE s.account_id = a.id AND s.day < %(day)s ORDER BY s.day DESC LIMIT 1
    ) AS snap ON true
    LEFT JOIN LATERAL (
        SELECT h.entry_seq AS seq, h.recorded_at AS at FROM snapshot_horizon h
        WHERE h.account_id = a.id
    ) AS horizon ON true
"""
_ARCHIVED: Final = """
    EXISTS (
        SELECT FROM archived_run r
        WHERE r.account_id = a.id AND r.{day} = %(day)s AND %(before)s > %(midnight)s
    ) AS is_archived
"""
_RECORDED: Final = f"""
    SELECT a.id, coalesce(last.balance_after, snap.recorded, 0) AS balance,
           {_ARCHIVED.format(day="recorded_day")}
    FROM {{accounts}} AS a (id) {_KNOWN}
    LEFT JOIN LATERAL (
        SELECT e.balance_after FROM entry e
        WHERE e.account_id = a.id AND e.recorded_at < %(before)s
          AND e.recorded_at >= CASE WHEN snap.day IS NULL THEN '-infinity'
              ELSE least((snap.day + 1)::timestamp AT TIME ZONE 'UTC', horizon.at) END
          AND (e.account_seq > horizon.seq OR snap.day IS NULL
              OR e.recorded_at >= (snap.day + 1)::timestamp AT TIME ZONE 'UTC')
        ORDER BY e.recorded_at DESC, e.account_seq DESC LIMIT 1
    ) AS last ON true
"""  # noqa: S608 - fixed fragments
_EFFECTIVE: Final = f"""
    SELECT a.id, (coalesce(snap.effective, 0) + coalesce(that_day.total, 0)
        + coalesce(that_day_late.total, 0) + coalesce(beyond.total, 0))::bigint AS balance,
           {_ARCHIVED.format(day="effective_day")}
    FROM {{accounts}} AS a (id) {_KNOWN}
    LEFT JOIN LATERAL (
        SELECT sum(e.amount) AS total FROM entry e
        WHERE e.account_id = a.id AND e.effective_at IS NULL AND e.account_seq <= horizon.seq
          AND e.recorded_at >= %(midnight)s AND e.recorded_at < %(before)s
    ) AS that_day ON true
    LEFT JOIN LATERAL (
        SELECT sum(e.amount) AS total FROM entry e
        WHERE e.account_id = a.id AND e.account_seq <= horizon.seq
          AND e.effective_at >= %(midnight)s AND e.effective_at < %(before)s
    ) AS that_day_late ON true
    LEFT JOIN LATERAL (
        SELECT sum(e.amount) AS total FROM entry e
        WHERE e.account_id = a.id AND e.recorded_at >= coalesce(horizon.at, '-infinity')
          AND e.account_seq > coalesce(horizon.seq, 0)
          AND coalesce(e.effective_at, e.recorded_at) < %(before)s
    ) AS beyond ON true
"""  # noqa: S608 - fixed fragments
BALANCES: Final[dict[Clock, str]] = {"recorded": _RECORDED, "effective": _EFFECTIVE}
_OF_ONE: Final = "(VALUES (%(account)s::uuid))"


def balance_at(
    account: LedgerAccount, at: dt.datetime, *, by: Clock, inclusive: bool = True
) -> int:
    """Return the balance at ``at`` in minor units; exclusive of it when asked.

    By the recorded clock: what the ledger knew then. By the effective clock: what was true then,
    as known now. Costs the entries of one day and those since the last snapshot, whatever the
    account's age.

    Raises:
        MomentArchived: ``at`` lies within a day whose entries are in the archive.
    """
    before = min(at, _LAST_INSTANT - _A_MOMENT) + _A_MOMENT if inclusive else at
    with connection.cursor() as cursor:
        statement = BALANCES[by].format(accounts=_OF_ONE)
        cursor.execute(statement, {**moments(before), "account": account.pk})
        ((_, balance, is_archived),) = cursor.fetchall()
    if is_archived:
        raise errors.MomentArchived(
            "Ask for the last microsecond of a day, or for the month to be restored.",
            day=before.astimezone(dt.UTC).date().isoformat(),
        )
    return int(balance)


def moments(before: dt.datetime) -> dict[str, Any]:
    """Return the parameters of the statements in :data:`BALANCES`."""
    before = before.astimezone(dt.UTC)
    midnight = before.replace(hour=0, minute=0, second=0, microsecond=0)
    return {"before": before, "midnight": midnight, "day": midnight.date()}
