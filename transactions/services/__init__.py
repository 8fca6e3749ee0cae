"""What can be done with money."""

from transactions.generating import Span
from transactions.services.accounts import (
    close_ledger_account,
    create_asset,
    create_ledger,
    ensure_house_account,
    open_ledger_account,
    update_ledger_account,
)
from transactions.services.bulk import post_all_or_none, post_each
from transactions.services.checking import note_faults
from transactions.services.exchanges import Terms, exchange
from transactions.services.generation import Wanted, generate_history
from transactions.services.holds import (
    Capture,
    capture_hold,
    expire_holds,
    place_hold,
    release_hold,
)
from transactions.services.imports import ImportReport, import_file
from transactions.services.naming import account_ids_of
from transactions.services.notes import add_note
from transactions.services.planning import Item
from transactions.services.posting import (
    Draft,
    Expectation,
    PostedEntry,
    PostedTransaction,
    Posting,
    post_transaction,
    post_transactions,
    validate_transaction,
)
from transactions.services.reconciliations import reconcile, resolve_line
from transactions.services.reversals import Reversal, reverse_transaction
from transactions.services.schedules import cancel_schedule, post_due, schedule_transaction
from transactions.services.seals import seal_history
from transactions.services.snapshots import refresh_snapshots

__all__ = [
    "Capture",
    "Draft",
    "Expectation",
    "ImportReport",
    "Item",
    "PostedEntry",
    "PostedTransaction",
    "Posting",
    "Reversal",
    "Span",
    "Terms",
    "Wanted",
    "account_ids_of",
    "add_note",
    "cancel_schedule",
    "capture_hold",
    "close_ledger_account",
    "create_asset",
    "create_ledger",
    "ensure_house_account",
    "exchange",
    "expire_holds",
    "generate_history",
    "import_file",
    "note_faults",
    "open_ledger_account",
    "place_hold",
    "post_all_or_none",
    "post_due",
    "post_each",
    "post_transaction",
    "post_transactions",
    "reconcile",
    "refresh_snapshots",
    "release_hold",
    "resolve_line",
    "reverse_transaction",
    "schedule_transaction",
    "seal_history",
    "update_ledger_account",
    "validate_transaction",
]
