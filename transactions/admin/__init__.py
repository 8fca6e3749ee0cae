"""How staff look at money: everything can be found, nothing in history can be changed."""

from transactions.admin.accounts import AssetAdmin, LedgerAccountAdmin, LedgerAdmin
from transactions.admin.history import EntryLineAdmin, TransactionAdmin
from transactions.admin.holds import HoldAdmin
<<<<<<< HEAD
from transactions.admin.reconciliations import ReconciliationAdmin, ReconciliationLineAdmin
=======
from transactions.admin.schedules import ScheduleAdmin
>>>>>>> b84c350 (transactions: Schedule, exchange and annotate; follow what happens to owners.)
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
<<<<<<< HEAD
    "ReconciliationAdmin",
    "ReconciliationLineAdmin",
=======
    "ScheduleAdmin",
>>>>>>> b84c350 (transactions: Schedule, exchange and annotate; follow what happens to owners.)
    "SealAdmin",
    "SnapshotLineAdmin",
    "TransactionAdmin",
    "TransactionNoteAdmin",
]
