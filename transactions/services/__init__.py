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
from transactions.services.seals import seal_history

__all__ = [
    "Draft",
    "Expectation",
    "ImportReport",
    "PostedEntry",
    "PostedTransaction",
    "Posting",
    "account_id_of",
    "close_ledger_account",
    "create_asset",
    "create_ledger",
    "ensure_house_account",
    "import_file",
    "open_ledger_account",
    "post_transaction",
    "post_transactions",
    "seal_history",
    "update_ledger_account",
]
