"""What can be done with money."""

from transactions.services.accounts import (
    account_id_of,
    close_ledger_account,
    create_asset,
    create_ledger,
    ensure_house_account,
    open_ledger_account,
    update_ledger_account,
)
from transactions.services.holds import (
    Capture,
    capture_hold,
    expire_holds,
    place_hold,
    release_hold,
)
from transactions.services.imports import ImportReport, import_file
from transactions.services.posting import (
    Draft,
    Expectation,
    PostedEntry,
    PostedTransaction,
    Posting,
    post_transaction,
    post_transactions,
)
from transactions.services.reversals import Reversal, reverse_transaction
from transactions.services.seals import seal_history
from transactions.services.snapshots import refresh_snapshots

__all__ = [
    "Capture",
    "Draft",
    "Expectation",
    "ImportReport",
    "PostedEntry",
    "PostedTransaction",
    "Posting",
    "Reversal",
    "account_id_of",
    "capture_hold",
    "close_ledger_account",
    "create_asset",
    "create_ledger",
    "ensure_house_account",
    "expire_holds",
    "import_file",
    "open_ledger_account",
    "place_hold",
    "post_transaction",
    "post_transactions",
    "refresh_snapshots",
    "release_hold",
    "reverse_transaction",
    "seal_history",
    "update_ledger_account",
]
