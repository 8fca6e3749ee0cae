"""How staff look at money: everything can be found, nothing in history can be changed."""

from transactions.admin.accounts import AssetAdmin, LedgerAccountAdmin, LedgerAdmin
from transactions.admin.history import EntryLineAdmin, TransactionAdmin
from transactions.admin.holds import HoldAdmin
from transactions.admin.reconciliations import ReconciliationAdmin, ReconciliationLineAdmin
from transactions.admin.seals import SealAdmin
from transactions.admin.snapshots import SnapshotLineAdmin

__all__ = [
    "AssetAdmin",
    "EntryLineAdmin",
    "HoldAdmin",
    "LedgerAccountAdmin",
    "LedgerAdmin",
    "ReconciliationAdmin",
    "ReconciliationLineAdmin",
    "SealAdmin",
    "SnapshotLineAdmin",
    "TransactionAdmin",
]
