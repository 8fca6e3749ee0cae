"""Amounts as staff read them."""

from __future__ import annotations

from typing import Final

from django.contrib import admin

from transactions import money
from transactions.models import EntryLine, LedgerAccount

NO_LIMIT: Final = "no limit"


def amount_of(account: LedgerAccount, amount_minor: int | None) -> str:
    """Return ``amount_minor`` with its decimals and asset; ``None`` is a limit that is not set."""
    if amount_minor is None:
        return NO_LIMIT
    return f"{money.readable(amount_minor, account.asset.exponent)} {account.asset_id}"


class LineColumns:
    """The columns of an entry, wherever entries are listed."""

    @admin.display(description="amount")
    def amount_read(self, line: EntryLine) -> str:
        """Show the amount with its decimals."""
        return amount_of(line.account, line.amount)

    @admin.display(description="balance after")
    def balance_read(self, line: EntryLine) -> str:
        """Show the balance with its decimals."""
        return amount_of(line.account, line.balance_after)
