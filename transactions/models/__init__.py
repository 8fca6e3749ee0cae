"""The ledger's tables."""

from transactions.models.accounts import Asset, Balance, Ledger, LedgerAccount
from transactions.models.history import (
    Entry,
    EntryLine,
    Transaction,
    TransactionReference,
)

__all__ = [
    "Asset",
    "Balance",
    "Entry",
    "EntryLine",
    "Ledger",
    "LedgerAccount",
    "Transaction",
    "TransactionReference",
]
