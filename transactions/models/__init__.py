"""The ledger's tables."""

from transactions.models.accounts import Asset, Balance, Ledger, LedgerAccount
from transactions.models.history import (
    Entry,
    EntryLine,
    Transaction,
    TransactionReference,
)
from transactions.models.holds import Hold
from transactions.models.notes import Exchange, TransactionNote
from transactions.models.reconciliations import Reconciliation, ReconciliationLine
from transactions.models.reversals import ReversedPosting
from transactions.models.schedules import Schedule
from transactions.models.seals import Seal
from transactions.models.snapshots import (
    ArchivedRun,
    BalanceSnapshot,
    SnapshotHorizon,
    SnapshotLine,
)

__all__ = [
    "ArchivedRun",
    "Asset",
    "Balance",
    "BalanceSnapshot",
    "Entry",
    "EntryLine",
    "Exchange",
    "Hold",
    "Ledger",
    "LedgerAccount",
    "Reconciliation",
    "ReconciliationLine",
    "ReversedPosting",
    "Schedule",
    "Seal",
    "SnapshotHorizon",
    "SnapshotLine",
    "Transaction",
    "TransactionNote",
    "TransactionReference",
]
