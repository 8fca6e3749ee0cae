"""What the ledger keeps of a month that leaves for the archive."""

from __future__ import annotations

from typing import Any, Final

from django.db import connections

from core.archives import ArchiveFault
from core.models import MonthArchive
from transactions.models import Seal
from transactions.services.seals import seal_history
from transactions.services.snapshots import refresh_snapshots

_NOT_COVERED: Final = """
    SELECT EXISTS (
        SELECT FROM entry e LEFT JOIN snapshot_horizon h ON h.account_id = e.account_id
        WHERE e.transaction_id >= %(first)s AND e.transaction_id < %(end)s
          AND e.account_seq > coalesce(h.entry_seq, 0)
    )
"""
_NOT_SEALED: Final = """
    SELECT EXISTS (
        SELECT FROM "transaction"
        WHERE id >= %(first)s AND id < %(end)s
          AND (epoch, xid, id) > (%(epoch)s::smallint, %(xid)s::text::xid8, %(id)s::uuid)
    )
"""
# Numbers without a gap form a run as long as both days stay the same.
_FOLD: Final = """
    INSERT INTO archived_run (account_id, user_id, archive_id, recorded_day, effective_day,
        first_seq, last_seq, amount, balance_after)
    SELECT account_id, user_id, %(archive)s, recorded_day, effective_day, min(account_seq),
           max(account_seq), sum(amount)::bigint,
           (array_agg(balance_after ORDER BY account_seq DESC))[1]
    FROM (
        SELECT d.*, account_seq - row_number() OVER (
                   PARTITION BY account_id, recorded_day, effective_day ORDER BY account_seq
               ) AS run
        FROM (
            SELECT account_id, user_id, account_seq, amount, balance_after,
                   (recorded_at AT TIME ZONE 'UTC')::date AS recorded_day,
                   (coalesce(effective_at, recorded_at) AT TIME ZONE 'UTC')::date AS effective_day
            FROM entry WHERE transaction_id >= %(first)s AND transaction_id < %(end)s
        ) AS d
    ) AS numbered
    GROUP BY account_id, user_id, recorded_day, effective_day, run
"""


def prepare_to_leave() -> None:
    """Bring daily balances and seals up to the newest final transaction."""
    refresh_snapshots()
    seal_history()


def fold_entries(*, archive: MonthArchive, using: str) -> None:
    """Keep the sum of each run of entries that are about to leave; joins the caller's transaction.

    Raises:
        ArchiveFault: an entry is not in the daily balances yet, or a transaction not sealed.
    """
    head = Seal.objects.using(using).defer("members").order_by("-number").first()
    facts: dict[str, Any] = {
        "archive": archive.pk,
        "first": archive.first_id,
        "end": archive.end_id,
        "epoch": head.last_epoch if head else 0,
        "xid": head.last_xid if head else 0,
        "id": head.last_id if head else archive.first_id,
    }
    with connections[using].cursor() as cursor:
        for statement, what in (
            (_NOT_COVERED, "in the daily balances"),
            (_NOT_SEALED, "sealed"),
        ):
            cursor.execute(statement, facts)
            if cursor.fetchone()[0]:
                raise ArchiveFault(f"A transaction of the month is not {what} yet; try again.")
        cursor.execute(_FOLD, facts)


def unfold_entries(*, archive: MonthArchive, using: str) -> None:
    """Forget the sums of entries that are back; joins the caller's transaction."""
    with connections[using].cursor() as cursor:
        cursor.execute("DELETE FROM archived_run WHERE archive_id = %s", [archive.pk])
