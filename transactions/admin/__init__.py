"""How staff look at money: everything can be found, nothing in history can be changed."""

from transactions.admin.accounts import AssetAdmin, LedgerAccountAdmin, LedgerAdmin
from transactions.admin.history import EntryLineAdmin, TransactionAdmin
from transactions.admin.holds import HoldAdmin
from transactions.admin.reconciliations import ReconciliationAdmin, ReconciliationLineAdmin
from transactions.admin.schedules import ScheduleAdmin
from transactions.admin.seals import SealAdmin
from transactions.admin.snapshots import SnapshotLineAdmin
from transactions.admin.terms import ExchangeAdmin, TransactionNoteAdmin

__all__ = [
    "AssetAdmin",
    "EntryLineAdmin",
    "ExchangeAdmin",
    "HoldAdmin",
    "LedgerAccountAdmin",
    "LedgerAdmin",
    "ReconciliationAdmin",
    "ReconciliationLineAdmin",
    "ScheduleAdmin",
    "SealAdmin",
    "SnapshotLineAdmin",
    "TransactionAdmin",
    "TransactionNoteAdmin",
]
