"""Reading money."""

from transactions.selectors.accounts import (
    account_ids,
    assets,
    final_balances,
    get_asset,
    get_ledger,
    get_ledger_account,
    house_account_id,
    ids_with_code,
    ledger_accounts,
    ledger_id,
    ledgers,
    named_account_ids,
)
from transactions.selectors.balances import Clock, balance_at
from transactions.selectors.events import events
from transactions.selectors.history import (
    balances_after,
    entries,
    get_transaction,
    has_transactions,
    ids_of_request,
    ids_with_reference,
    known_references,
    newest_ids_of_accounts,
    transaction_with_entries,
    transactions,
)
from transactions.selectors.holds import get_hold, holds, newest_hold_ids
from transactions.selectors.notes import notes
from transactions.selectors.reconciliations import (
    book_lines,
    get_reconciliation,
    reconciliation_lines,
    reconciliations,
)
from transactions.selectors.reversals import reversals_of, reversed_amounts
from transactions.selectors.schedules import due_schedules, get_schedule, schedules
from transactions.selectors.sealed import head_seal, last_seal, transaction_digests
from transactions.selectors.statements import (
    STATEMENT_CHUNK,
    statement_lines,
    statement_stream,
)
from transactions.selectors.trial_balances import TrialLine, trial_balance

__all__ = [
    "STATEMENT_CHUNK",
    "Clock",
    "TrialLine",
    "account_ids",
    "assets",
    "balance_at",
    "balances_after",
    "book_lines",
    "due_schedules",
    "entries",
    "events",
    "final_balances",
    "get_asset",
    "get_hold",
    "get_ledger",
    "get_ledger_account",
    "get_reconciliation",
    "get_schedule",
    "get_transaction",
    "has_transactions",
    "head_seal",
    "holds",
    "house_account_id",
    "ids_of_request",
    "ids_with_code",
    "ids_with_reference",
    "known_references",
    "last_seal",
    "ledger_accounts",
    "ledger_id",
    "ledgers",
    "named_account_ids",
    "newest_hold_ids",
    "newest_ids_of_accounts",
    "notes",
    "reconciliation_lines",
    "reconciliations",
    "reversals_of",
    "reversed_amounts",
    "schedules",
    "statement_lines",
    "statement_stream",
    "transaction_digests",
    "transaction_with_entries",
    "transactions",
    "trial_balance",
]
