"""Does a book balance at an instant?"""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Final

from django.db import connection

from core import errors as core_errors
from core.fields import INT64_MAX
from core.principals import Principal
from transactions import errors
from transactions.models import Ledger
from transactions.selectors.balances import BALANCES, Clock, moments

_OF_LEDGER: Final = "(SELECT id FROM ledger_account WHERE ledger_id = %(ledger)s)"
_TOTALS: Final[dict[Clock, str]] = {
    by: f"""
    SELECT l.asset_code, l.type, count(*), -sum(least(b.balance, 0)), sum(greatest(b.balance, 0)),
           bool_or(b.is_archived)
    FROM ({statement.format(accounts=_OF_LEDGER)}) AS b
    JOIN ledger_account l ON l.id = b.id
    GROUP BY l.asset_code, l.type ORDER BY l.asset_code, l.type
    """  # noqa: S608 - fixed fragments
    for by, statement in BALANCES.items()
}


@dataclasses.dataclass(frozen=True, slots=True)
class TrialLine:
    """The accounts of one type in one asset: what they owe and own, in minor units."""

    asset: str
    type: str
    accounts: int
    debit: int
    credit: int


def trial_balance(
    *, ledger: Ledger, at: dt.datetime, by: Clock, actor: Principal
) -> list[TrialLine]:
    """Return the sums of negative and positive balances before ``at`` by asset and type.

    The debits of an asset equal its credits, or the book does not balance.

    Raises:
        PermissionRefused: only staff with the permission may see everybody's money.
        MomentArchived: ``at`` lies within a day whose entries are in the archive.
        NumberOutOfRange: a sum leaves 64 bits.
    """
    if not actor.may("transactions.view_balance"):
        raise core_errors.PermissionRefused("A trial balance sums up everybody's accounts.")
    with connection.cursor() as cursor:
        cursor.execute(_TOTALS[by], {**moments(at), "ledger": ledger.pk})
        rows = cursor.fetchall()
    if any(is_archived for *_, is_archived in rows):
        raise errors.MomentArchived(
            "Ask for the beginning of a day, or for the month to be restored.",
            day=at.astimezone(dt.UTC).date().isoformat(),
        )
    if any(max(debit, credit) > INT64_MAX for *_, debit, credit, _ in rows):
        raise core_errors.NumberOutOfRange("A sum would leave the range of 64-bit integers.")
    return [
        TrialLine(asset, kind, accounts, int(debit), int(credit))
        for asset, kind, accounts, debit, credit, _ in rows
    ]
